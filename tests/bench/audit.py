"""What the audit costs: an act's event, a checkpoint, and verifying a long chain.

python -m tests.bench.audit [--events 1000000] [--database sqlite|postgres]
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from sqlalchemy import text

from appliance.audit import Audit, AuditSettings, Event, record
from appliance.audit.append import append
from appliance.audit.events import entry_of
from appliance.audit.verify import verify
from appliance.migrations import migrate
from appliance.storage import Database, StorageSettings
from tests.support import postgres

AT_ONCE = 5000
ACTS = 300


def an_event(number: int) -> Event:
    """As they are in life: about 150 bytes of details."""
    details: dict[str, str | int] = {
        "collection": "collection:3f0c2a52-6d0b-4a55-9f6e-0d2a44bfae11",
        "version": number,
        "sha256": f"{number:064x}",
        "via": "key:7d9a9a5e-5a3c-4d8f-8a8e-2c5bb1f1a001",
    }
    actor = f"user:00000000-0000-4000-8000-{number % 997:012d}"
    return Event(
        "document.uploaded",
        f"document:{number:032x}",
        details=details,
        actor=actor,
        source="203.0.113.7",
        request_id="r",
    )


async def fill(database: Database, events: int) -> None:
    for first in range(0, events, AT_ONCE):
        entries = [entry_of(an_event(number)) for number in range(first, min(first + AT_ONCE, events))]
        async with database.write() as session:
            await append(session, entries)


async def one_act(database: Database, *, with_event: bool) -> float:
    """Milliseconds of a transaction that changes a row."""
    began = time.perf_counter()
    async with database.write() as session:
        await session.execute(text("UPDATE rights_version SET version = version + 1"))
        if with_event:
            await record(session, an_event(1))
    return (time.perf_counter() - began) * 1000


async def measure(url: str, folder: Path, events: int) -> None:
    database = Database(StorageSettings(url, folder))
    await migrate(database)
    audit = Audit(database, AuditSettings(folder / "audit"))
    await audit.chain.begin()
    for with_event in (False, True):
        times = [await one_act(database, with_event=with_event) for _ in range(ACTS)]
        print(f"an act {'with' if with_event else 'without'} its event: median {statistics.median(times):.2f} ms")
    began = time.perf_counter()
    await asyncio.gather(*(audit.record_alone(an_event(n)) for n in range(2000)))
    print(f"2,000 events alone, at once: {2000 / (time.perf_counter() - began):,.0f} a second")
    began = time.perf_counter()
    await fill(database, events)
    print(f"{events:,} events written in {time.perf_counter() - began:.1f} s")
    began = time.perf_counter()
    await audit.chain.make()
    print(f"a checkpoint: {(time.perf_counter() - began) * 1000:.0f} ms")
    cpu = time.process_time()
    report = await verify(database, [folder / "audit"])
    cpu = time.process_time() - cpu
    print(f"verify of {report.events:,} events: {report.seconds:.1f} s ({cpu:.1f} s of processor)")
    assert report.is_whole, report.findings
    await database.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pma-") as folder:
        if asked.database == "sqlite":
            asyncio.run(measure(f"sqlite+aiosqlite:///{folder}/bench.db", Path(folder), asked.events))
            return
        Path(folder).chmod(0o755)
        with postgres.server(Path(folder) / "pg") as server:
            url = postgres.new_database(server).replace("postgresql://", "postgresql+psycopg://", 1)
            asyncio.run(measure(url, Path(folder), asked.events))


if __name__ == "__main__":
    main()
