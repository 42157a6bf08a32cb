"""Ten thousand passwords and ten thousand keys, guessed from a hundred addresses, while somebody works (AUTH-23).

python -m tests.campaigns.guessing [--tries 10000]

Prints how many guesses were looked at, how many waited, what it cost the victim of the guesses and a program with a
key of its own, and the gateway's memory. Fails when a guess more than the limits was looked at, when the victim could
not log in from where they always do, or when memory grew by more than 64 MiB.
"""

import argparse
import asyncio
import json
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from appliance.identity.secrets import new_api_key
from appliance.identity.throttle import ACCOUNT
from tests.fakes.engine import FakeEngine, serving
from tests.support.process import ADMIN, PASSWORD, ApplianceProcess
from tests.support.raw import Wire, wire

SETTINGS = """
[server]
request_log = "off"
trusted_proxies = ["127.0.0.1"]
[[engines.models]]
id = "smollm2-135m-instruct"
base_urls = ["{engine}"]
[[engines.models]]
id = "multilingual-e5-small"
base_urls = ["{engine}"]
"""
HOME = "203.0.113.1"
WIRES = 32
MOST_GROWTH_MIB = 64


@dataclass
class Seen:
    """What became of the guesses, and how others fared meanwhile."""

    statuses: Counter[int] = field(default_factory=Counter)
    logins: list[tuple[int, float]] = field(default_factory=list)
    calls: list[tuple[int, float]] = field(default_factory=list)
    seconds: float = 0.0


async def log_in(line: Wire, source: str, password: str) -> int:
    body = json.dumps({"email": ADMIN, "password": password}).encode()
    headers = {"content-type": "application/json", "x-forwarded-for": source}
    return (await line.ask("POST", "/auth/login", headers, body)).status


async def call(line: Wire, source: str, key: str) -> int:
    headers = {"authorization": f"Bearer {key}", "x-forwarded-for": source}
    return (await line.ask("GET", "/v1/models", headers)).status


async def guess(url: str, tries: int, seen: Seen, *, passwords: bool) -> None:
    """All guesses, over as many connections as a guesser would use."""
    numbers = iter(range(tries))

    async def one() -> None:
        async with wire(url) as line:
            for number in numbers:
                source = f"198.51.100.{number % 100}"
                wrong = f"wrong password {number}" if passwords else new_api_key().text()
                status = await (log_in if passwords else call)(line, source, wrong)
                seen.statuses[status] += 1

    began = time.monotonic()
    await asyncio.gather(*(one() for _ in range(WIRES)))
    seen.seconds = time.monotonic() - began


@asynccontextmanager
async def others(url: str, key: str, seen: Seen) -> AsyncIterator[None]:
    """The victim logs in from home every second, and a program works, while the block runs.

    What they have begun is ended: guessing may be over before a login is, and one that is cut off keeps its memory.
    """
    over = asyncio.Event()

    async def keep(times: list[tuple[int, float]], pause_s: float, *, login: bool) -> None:
        async with wire(url) as line:
            while not over.is_set():
                began = time.monotonic()
                status = await (log_in(line, HOME, PASSWORD) if login else call(line, HOME, key))
                times.append((status, time.monotonic() - began))
                with suppress(TimeoutError):
                    await asyncio.wait_for(over.wait(), pause_s)

    tasks = [
        asyncio.create_task(keep(seen.logins, 1.0, login=True)),
        asyncio.create_task(keep(seen.calls, 0.02, login=False)),
    ]
    try:
        yield
    finally:
        over.set()
        await asyncio.gather(*tasks)


def resident_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def told(name: str, seen: Seen) -> str:
    def line(times: list[tuple[int, float]]) -> str:
        spent = sorted(s for _, s in times)
        good = sum(status == 200 for status, _ in times)
        return f"{good}/{len(times)} done, p95 {1000 * spent[int(len(spent) * 0.95)]:.0f} ms" if spent else "none"

    tries = sum(seen.statuses.values())
    return (
        f"{name}: {tries} tries in {seen.seconds:.1f} s ({60 * tries / seen.seconds:,.0f} a minute), "
        f"by status {dict(sorted(seen.statuses.items()))}; the victim's logins: {line(seen.logins)}; "
        f"a program's calls: {line(seen.calls)}"
    )


def judge(name: str, seen: Seen, most_looked_at: int) -> list[str]:
    found = []
    if name == "passwords" and seen.statuses[401] > most_looked_at:
        found.append(f"{seen.statuses[401]} passwords were looked at, {most_looked_at} may be")
    if unexpected := set(seen.statuses) - {401, 429, 503}:
        found.append(f"{name}: answered with {sorted(unexpected)}")
    if not seen.logins or any(status != 200 for status, _ in seen.logins):
        found.append(f"{name}: the victim could not log in from home")
    if any(status != 200 for status, _ in seen.calls):
        found.append(f"{name}: a program with a good key was refused")
    return found


async def run(folder: Path, tries: int) -> list[str]:
    """What is wrong, empty when nothing is."""
    wrong = []
    async with serving(FakeEngine()) as engine:
        (folder / "appliance.toml").write_text(SETTINGS.format(engine=engine.url))
        process = ApplianceProcess(folder)
        await asyncio.to_thread(process.start)
        try:
            key = (await asyncio.to_thread(process.cli_json, "keys", "create", "program"))["key"]
            async with wire(process.url) as line:
                assert await log_in(line, HOME, PASSWORD) == 200
            assert process.process is not None
            before = resident_mib(process.process.pid)
            for name in ("passwords", "keys"):
                seen = Seen()
                async with others(process.url, key, seen):
                    await guess(process.url, tries, seen, passwords=name == "passwords")
                print(told(name, seen))
                wrong += judge(name, seen, ACCOUNT.tries)
            grown = resident_mib(process.process.pid) - before
            with sqlite3.connect(folder / "appliance.db") as database:
                rows = database.execute("SELECT COUNT(*) FROM login_tries").fetchone()[0]
            print(f"memory: {before:.0f} MiB before, {grown:+.0f} MiB; rows of counted tries: {rows}")
            wrong += [f"memory grew by {grown:.0f} MiB"] if grown > MOST_GROWTH_MIB else []
        finally:
            await asyncio.to_thread(process.stop)
    return wrong


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--tries", type=int, default=10_000)
    with tempfile.TemporaryDirectory(prefix="pma-guess-") as folder:
        wrong = asyncio.run(run(Path(folder), options.parse_args().tries))
    print("\n".join(wrong) or "nothing is wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
