"""Nobody reads what is not theirs: canaries in all collections, through all doors, while rights change all the time.

    python -m tests.campaigns.isolation --requests 100000 --seed 1

The gateway and the stand-in engine are processes of their own. 150 people of three tenants, in sessions and with keys,
ask about what all documents have in common, about handles of documents that they may or may not read, and by ids that
others have seen. Every answer is searched for canaries (`canaries.py`), and judged by what its reader might see at
some moment of the request; what was taken away must be gone at once, and the longest time that it was not is printed.
Questions for something that the asker may read must find it, or the rest would prove nothing.
"""

import argparse
import asyncio
import itertools
import json
import random
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from tests.campaigns.canaries import Firm, Rights, Text, shelves_in
from tests.campaigns.canary_world import Builder, World
from tests.support.engines import EngineProcess, engine_processes
from tests.support.gateway import CHAT_MODEL, EMBED_MODEL
from tests.support.process import ApplianceProcess

CHANGE_S = 0.5
LAG_S = 5.0
"""What the product promises at most; on one gateway it promises to be at once (decision 0017)."""
FOUND_SHARE = 0.99
KEEPALIVE_S = 2.0
"""Less than the server's five seconds: a request on a connection that it is just closing would be nobody's fault."""
SAY_EVERY = 10_000


@dataclass(frozen=True)
class Plan:
    requests: int = 100_000
    seed: int = 1
    clients: int = 24
    people: int = 150
    shelves: int = 60
    texts: int = 4


@dataclass
class Outcome:
    """What was seen."""

    doors: Counter[str] = field(default_factory=Counter)
    canaries: int = 0
    late: int = 0
    """Canaries that their reader might not see any more when the question came."""
    longest_lag_s: float = 0.0
    looked_for: int = 0
    found: int = 0
    foreign_ids: int = 0
    changes: int = 0
    broken: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    @property
    def leaks(self) -> int:
        return sum(b.startswith("LEAK") for b in self.broken)


@dataclass(frozen=True)
class Asked:
    """One request, and what it is after."""

    door: str
    method: str
    path: str
    body: dict[str, Any] | None = None
    shelf: int | None = None
    """The collection that it names."""
    text: Text | None = None
    """The document that it asks for by its handle, through a door that finds it when the asker may read it."""


class Asker:
    """Chooses what is asked next."""

    def __init__(self, world: World, seed: int) -> None:
        self._world = world
        self._chance = random.Random(f"asker {seed}")
        self._ids = list(world.documents)
        self._doors: list[tuple[int, Callable[[Text, str], Asked]]] = [
            (50, self._search),
            (8, self._search_named),
            (14, self._store_search),
            (5, self._ask),
            (4, self._completion),
            (3, self._response),
            (10, self._by_id),
            (6, self._passage),
        ]

    def next(self) -> tuple[int, Asked]:
        """Who asks, and what."""
        person = self._chance.randrange(self._world.firm.people)
        text = self._chance.choice(self._world.firm.texts)
        question = f"What is the rule {text.handle}?"
        if self._chance.random() < 0.4:
            question = f"What does everybody ask about the {text.handle[-1]} budget and travel rule?"
        weights = [w for w, _ in self._doors]
        (door,) = self._chance.choices([d for _, d in self._doors], weights)
        return person, door(text, question)

    def _search(self, text: Text, question: str) -> Asked:
        body = {"query": question, "limit": self._chance.choice((5, 10, 50))}
        return Asked("search", "POST", "/api/search", body, text=text if text.handle in question else None)

    def _search_named(self, text: Text, question: str) -> Asked:
        body = {"query": question, "collection_ids": [self._world.firm.shelves[text.shelf].id]}
        found = text if text.handle in question else None
        return Asked("search, named", "POST", "/api/search", body, text=found)

    def _store_search(self, text: Text, question: str) -> Asked:
        store = self._store(text.shelf)
        body: dict[str, Any] = {"query": question, "max_num_results": 10}
        if self._chance.random() < 0.3:
            body["filters"] = {"type": "ne", "key": "year", "value": 1}
        return Asked("store search", "POST", f"/v1/vector_stores/{store}/search", body, text.shelf)

    def _ask(self, text: Text, question: str) -> Asked:
        return Asked("ask", "POST", "/api/ask", {"question": question})

    def _completion(self, text: Text, question: str) -> Asked:
        said = [{"role": "user", "content": question}]
        body = {"model": "documents", "stream": self._chance.random() < 0.5, "messages": said}
        return Asked("chat completion", "POST", "/v1/chat/completions", body)

    def _response(self, text: Text, question: str) -> Asked:
        tool = {"type": "file_search", "vector_store_ids": [self._store(text.shelf)]}
        include = ["file_search_call.results"]
        body = {"model": CHAT_MODEL, "input": question, "tools": [tool], "include": include, "store": False}
        return Asked("response", "POST", "/v1/responses", body, text.shelf)

    def _by_id(self, _text: Text, _question: str) -> Asked:
        document = self._chance.choice(self._ids)
        shelf = self._world.documents[document].shelf
        store, file = self._store(shelf), f"file-{document.replace('-', '')}"
        collection = self._world.firm.shelves[shelf].id
        path = self._chance.choice(
            (
                f"/api/documents/{document}",
                f"/api/documents/{document}/file",
                f"/api/documents/{document}/pages/1",
                f"/api/collections/{collection}",
                f"/api/collections/{collection}/documents",
                f"/v1/vector_stores/{store}",
                f"/v1/vector_stores/{store}/files",
                f"/v1/vector_stores/{store}/files/{file}/content",
            )
        )
        return Asked("by id", "GET", path, shelf=shelf)

    def _passage(self, text: Text, question: str) -> Asked:
        if not self._world.passages:
            return self._search(text, question)
        passage = self._chance.choice(list(itertools.islice(self._world.passages, 2000)))
        return Asked("passage", "GET", f"/api/passages/{passage}", shelf=self._world.passages[passage])

    def _store(self, shelf: int) -> str:
        return f"vs_{self._world.firm.shelves[shelf].id.replace('-', '')}"


