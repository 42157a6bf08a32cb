"""How long work goes on after its right is gone, for each kind of work and each way in which a right goes.

    python -m tests.campaigns.revocation [--rounds 20] [--postgres]

One gateway over a stand-in engine that talks slowly, so that everything would last two minutes. Rights are changed by
another set of identity parts on the same database, as a second gateway does it, which tells the first one nothing.
Printed are p50 and p100 of the seconds from the change to the end of the work, how each ended, and how many requests
the engine saw broken off.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import httpx
from msgspec.structs import replace

from appliance.audit import Audit, AuditSettings
from appliance.foundation import SystemClock, configure_logging
from appliance.identity import Access, IdentitySettings, Keys, Passwords, People, PersonChange, RightsCache
from appliance.library import Collections
from appliance.settings import ModelSection, Settings
from appliance.storage import Database, StorageSettings
from tests.fakes.engine import FakeEngine, serving
from tests.support import postgres
from tests.support.gateway import CHAT_MODEL, Client, Gateway, gateway, settings_for

LIMIT_S = 5.0
GAP_S = 0.2
LARGE_MODEL = "qwen3-8b"
WORDS = 600
TEXT = "The travel policy pays 120 euro per night for a hotel in the capital of Germany. {canary}"
QUESTION = "How much does the travel policy pay per night for a hotel?"


class Elsewhere:
    """Identity and library of another gateway on the same database."""

    def __init__(self, database: Database, folder: Path) -> None:
        clock, settings, passwords = SystemClock(), IdentitySettings(), Passwords(min_length=12)
        rights = RightsCache(clock)
        self.people = People(database, clock, passwords, rights)
        self.keys = Keys(database, clock, rights, settings)
        self.access = Access(database, clock, passwords, rights, settings, Audit(database, AuditSettings(folder)))
        self.collections = Collections(database, clock)


@dataclass
class Subject:
    """Somebody with a session, a key, a group, and a collection that the group reads."""

    user_id: uuid.UUID
    key_id: uuid.UUID
    group_id: uuid.UUID
    collection_id: uuid.UUID
    browser: Client
    program: Client
    canary: str

    @property
    def token(self) -> str:
        return next(iter(self.browser.cookies.values()))

    async def aclose(self) -> None:
        await self.browser.aclose()
        await self.program.aclose()


@dataclass
class Outcome:
    seconds: list[float] = field(default_factory=list)
    ends: set[str] = field(default_factory=set)


Act = Callable[[Elsewhere, Subject], Awaitable[None]]
Work = Callable[[Subject, asyncio.Event], Coroutine[Any, Any, str]]
"""Sets the event once it goes on; returns how it ended, as its caller sees it."""


TEXT_SHOWN = 8
"""Events of a turn after which it has passed its search, and shows text of the collection."""


async def _disable(elsewhere: Elsewhere, subject: Subject) -> None:
    await elsewhere.people.change(subject.user_id, PersonChange(disabled=True))


async def _revoke(elsewhere: Elsewhere, subject: Subject) -> None:
    await elsewhere.keys.revoke(subject.user_id, subject.key_id)


async def _log_out(elsewhere: Elsewhere, subject: Subject) -> None:
    await elsewhere.access.log_out(subject.token)


async def _leave_group(elsewhere: Elsewhere, subject: Subject) -> None:
    await elsewhere.people.remove_member(subject.group_id, subject.user_id)


async def _unshare(elsewhere: Elsewhere, subject: Subject) -> None:
    await elsewhere.collections.change(subject.collection_id, name=None, description=None, readers=())


async def _read(
    client: Client, path: str, body: Any, going: asyncio.Event, method: str = "POST", after: int = 2
) -> str:
    """A stream to its end; the code of its last event, or how the connection ended. After `after` events it goes on."""
    last = ""
    try:
        async with client.stream(method, path, json=body, timeout=200) as reply:
            if reply.status_code != 200:
                return f"{reply.status_code} {json.loads(await reply.aread())['error']['code']}"
            lines = 0
            async for line in reply.aiter_lines():
                if line.startswith("data: "):
                    last, lines = line.removeprefix("data: "), lines + 1
                if lines >= after:
                    going.set()
    except httpx.HTTPError as error:
        return type(error).__name__
    return _code(last)


def _code(data: str) -> str:
    if not data.startswith("{"):
        return data
    event = json.loads(data)
    error = event.get("error") or event.get("response", {}).get("error") or event
    return str(error.get("code") or error.get("type") or "no error")


def _stream(path: str, **more: Any) -> Work:
    async def work(subject: Subject, going: asyncio.Event) -> str:
        body = {"model": CHAT_MODEL, "stream": True, **({} if "input" in more else {"max_tokens": 500}), **more}
        headers = {"anthropic-version": "2023-06-01"} if path.endswith("messages") else {}
        subject.program.headers.update(headers)
        return await _read(subject.program, path, body, going)

    return work


SAY = [{"role": "user", "content": "Say something."}]


async def _whole(subject: Subject, going: asyncio.Event) -> str:
    going.set()
    reply = await subject.program.post(
        "/v1/chat/completions", json={"model": CHAT_MODEL, "messages": SAY, "max_tokens": 500}, timeout=200
    )
    return f"{reply.status_code} {reply.json().get('error', {}).get('code')}"


async def _background(subject: Subject, going: asyncio.Event) -> str:
    """As the stored response says; asked in the database, as its caller may ask no more."""
    body = {"model": CHAT_MODEL, "input": "Say something.", "background": True, "stream": True, "store": True}
    return await _read(subject.program, "/v1/responses", body, going)


async def _assistant(subject: Subject, going: asyncio.Event) -> str:
    body = {"model": "documents", "stream": True, "messages": [{"role": "user", "content": QUESTION}]}
    return await _read(subject.program, "/v1/chat/completions", body, going)


async def _ask(subject: Subject, going: asyncio.Event) -> str:
    body = {"question": QUESTION, "collection_ids": [str(subject.collection_id)]}
    return await _read(subject.browser, "/api/ask", body, going)


async def _turn(subject: Subject, going: asyncio.Event) -> str:
    made = await subject.browser.ok("POST", "/api/conversations", {})
    body = {"question": QUESTION, "collection_ids": [str(subject.collection_id)]}
    path = f"/api/conversations/{made['id']}/turns"
    return await _read(subject.browser, path, body, going, after=TEXT_SHOWN)


async def _progress(subject: Subject, going: asyncio.Event) -> str:
    asyncio.get_running_loop().call_later(0.5, going.set)
    path = f"/api/collections/{subject.collection_id}/progress"
    return await _read(subject.browser, path, None, asyncio.Event(), "GET")


async def _next_request(subject: Subject, going: asyncio.Event) -> str:
    """A program that asks again and again."""
    while (reply := await subject.program.get("/v1/models")).status_code == 200:
        going.set()
        await asyncio.sleep(0.02)
    return f"{reply.status_code} {reply.json()['error']['code']}"


async def _next_search(subject: Subject, going: asyncio.Event) -> str:
    while True:
        reply = await subject.browser.post("/api/search", json={"query": QUESTION, "limit": 20})
        if reply.status_code != 200:  # the right went in the middle of the search
            return str(reply.json()["error"]["code"])
        if subject.canary not in reply.text:
            return "not found"
        going.set()
        await asyncio.sleep(0.05)


CASES: dict[str, tuple[Work, Act]] = {
    "chat stream, account disabled": (_stream("/v1/chat/completions", messages=SAY), _disable),
    "chat stream, key revoked": (_stream("/v1/chat/completions", messages=SAY), _revoke),
    "whole answer, key revoked": (_whole, _revoke),
    "message stream, account disabled": (_stream("/v1/messages", messages=SAY), _disable),
    "response stream, key revoked": (
        _stream("/v1/responses", input="Say something.", max_output_tokens=500),
        _revoke,
    ),
    "background response, account disabled": (_background, _disable),
    "assistant's stream, left the group": (_assistant, _leave_group),
    "assistant's stream, unshared": (_assistant, _unshare),
    "ask, left the group": (_ask, _leave_group),
    "ask, logged out": (_ask, _log_out),
    "turn of a conversation, disabled": (_turn, _disable),
    "turn of a conversation, unshared": (_turn, _unshare),
    "turn of a conversation, logged out": (_turn, _log_out),
    "progress of documents, unshared": (_progress, _unshare),
    "progress of documents, disabled": (_progress, _disable),
    "next request, key revoked": (_next_request, _revoke),
    "next request, account disabled": (_next_request, _disable),
    "next search, left the group": (_next_search, _leave_group),
    "next search, unshared": (_next_search, _unshare),
}
ENDS = {"access_ended", "rights_lost", "not found", "not_found", "server_error", "authentication_error"}
"""`server_error` and `authentication_error` are what the protocols of responses and messages have for it."""


def is_clean(end: str) -> bool:
    """A sentence with a code, and no connection that just broke."""
    return end in ENDS or end in {"401 access_ended", "401 not_authenticated"}


async def subject(running: Gateway, operator: Client) -> Subject:
    name = uuid.uuid4().hex
    group = (await operator.ok("POST", "/api/groups", {"name": name}))["id"]
    browser = await running.person(f"{name}@x.test", groups=(group,))
    made = await browser.ok("POST", "/api/keys", {"name": "test", "expires_in_days": 1})
    collection = await operator.collection(name, [{"kind": "group", "id": group}])  # owned by the administrator
    canary = f"canary{name}"
    await operator.upload(collection, f"{name}.txt", TEXT.format(canary=canary).encode())
    await operator.until_idle(collection)
    return Subject(
        uuid.UUID((await browser.ok("GET", "/api/me"))["id"]),
        uuid.UUID(made["id"]),
        uuid.UUID(group),
        uuid.UUID(collection),
        browser,
        running.client(headers={"Authorization": f"Bearer {made['key']}"}),
        canary,
    )


async def one(elsewhere: Elsewhere, who: Subject, work: Work, act: Act) -> tuple[float, str]:
    """Seconds from the change to the end of the work, and how it ended."""
    going = asyncio.Event()
    task = asyncio.create_task(work(who, going))
    try:
        waited = asyncio.ensure_future(going.wait())
        await asyncio.wait({task, waited}, return_when=asyncio.FIRST_COMPLETED, timeout=60)
        waited.cancel()
        if not going.is_set():
            return float("inf"), "never began: " + (task.result() if task.done() else "silent")
        await act(elsewhere, who)
        began = time.monotonic()
        async with asyncio.timeout(60):
            end = await task
        return time.monotonic() - began, end
    except TimeoutError:
        return float("inf"), "went on"
    finally:
        task.cancel()


async def measure(running: Gateway, elsewhere: Elsewhere, rounds: int) -> dict[str, Outcome]:
    outcomes: dict[str, Outcome] = {}
    async with await running.operator() as operator:
        for name, (work, act) in CASES.items():
            subjects = [await subject(running, operator) for _ in range(rounds)]
            outcome = outcomes[name] = Outcome()
            for seconds, end in await asyncio.gather(*(one(elsewhere, s, work, act) for s in subjects)):
                outcome.seconds.append(seconds)
                outcome.ends.add(end)
            for s in subjects:
                await s.aclose()
            print(
                f"{name:40} n={rounds:3} p50 {median(outcome.seconds):5.2f} s  p100 {max(outcome.seconds):5.2f} s  "
                f"{', '.join(sorted(outcome.ends))}",
                flush=True,
            )
    return outcomes


def _settings(folder: Path, engine_url: str, database_url: str) -> Settings:
    """With a larger model for the assistant: it writes, where a small one would only quote."""
    made = settings_for(folder, engine_url, engine_url, database_url)
    models = (ModelSection(id=LARGE_MODEL, base_urls=(engine_url,)), *made.engines.models)
    return replace(made, engines=replace(made.engines, models=models))


@asynccontextmanager
async def scene(folder: Path, database_url: str) -> AsyncIterator[tuple[Gateway, Elsewhere, FakeEngine]]:
    slow = FakeEngine(answer=" ".join(f"w{n}" for n in range(WORDS)), delay_s=GAP_S)
    async with serving(slow) as engine, gateway(_settings(folder, engine.url, database_url)) as running:
        other = Database(StorageSettings(running.parts.database.url, folder))
        try:
            yield running, Elsewhere(other, folder), engine
        finally:
            await other.close()


def faults(outcomes: dict[str, Outcome]) -> list[str]:
    """What is wrong, in sentences."""
    late = [f"{name}: went on for {max(o.seconds):.1f} s" for name, o in outcomes.items() if max(o.seconds) > LIMIT_S]
    rough = [f"{name}: ended by {end}" for name, o in outcomes.items() for end in o.ends if not is_clean(end)]
    return late + rough


async def run(folder: Path, database_url: str, rounds: int) -> list[str]:
    configure_logging("critical")
    async with scene(folder, database_url) as (running, elsewhere, engine):
        outcomes = await measure(running, elsewhere, rounds)
        everything = [s for o in outcomes.values() for s in o.seconds]
        print(f"all: n={len(everything)} p50 {median(everything):.2f} s  p100 {max(everything):.2f} s")
        left = running.parts.access.leases.count
        print(f"chats of the engine: {len(engine.chats)}, words sent: {engine.words_sent}, leases left: {left}")
        return faults(outcomes) + ([f"{left} leases are left"] if left > 2 else [])


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--postgres", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pma-") as folder:
        if not asked.postgres:
            wrong = asyncio.run(run(Path(folder) / "data", "", asked.rounds))
        else:
            with postgres.server(Path(folder) / "pg") as server:
                url = postgres.new_database(server)
                wrong = asyncio.run(run(Path(folder) / "data", url, asked.rounds))
    for fault in wrong:
        print("WRONG:", fault)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
