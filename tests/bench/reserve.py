"""What reserve and settle cost a request: processor time, with the journal written, the ledger on, and limits set.

python -m tests.bench.reserve [--requests 20000]
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path
from uuid import uuid4

from appliance.foundation import SystemClock
from appliance.identity import Principal
from appliance.migrations import migrate
from appliance.storage import Database, StorageSettings
from appliance.usage import Ask, Spent, Usage, UsageSettings, UsageStore

GROUP, KEY, USER = uuid4(), uuid4(), uuid4()
CALLER = Principal(USER, "a@example.org", "A", frozenset(), frozenset({GROUP}), "api_key", KEY)
RATES = {f"user:{USER}": {"requests_per_minute": 10**8, "tokens_per_minute": 10**10}}
BUDGETS = {
    f"user:{USER}": {"requests_per_day": 10**9, "tokens_per_month": 10**12, "engine_seconds_total": 10**9},
    f"group:{GROUP}": {"tokens_per_month": 10**12},
    f"key:{KEY}": {"tokens_total": 10**12},
}
STEPS: dict[str, dict[str, dict[str, int]]] = {
    "none but requests at once": {},
    "two rates": RATES,
    "seven of three subjects": BUDGETS,
}


async def measure(usage: Usage, requests: int) -> tuple[float, float]:
    """Microseconds of reserve, and of settle."""
    ask = Ask("a-model-of-the-catalogue", "chat/completions", 12, 100)
    reserving = settling = 0.0
    for number in range(requests):
        before = time.process_time()
        reservation = await usage.reserve(CALLER, ask)
        between = time.process_time()
        reservation.settle(Spent(7, 14, 0.01))
        after = time.process_time()
        reserving, settling = reserving + between - before, settling + after - between
        if number % 100 == 0:
            await asyncio.sleep(0)
    return reserving / requests * 1e6, settling / requests * 1e6


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=20_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pma-") as folder:
        place = Path(folder)
        database = Database(StorageSettings(f"sqlite+aiosqlite:///{place / 'appliance.db'}", place / "files"))
        await migrate(database)
        usage = Usage(UsageStore(database), SystemClock(), UsageSettings(place / "usage"))
        await usage.start()
        print("| limits | reserve, µs | settle, µs |\n|---|---:|---:|")
        for name, limits in STEPS.items():
            for who, values in limits.items():
                await usage.set_limits(who, values)
            await measure(usage, 1000)
            reserving, settling = await measure(usage, chosen.requests)
            print(f"| {name} | {reserving:.1f} | {settling:.1f} |")
        await usage.stop()
        await database.close()


if __name__ == "__main__":
    asyncio.run(main())
