"""Three replicas under load: one is frozen, one is killed, one is slow, and nobody sees an error before the first byte.

    python -m tests.campaigns.replicas --clients 24 --frozen-s 20 --seed 1

The gateway and the stand-in engines are processes of their own. Clients ask all the time, streams and whole answers,
with a few beginnings in common. First everything is well; then the slow one is slow from its start, one is frozen
(SIGSTOP) and one killed in the same moment; the frozen one is thawed, the killed one started again; then all is well.
"""

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from appliance.inference.pool.retry import WITHIN_S
from tests.support.engines import EngineProcess, engine_processes
from tests.support.gateway import CHAT_MODEL, EMBED_MODEL
from tests.support.process import ApplianceProcess

WELL_S = 3.0
"""How long everything is well, before and after."""

OUT_WITHIN_S = 10.0
BACK_WITHIN_S = 10.0
POLL_S = 0.1
BEGINNINGS = 12


@dataclass(frozen=True)
class Plan:
    clients: int = 24
    frozen_s: float = 20.0
    seed: int = 1
    slow_s: float = 0.2
    """Between two words of the slow one; the others take a hundredth of a second."""


@dataclass
class Outcome:
    broken: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


@dataclass
class Seen:
    """What the clients saw."""

    answers: int = 0
    broke_off: int = 0
    """Streams that ended with an error event after their first byte."""
    errors: list[str] = field(default_factory=list)
    """Before the first byte."""
    waits_s: list[float] = field(default_factory=list)
    """For the first byte."""


class Clients:
    """Ask until they are told to stop."""

    def __init__(self, plan: Plan, url: str, key: str) -> None:
        self._plan = plan
        self._url = url
        self._key = key
        self._stop = asyncio.Event()
        self.seen = Seen()

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[None]:
        headers = {"Authorization": f"Bearer {self._key}"}
        timeout = aiohttp.ClientTimeout(total=WITHIN_S + 60)
        async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
            tasks = [asyncio.create_task(self._client(session, number)) for number in range(self._plan.clients)]
            try:
                yield
            finally:
                self._stop.set()
                await asyncio.gather(*tasks)

    async def _client(self, session: aiohttp.ClientSession, number: int) -> None:
        chance = random.Random(f"{self._plan.seed}/{number}")
        while not self._stop.is_set():
            beginning = f"You are assistant number {chance.randrange(BEGINNINGS)}. " + "Be brief. " * 30
            body = {
                "model": CHAT_MODEL,
                "stream": chance.random() < 0.7,
                "max_tokens": chance.choice([3, 8, 12]),
                "messages": [
                    {"role": "system", "content": beginning},
                    {"role": "user", "content": f"Question {chance.randrange(10**6)}"},
                ],
            }
            await self._ask(session, body)
            await asyncio.sleep(chance.uniform(0.0, 0.05))

    async def _ask(self, session: aiohttp.ClientSession, body: dict[str, object]) -> None:
        began = time.monotonic()
        first = False
        try:
            async with session.post(f"{self._url}/v1/chat/completions", json=body) as reply:
                text = b""
                async for data in reply.content.iter_any():
                    if not first:
                        first = True
                        self.seen.waits_s.append(time.monotonic() - began)
                    text += data
        except (aiohttp.ClientError, TimeoutError) as error:
            self.seen.errors.append(f"{type(error).__name__} after {time.monotonic() - began:.1f} s")
            return
        if reply.status != 200:
            self.seen.errors.append(f"{reply.status} after {time.monotonic() - began:.1f} s: {text[:200]!r}")
        elif body["stream"] and b"[DONE]" not in text:
            self.seen.broke_off += 1
        else:
            self.seen.answers += 1


