"""Kill the gateway in the middle of acts, again and again: no act without its event, no event without its act.

    python -m tests.campaigns.kill_audit --kills 200 --seed 1 [--database sqlite|postgres]

Clients make groups, collections and limits, and call a model, each with a request id of its own, and keep a journal of
what was sent and what was answered; `kill -9` hits the one process at random moments. Afterwards journal, tables and
audit are held against each other, and the chain against its checkpoints. The same seed chooses the same acts and
moments.
"""

import argparse
import asyncio
import contextlib
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.audit.findings import Report
from appliance.audit.models import AuditEventRow
from appliance.audit.verify import verify
from appliance.configuration import storage_settings
from appliance.identity.models import GroupRow
from appliance.library.models import CollectionRow
from appliance.settings import Settings, load
from appliance.storage import Database
from appliance.usage.models import LimitRow
from tests.campaigns.forked import ForkedAppliance
from tests.campaigns.kill_ingest import Plan as Surroundings
from tests.campaigns.kill_ingest import administrator, surroundings
from tests.support.gateway import CHAT_MODEL, Client

WORKERS = 8
KINDS = ("group", "collection", "limits", "model", "model")
LIFE_S = (0.05, 0.8)
"""How long the process lives after it is ready, once it was busy."""


@dataclass(frozen=True)
class Plan:
    kills: int
    seed: int
    database: str = "sqlite"


@dataclass
class Journal:
    """Request ids: what was sent, and what of it was answered with success."""

    sent: dict[str, str] = field(default_factory=dict)
    """Request id → kind of act."""
    answered: set[str] = field(default_factory=set)
    groups: list[str] = field(default_factory=list)
    """Groups that were made and have no limits yet."""


@dataclass
class Outcome:
    broken: list[str]
    lines: list[str]


class Campaign:
    def __init__(self, plan: Plan, process: ForkedAppliance, client: Client) -> None:
        self._plan = plan
        self._process = process
        self._client = client
        self._random = random.Random(plan.seed)
        self._up = asyncio.Event()
        self._up.set()
        self._in_flight = 0
        self.journal = Journal()
        self.kills = 0
        self.cut_off = 0
        """Acts whose answer a kill took."""

    async def run(self) -> None:
        workers = [asyncio.create_task(self._work(number)) for number in range(WORKERS)]
        try:
            while self.kills < self._plan.kills:
                await asyncio.sleep(self._random.uniform(*LIFE_S))
                async with asyncio.timeout(60):
                    while not self._in_flight:
                        await asyncio.sleep(0.001)
                await asyncio.sleep(self._random.uniform(0, 0.02))
                await self._kill()
            await asyncio.sleep(2)
        finally:
            for worker in workers:
                worker.cancel()
            for ended in await asyncio.gather(*workers, return_exceptions=True):
                if isinstance(ended, Exception):
                    raise ended

    async def _kill(self) -> None:
        self._up.clear()
        await asyncio.to_thread(self._process.kill)
        await asyncio.to_thread(self._process.start)
        self.kills += 1
        self._up.set()
        if self.kills % 20 == 0:
            print(f"{self.kills} kills, {len(self.journal.answered)} acts answered, {self.cut_off} cut off", flush=True)

    async def _work(self, number: int) -> None:
        chance = random.Random(f"{self._plan.seed} {number}")
        for count in range(10**9):
            await self._up.wait()
            kind = chance.choice(KINDS)
            await self._act(kind, f"act-{number}-{count}")
            await asyncio.sleep(chance.uniform(0, 0.05))

    async def _act(self, kind: str, request_id: str) -> None:
        """One act; when its answer does not come, nobody knows whether it was done."""
        if kind == "limits" and not self.journal.groups:
            kind = "group"
        method, path, body = self._request(kind, request_id)
        self.journal.sent[request_id] = kind
        self._in_flight += 1
        try:
            reply = await self._client.request(method, path, json=body, headers={"x-request-id": request_id})
        except httpx.TransportError:
            self.cut_off += 1
            return
        finally:
            self._in_flight -= 1
        if reply.status_code == 503:  # it is starting or stopping; nothing was done
            return
        assert reply.status_code < 300, f"{request_id}: {reply.status_code} {reply.text}"
        self.journal.answered.add(request_id)
        if kind == "group":
            self.journal.groups.append(reply.json()["id"])

    def _request(self, kind: str, request_id: str) -> tuple[str, str, dict[str, object]]:
        if kind == "group":
            return "POST", "/api/groups", {"name": request_id}
        if kind == "collection":
            return "POST", "/api/collections", {"name": request_id}
        if kind == "limits":
            return "PUT", f"/api/limits/group:{self.journal.groups.pop()}", {"requests_per_day": 10**9}
        message = {"role": "user", "content": "Say something."}
        return "POST", "/v1/chat/completions", {"model": CHAT_MODEL, "messages": [message], "max_tokens": 4}


