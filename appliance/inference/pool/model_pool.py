"""All replicas of one model, as one."""

import asyncio
import time
from collections.abc import Sequence

from appliance.foundation import Lane
from appliance.inference.errors import ReplicaUnknown
from appliance.inference.pool.admission import Admission, PoolRules
from appliance.inference.pool.dispatch import Dispatch, RoutedReply
from appliance.inference.pool.replica import Backend, Replica
from appliance.inference.pool.watchdog import Watchdog, WatchRules
from appliance.inference.pool.watcher import Watcher
from appliance.inference.port import Forward, ReplicaFacts


class ModelPool:
    """Takes requests for a model; `start` begins to watch its replicas."""

    def __init__(
        self,
        model_id: str,
        backends: Sequence[Backend],
        rules: PoolRules,
        watch: WatchRules,
        watcher: Watcher,
    ) -> None:
        self._model_id = model_id
        self._replicas = [Replica(backend, rules.max_running) for backend in backends]
        self._admission = Admission(model_id, self._replicas, rules, watcher)
        self._dispatch = Dispatch(model_id, self._admission, watcher)
        self._watchdogs = [Watchdog(model_id, r, self._admission, watch, watcher) for r in self._replicas]
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to watch; returns at once."""
        self._tasks = [asyncio.create_task(watchdog.run()) for watchdog in self._watchdogs]

    async def stop(self) -> None:
        """End the watching. Requests that run are left alone."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def takes(self) -> bool:
        """Whether any replica takes requests, however long the line."""
        return self._admission.takes()

    async def forward(self, ask: Forward) -> RoutedReply:
        """As `Dispatch.forward`."""
        return await self._dispatch.forward(ask)

    def changed(self) -> None:
        """A backend became ready, or ceased to be."""
        self._admission.grant()

    def drain(self, name: str, *, draining: bool) -> ReplicaFacts:
        """Give the replica no new requests, or give it some again; those that run go on. Raises ReplicaUnknown."""
        for replica in self._replicas:
            if replica.name == name:
                replica.draining = draining
                self._admission.grant()
                return self._facts(replica)
        names = ", ".join(r.name for r in self._replicas)
        raise ReplicaUnknown(f"'{self._model_id}' has no replica '{name}'.", remedy=f"It has: {names}.")

    def replicas(self) -> list[ReplicaFacts]:
        """As they are now, in the order of the settings."""
        return [self._facts(replica) for replica in self._replicas]

    def waiting(self, lane: Lane) -> int:
        """Requests in line."""
        return self._admission.waiting(lane)

    def _facts(self, replica: Replica) -> ReplicaFacts:
        return ReplicaFacts(
            model_id=self._model_id,
            name=replica.name,
            address=replica.backend.address,
            state=replica.backend.state,
            detail=replica.out(time.monotonic()) or replica.backend.detail,
            takes=not replica.out(time.monotonic()),
            draining=replica.draining,
            requests=replica.requests,
            batch_requests=replica.batch_requests,
            tokens=replica.tokens,
            limit=replica.limit,
        )