class Replicas:
    """What the gateway says of its replicas, asked all the time."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def takes(self) -> dict[str, bool]:
        async with self._session.get(f"{self._url}/api/engines") as reply:
            found = await reply.json()
        return {r["replica"]: r["takes"] for r in found["replicas"] if r["model"] == CHAT_MODEL}

    async def until(self, replica: str, *, takes: bool, within_s: float) -> float | None:
        """Seconds until it is so; None when it took too long."""
        began = time.monotonic()
        while time.monotonic() - began < within_s:
            if (await self.takes())[replica] is takes:
                return time.monotonic() - began
            await asyncio.sleep(POLL_S)
        return None


async def play(plan: Plan, process: ApplianceProcess, frozen: EngineProcess, killed: EngineProcess) -> Outcome:
    outcome = Outcome()
    key = process.cli_json("keys", "create", "campaign")["key"]
    clients = Clients(plan, process.url, key)

    def say(what: str, seconds: float | None, within_s: float) -> None:
        outcome.lines.append(f"{what}: {'never' if seconds is None else f'{seconds:.1f} s'} (at most {within_s:.0f} s)")
        if seconds is None:
            outcome.broken.append(f"{what}: not within {within_s:.0f} s")

    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"}) as session:
        replicas = Replicas(session, process.url)
        async with clients.asking():
            await asyncio.sleep(WELL_S)
            before = len(clients.seen.waits_s)
            began = time.monotonic()
            frozen.freeze()
            killed.kill()
            say("frozen one out", await replicas.until(frozen.url, takes=False, within_s=OUT_WITHIN_S), OUT_WITHIN_S)
            if (await replicas.takes())[killed.url]:
                outcome.broken.append("the killed one gets requests")
            await asyncio.sleep(max(0.0, plan.frozen_s - (time.monotonic() - began)))
            frozen.thaw()
            say("thawed one back", await replicas.until(frozen.url, takes=True, within_s=BACK_WITHIN_S), BACK_WITHIN_S)
            killed.start()
            say("killed one back", await replicas.until(killed.url, takes=True, within_s=BACK_WITHIN_S), BACK_WITHIN_S)
            await asyncio.sleep(WELL_S)
        await judge(outcome, clients.seen, before, session, process.url)
    return outcome


async def judge(outcome: Outcome, seen: Seen, before: int, session: aiohttp.ClientSession, url: str) -> None:
    async with session.get(f"{url}/api/engines") as reply:
        left = [r for r in (await reply.json())["replicas"] if r["requests"] or r["tokens"]]
    outcome.broken += [f"an error before the first byte: {e}" for e in seen.errors]
    outcome.broken += [f"slots are still held: {left}"] if left else []
    if seen.answers < 50:
        outcome.broken.append(f"only {seen.answers} answers: that was no load")
    waits = sorted(seen.waits_s[before:])
    outcome.lines += [
        (
            f"answers: {seen.answers}, broken off after their first byte: {seen.broke_off}, "
            f"errors before it: {len(seen.errors)}"
        ),
        (
            f"first byte while not all was well: median {waits[len(waits) // 2] * 1000:.0f} ms, "
            f"p99 {waits[int(len(waits) * 0.99)]:.2f} s, longest {waits[-1]:.2f} s"
        ),
    ]
    if waits[-1] > WITHIN_S:
        outcome.broken.append(f"a first byte took {waits[-1]:.1f} s")


def run(plan: Plan) -> Outcome:
    """The whole campaign."""
    good, frozen, killed = EngineProcess(), EngineProcess(), EngineProcess()
    slow = EngineProcess(delay_s=plan.slow_s)
    with tempfile.TemporaryDirectory(prefix="pma-") as folder, engine_processes(good, frozen, killed, slow):
        file = Path(folder) / "replicas.toml"
        urls = ", ".join(f'"{e.url}"' for e in (frozen, killed, slow))
        file.write_text(
            f'[[engines.models]]\nid = "{CHAT_MODEL}"\nbase_urls = [{urls}]\n'
            f'[[engines.models]]\nid = "{EMBED_MODEL}"\nbase_urls = ["{good.url}"]\n'
        )
        process = ApplianceProcess(Path(folder) / "data", {"APPLIANCE_CONFIG": str(file)})
        try:
            process.start(ready_s=120)
            return asyncio.run(play(plan, process, frozen, killed))
        finally:
            process.stop()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=24)
    parser.add_argument("--frozen-s", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    outcome = run(Plan(chosen.clients, chosen.frozen_s, chosen.seed))
    print("\n".join([*outcome.lines, *(f"BROKEN: {b}" for b in outcome.broken)]))
    return 1 if outcome.broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