ACTS = ("group.created", "collection.created", "limits.changed", "model.called")


async def things(session: AsyncSession) -> dict[str, set[str]]:
    """Act → what is there because of it, as an event names it."""
    groups = await session.scalars(select(GroupRow.id).where(GroupRow.name.like("act-%")))
    collections = await session.scalars(select(CollectionRow.id).where(CollectionRow.name.like("act-%")))
    return {
        "group.created": {f"group:{key}" for key in groups},
        "collection.created": {f"collection:{key}" for key in collections},
        "limits.changed": set(await session.scalars(select(LimitRow.who))),
    }


def compared(there: Mapping[str, set[str]], events: Sequence[AuditEventRow], journal: Journal) -> list[str]:
    """What does not fit between tables, audit and journal."""
    broken: list[str] = []
    for action, made in there.items():
        told = Counter(e.object for e in events if e.action == action and e.request_id.startswith("act-"))
        broken += [f"{action} of {thing} has no event" for thing in made - set(told)]
        broken += [f"{action} of {thing} was told and not done" for thing in set(told) - made]
        broken += [f"{action} of {thing} was told {n} times" for thing, n in told.items() if n > 1]
    ids = told_ids(events)
    broken += [f"{r} ({journal.sent[r]}) was answered and has no event" for r in journal.answered if not ids[r]]
    broken += [f"{r} has {n} events" for r, n in ids.items() if n > 1]
    return broken + [f"{r} has an event and was never sent" for r in ids if r not in journal.sent]


def told_ids(events: Sequence[AuditEventRow]) -> Counter[str]:
    """Request ids of the campaign's events, each as often as it is told."""
    ids: Counter[str] = Counter()
    for event in events:
        ids.update(json.loads(event.details).get("request_ids", [event.request_id]))
    return Counter({request_id: n for request_id, n in ids.items() if request_id.startswith("act-")})


async def judge(settings: Settings, journal: Journal) -> tuple[list[str], Report, int]:
    """What does not fit; the report of `verify`; how many requests have an event."""
    database = Database(storage_settings(settings))
    async with database.read() as session:
        there = await things(session)
        events = (await session.scalars(select(AuditEventRow).where(AuditEventRow.action.in_(ACTS)))).all()
    report = await verify(database, [settings.data / "audit"])
    await database.close()
    bent = [f"{finding.kind}: {finding.sentence}" for finding in report.findings]
    return compared(there, events, journal) + bent, report, len(told_ids(events))


async def conduct(plan: Plan, place: Path, variables: Mapping[str, str]) -> Outcome:
    process = ForkedAppliance(place / "data", variables)
    settings: Settings = load(None, {k: v for k, v in process.environment.items() if k.startswith("APPLIANCE_")})
    began = time.monotonic()
    await asyncio.to_thread(process.start)
    try:
        async with administrator(process) as client:
            campaign = Campaign(plan, process, client)
            await campaign.run()
        await asyncio.to_thread(process.stop)
        broken, report, told = await judge(settings, campaign.journal)
    except (AssertionError, TimeoutError):
        print(process.output()[-6000:])
        raise
    finally:
        await asyncio.to_thread(process.stop)
    kinds = Counter(campaign.journal.sent[request_id] for request_id in campaign.journal.answered)
    lines = [
        f"{plan.database}, seed {plan.seed}, {campaign.kills} kills in {time.monotonic() - began:.0f} s",
        f"{len(campaign.journal.sent)} acts sent, {campaign.cut_off} cut off, answered: {dict(sorted(kinds.items()))}",
        f"{told} acts with an event; broken promises: {len(broken)}",
        f"verify: {report.events} events, {report.checkpoints} checkpoints, whole: {report.is_whole}",
    ]
    return Outcome(broken, lines)


def run(plan: Plan) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="pma-") as folder, contextlib.ExitStack() as stack:
        place = Path(folder)
        place.chmod(0o755)
        around = Surroundings(files=0, kills=plan.kills, seed=plan.seed, database=plan.database)
        variables = stack.enter_context(surroundings(around, place))
        return asyncio.run(conduct(plan, place, variables))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    asked = parser.parse_args()
    outcome = run(Plan(asked.kills, asked.seed, asked.database))
    print("\n".join([*outcome.lines, *outcome.broken]))
    sys.exit(1 if outcome.broken else 0)


if __name__ == "__main__":
    main()
