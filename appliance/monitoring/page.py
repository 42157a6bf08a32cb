"""The page of metrics: meters, and states that are read when the page is asked for."""

import asyncio
from collections.abc import Mapping
from time import monotonic
from typing import get_args

from prometheus_client import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from appliance.foundation import Lane
from appliance.inference import Engines
from appliance.library import IngestLog
from appliance.metrics import Meters, Reading
from appliance.usage import Usage

DOCUMENTS_EVERY_S = 15.0
"""A scrape asks the database at most so often."""

REPLICA = ("model", "replica")


class MetricsPage:
    """Writes the page."""

    content_type = Meters.content_type

    def __init__(self, meters: Meters, engines: Engines, usage: Usage, ingest_log: IngestLog) -> None:
        self._meters = meters
        self._engines = engines
        self._usage = usage
        self._ingest_log = ingest_log
        self._documents: Mapping[str, int] = {}
        self._asked = -DOCUMENTS_EVERY_S
        add = meters.add_reading
        add("appliance_engine_state", "1 for the present state of each engine.", (*REPLICA, "state"), self._states)
        add("appliance_replica_takes", "1 when a replica takes requests.", REPLICA, self._takes)
        add("appliance_replica_requests", "Outstanding requests.", (*REPLICA, "lane"), self._outstanding)
        add("appliance_replica_tokens", "What outstanding requests may cost.", REPLICA, self._tokens)
        add("appliance_replica_limit", "Most requests at once.", REPLICA, self._limits)
        add("appliance_queue_length", "Requests that wait for a slot.", ("model", "lane"), self._queues)
        add("appliance_ledger_unflushed", "Records that the database has not taken yet.", (), self._unflushed)
        add("appliance_ledger_open", "Reservations of running requests.", (), self._open)
        add("appliance_ledger_failed_flushes", "Flushes that failed since the start.", (), self._failed_flushes)
        add("appliance_ledger_damaged_bytes", "Of the journal, at the last start.", (), self._damaged)
        add("appliance_limits_store_away", "1 while the store of shared limits is away.", (), self._away)
        add("appliance_documents", "Documents, by the state of their newest version.", ("state",), self._by_state)

    async def text(self) -> bytes:
        """The page. It is put together here and spelt in a thread, so that streams do not wait for it."""
        now = monotonic()
        if now - self._asked >= DOCUMENTS_EVERY_S:
            self._asked = now
            self._documents = await self._ingest_log.count_by_state()
        return await asyncio.to_thread(generate_latest, _Snapshot(list(self._meters.families())))

    def _states(self) -> Reading:
        return [((r.model_id, r.name, r.state), 1) for r in self._engines.list_replicas()]

    def _takes(self) -> Reading:
        return [((r.model_id, r.name), r.takes) for r in self._engines.list_replicas()]

    def _outstanding(self) -> Reading:
        for r in self._engines.list_replicas():
            yield (r.model_id, r.name, "interactive"), r.requests - r.batch_requests
            yield (r.model_id, r.name, "batch"), r.batch_requests

    def _tokens(self) -> Reading:
        return [((r.model_id, r.name), r.tokens) for r in self._engines.list_replicas()]

    def _limits(self) -> Reading:
        return [((r.model_id, r.name), r.limit) for r in self._engines.list_replicas()]

    def _queues(self) -> Reading:
        for model_id in {r.model_id for r in self._engines.list_replicas()}:
            for lane in get_args(Lane):
                yield (model_id, lane), self._engines.waiting(model_id, lane)

    def _unflushed(self) -> Reading:
        return [((), self._usage.ledger.unflushed)]

    def _open(self) -> Reading:
        return [((), len(self._usage.ledger.state.open))]

    def _failed_flushes(self) -> Reading:
        return [((), self._usage.ledger.state.failed_flushes)]

    def _damaged(self) -> Reading:
        return [((), self._usage.ledger.state.damaged_bytes)]

    def _away(self) -> Reading:
        return [((), int(self._usage.store_is_away))]

    def _by_state(self) -> Reading:
        return [((state,), count) for state, count in self._documents.items()]


class _Snapshot(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        return self._families