class Judge:
    """Holds every answer to what its reader might see."""

    def __init__(self, world: World, rights: Rights, outcome: Outcome) -> None:
        self._world = world
        self._rights = rights
        self._outcome = outcome

    def judge(self, person: int, asked: Asked, times: tuple[float, float], status: int, text: str) -> None:
        self._outcome.doors[asked.door] += 1
        for shelf in shelves_in(text):
            self._canary(person, asked, shelf, times)
        steady = self._rights.steady(person, *times)
        if status >= 500:
            self._outcome.broken.append(f"{asked.door} {asked.path}: {status} {text[:200]}")
        if asked.shelf is not None:
            self._by_name(person, asked, times, status, steady)
        if asked.text is not None and asked.text.shelf in steady:
            self._outcome.looked_for += 1
            self._outcome.found += asked.text.canary in text

    def _canary(self, person: int, asked: Asked, shelf: int, times: tuple[float, float]) -> None:
        self._outcome.canaries += 1
        lag = self._rights.lag_s(person, shelf, *times)
        if lag is None or lag > LAG_S:
            self._outcome.broken.append(f"LEAK: {asked.door} {asked.path} shows collection {shelf} to {person}")
        elif lag > 0:
            self._outcome.late += 1
            self._outcome.longest_lag_s = max(self._outcome.longest_lag_s, lag)

    def _by_name(
        self, person: int, asked: Asked, times: tuple[float, float], status: int, steady: frozenset[int]
    ) -> None:
        assert asked.shelf is not None
        lag = self._rights.lag_s(person, asked.shelf, *times)
        if lag is None or lag > LAG_S:
            self._outcome.foreign_ids += 1
            if status != 404:
                self._outcome.broken.append(f"{asked.door} {asked.path}: {status} for what is not theirs, not 404")
        elif asked.shelf in steady and status >= 400:
            self._outcome.broken.append(f"{asked.door} {asked.path}: {status} for what is theirs")


class Changes:
    """Takes and gives, one after the other, while everybody asks."""

    def __init__(self, builder: Builder, rights: Rights, seed: int) -> None:
        self._builder = builder
        self._rights = rights
        self._chance = random.Random(f"changes {seed}")
        self.count = 0

    async def run(self) -> None:
        while True:
            await asyncio.sleep(CHANGE_S)
            tell = self._change()
            self._rights.changes()
            await tell()
            self._rights.changed()
            self.count += 1

    def _change(self) -> Callable[[], Awaitable[None]]:
        """Change the model; how to tell the product."""
        firm = self._builder.world.firm
        if self._chance.random() < 0.5:
            shelf = self._chance.choice(firm.shelves)
            firm.share_anew(shelf)
            return lambda: self._builder.share(shelf)
        group, person = self._chance.randrange(firm.groups), self._chance.randrange(firm.people)
        method = "DELETE" if person in firm.members[group] else "PUT"
        firm.members[group] ^= {person}
        return lambda: self._builder.member(method, group, person)


async def play(plan: Plan, process: ApplianceProcess) -> Outcome:
    token = json.loads((process.data / "run" / "operator.json").read_text())["token"]
    headers = {"Authorization": f"Bearer {token}"}
    outcome = Outcome()
    timeout = aiohttp.ClientTimeout(total=120)
    jar = aiohttp.DummyCookieJar()
    connector = aiohttp.TCPConnector(keepalive_timeout=KEEPALIVE_S)
    async with aiohttp.ClientSession(timeout=timeout, cookie_jar=jar, connector=connector) as session:
        firm = Firm(plan.seed, people=plan.people, shelves=plan.shelves, texts=plan.texts)
        builder = Builder(session, process.url, headers, firm)
        world = await builder.build()
        rights = Rights(firm)
        judge, asker = Judge(world, rights, outcome), Asker(world, plan.seed)
        changes = Changes(builder, rights, plan.seed)
        changing = asyncio.create_task(changes.run())
        began = time.monotonic()
        left = iter(range(plan.requests))

        async def client() -> None:
            for number in left:
                if number and number % SAY_EVERY == 0:
                    print(f"{number} requests after {time.monotonic() - began:.0f} s", flush=True)
                person, asked = asker.next()
                await _one(session, process.url, world, judge, person, asked)

        await _all_or_first_error(changing, *(client() for _ in range(plan.clients)))
        outcome.changes = changes.count
        outcome.lines = lines(outcome, rights, time.monotonic() - began)
    if outcome.found < FOUND_SHARE * outcome.looked_for or not outcome.looked_for:
        outcome.broken.append(f"only {outcome.found} of {outcome.looked_for} were found by those who may read them")
    return outcome


async def _one(session: aiohttp.ClientSession, url: str, world: World, judge: Judge, person: int, asked: Asked) -> None:
    sent = time.monotonic()
    async with session.request(asked.method, url + asked.path, json=asked.body, headers=world.headers[person]) as reply:
        status, text = reply.status, await reply.text()
        if asked.door == "search" and status == 200:
            for item in (await reply.json())["items"]:
                shelves = shelves_in(item["text"])
                if len(shelves) == 1 and len(world.passages) < 2000:
                    world.passages[item["passage_id"]] = shelves.pop()
    judge.judge(person, asked, (sent, time.monotonic()), status, text)


async def _all_or_first_error(changing: "asyncio.Task[None]", *clients: Awaitable[None]) -> None:
    asking = asyncio.gather(*clients)
    both: set[asyncio.Future[Any]] = {changing, asking}
    done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    changing.cancel()
    asking.cancel()
    for task in done:
        await task


def lines(outcome: Outcome, rights: Rights, seconds: float) -> list[str]:
    total, taken = sum(outcome.doors.values()), sum(1 for _ in rights.lost())
    return [
        f"requests: {total} in {seconds:.0f} s: " + ", ".join(f"{d} {n}" for d, n in outcome.doors.most_common()),
        f"changes of readers and groups meanwhile: {outcome.changes}, which took {taken} rights from people",
        (
            f"canaries in answers: {outcome.canaries}, foreign ones: {outcome.leaks}, "
            f"after their loss: {outcome.late}, longest {outcome.longest_lag_s:.3f} s (at most {LAG_S:.0f} s)"
        ),
        f"asked for by its handle and readable: {outcome.looked_for}, found: {outcome.found}",
        f"asked for by a foreign id: {outcome.foreign_ids}, all answered like what is not there",
    ]


def run(plan: Plan) -> Outcome:
    """The whole campaign."""
    engine = EngineProcess(delay_s=0.0)
    with tempfile.TemporaryDirectory(prefix="pma-") as folder, engine_processes(engine):
        file = Path(folder) / "isolation.toml"
        file.write_text(
            "".join(
                f'[[engines.models]]\nid = "{m}"\nbase_urls = ["{engine.url}"]\n' for m in (CHAT_MODEL, EMBED_MODEL)
            )
        )
        process = ApplianceProcess(Path(folder) / "data", {"APPLIANCE_CONFIG": str(file)})
        try:
            process.start(ready_s=120)
            return asyncio.run(play(plan, process))
        finally:
            process.stop()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clients", type=int, default=24)
    chosen = parser.parse_args()
    outcome = run(Plan(chosen.requests, chosen.seed, chosen.clients))
    print("\n".join([*outcome.lines, *(f"BROKEN: {b}" for b in outcome.broken[:50])]))
    return 1 if outcome.broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
