"""Reserve before, settle after: what passes, what waits, what is refused, and what is left after a kill."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from appliance.foundation import SystemClock
from appliance.identity import Principal
from appliance.storage import Database, StorageSettings
from appliance.usage import Ask, LimitExceeded, Spent, Usage, UsageSettings, UsageStore
from appliance.usage.models import LedgerRow, SpentRow
from tests.support.databases import SqliteDatabases

GROUP = uuid4()


def caller(user: UUID | None = None, *, key: UUID | None = None, groups: tuple[UUID, ...] = ()) -> Principal:
    user = user or uuid4()
    return Principal(user, "a@example.org", "A", frozenset(), frozenset(groups), "api_key" if key else "session", key)


def ask(prompt: int = 10, most: int = 20) -> Ask:
    return Ask("model", "chat/completions", prompt, most)


class House:
    """One database and folder, in which a gateway is started, killed and started again."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder = folder
        self.database = database
        self.store = UsageStore(database)
        self.settings = UsageSettings(folder=folder / "usage", settle_wait_s=5.0, concurrent_requests=0)

    async def start(self) -> Usage:
        usage = Usage(self.store, SystemClock(), self.settings)
        await usage.start()
        return usage

    async def kill(self, usage: Usage) -> None:
        """As `kill -9`: nothing is flushed, nothing is said to anybody."""
        for task in usage._tasks:
            task.cancel()
        await asyncio.gather(*usage._tasks, return_exceptions=True)

    async def limit(self, usage: Usage, who: str, **values: int) -> None:
        await self.store.change_limits(who, values)
        await usage.limits_changed()

    async def ledger(self) -> list[LedgerRow]:
        async with self.database.read() as session:
            return list(await session.scalars(select(LedgerRow)))

    async def totals(self) -> tuple[int, int, int, int]:
        """Requests, unsettled ones, prompt and completion tokens; the two tables must agree."""
        rows = await self.ledger()
        async with self.database.read() as session:
            spent = list(await session.scalars(select(SpentRow).where(SpentRow.who.startswith("user:"))))
        sums = tuple(sum(getattr(r, n) for r in rows) for n in ("requests", "prompt_tokens", "completion_tokens"))
        assert sums == tuple(
            sum(getattr(r, n) for r in spent) for n in ("requests", "prompt_tokens", "completion_tokens")
        )
        return sums[0], sum(r.unsettled for r in rows), sums[1], sums[2]


@pytest.fixture
async def house(sqlite_databases: SqliteDatabases, tmp_path: Path) -> AsyncIterator[House]:
    database = Database(StorageSettings(sqlite_databases.new(tmp_path), tmp_path / "files"))
    yield House(tmp_path, database)
    await database.close()


async def run(usage: Usage, principal: Principal, *, used: int, wanted: Ask) -> int | None:
    """One request; the tokens that it generated, or None when it was refused."""
    try:
        reservation = await usage.reserve(principal, wanted)
    except LimitExceeded:
        return None
    await asyncio.sleep(0.001)
    generated = min(used, reservation.max_tokens)
    reservation.settle(Spent(wanted.prompt_tokens, generated, 0.01))
    return generated


@pytest.mark.parametrize("budget", ["requests_per_day", "requests_per_month", "requests_total", "requests_per_minute"])
async def test_of_a_budget_for_a_hundred_a_hundred_pass(house: House, budget: str) -> None:
    usage, someone = await house.start(), caller()
    await house.limit(usage, f"user:{someone.user_id}", **{budget: 100})
    done = await asyncio.gather(*(run(usage, someone, used=5, wanted=ask()) for _ in range(500)))
    assert sum(d is not None for d in done) == 100
    await usage.stop()
    assert await house.totals() == (100, 0, 1000, 500)


@pytest.mark.parametrize("most", [5, 20, 100, 5000])
async def test_of_a_budget_of_tokens_for_a_hundred_a_hundred_pass(house: House, most: int) -> None:
    """Whatever was reserved: what is not used comes back, and requests wait for it."""
    usage, someone = await house.start(), caller()
    await house.limit(usage, f"user:{someone.user_id}", tokens_per_day=1500)
    done = await asyncio.gather(*(run(usage, someone, used=5, wanted=ask(10, most)) for _ in range(500)))
    assert [d for d in done if d is not None] == [5] * 100
    await usage.stop()
    assert await house.totals() == (100, 0, 1000, 500)


async def test_a_budget_is_never_exceeded_and_its_rest_shortens_the_last(house: House) -> None:
    usage, someone = await house.start(), caller()
    await house.limit(usage, f"user:{someone.user_id}", tokens_total=1000)
    done = await asyncio.gather(*(run(usage, someone, used=33, wanted=ask(10, 50)) for _ in range(60)))
    passed = [d for d in done if d is not None]
    assert passed == [33] * 23 + [1]
    await usage.stop()
    assert sum((await house.totals())[2:]) == 1000


async def test_every_subject_is_asked(house: House) -> None:
    usage = await house.start()
    first, second = caller(key=uuid4(), groups=(GROUP,)), caller(groups=(GROUP,))
    await house.limit(usage, "everyone", requests_per_day=8)
    await house.limit(usage, f"user:{second.user_id}", requests_per_day=50)
    await house.limit(usage, f"key:{first.key_id}", requests_total=5)
    await house.limit(usage, f"group:{GROUP}", requests_per_month=20)
    results = [await run(usage, first, used=1, wanted=ask()) for _ in range(10)]
    assert sum(r is not None for r in results) == 5, "the key's"
    session = caller(first.user_id)
    results = [await run(usage, session, used=1, wanted=ask()) for _ in range(10)]
    assert sum(r is not None for r in results) == 3, "everybody's, of which the key has used five"
    results = [await run(usage, second, used=1, wanted=ask()) for _ in range(30)]
    assert sum(r is not None for r in results) == 15, "the group's, of which the key has used five"
    await usage.stop()


async def test_requests_at_once(house: House) -> None:
    usage, someone = await house.start(), caller()
    await house.limit(usage, f"user:{someone.user_id}", concurrent_requests=3)
    running = [await usage.reserve(someone, ask()) for _ in range(3)]
    with pytest.raises(LimitExceeded) as refused:
        await usage.reserve(someone, ask())
    assert refused.value.code == "concurrency_limit_exceeded"
    running[0].settle(Spent(1, 1))
    running[0].settle(Spent(1, 1))
    running[0] = await usage.reserve(someone, ask())
    with pytest.raises(LimitExceeded):
        await usage.reserve(someone, ask())
    for reservation in running:
        reservation.settle(Spent(1, 1))
    await usage.stop()


async def test_what_is_dropped_without_being_settled_is_given_back(house: House) -> None:
    usage, someone = await house.start(), caller()
    await house.limit(usage, f"user:{someone.user_id}", tokens_per_day=100, concurrent_requests=1)
    await usage.reserve(someone, ask(10, 90))
    assert await run(usage, someone, used=90, wanted=ask(10, 90)) == 90
    await usage.stop()
    assert await house.totals() == (2, 0, 10, 90)


async def test_what_failed_costs_nothing_and_is_named(house: House) -> None:
    usage, someone = await house.start(), caller()
    await house.limit(usage, f"user:{someone.user_id}", requests_per_day=1, tokens_per_day=100)
    for _ in range(5):
        (await usage.reserve(someone, ask())).settle(Spent(0, 0, outcome="failed"))
    assert await run(usage, someone, used=5, wanted=ask()) == 5
    assert await run(usage, someone, used=5, wanted=ask()) is None
    await usage.stop()
    assert [(r.requests, r.failed) for r in await house.ledger()] == [(1, 5)]


async def test_engine_time_is_a_budget_too(house: House) -> None:
    usage, someone = await house.start(), caller()
    await house.limit(usage, f"user:{someone.user_id}", engine_seconds_per_day=2)
    for _ in range(8):
        (await usage.reserve(someone, ask())).settle(Spent(10, 10, 0.25))
    with pytest.raises(LimitExceeded) as refused:
        await usage.reserve(someone, ask())
    assert refused.value.code == "insufficient_quota"
    await usage.stop()


async def test_a_new_limit_knows_what_was_used_and_what_runs(house: House) -> None:
    usage, someone = await house.start(), caller()
    running = await usage.reserve(someone, ask())
    assert await run(usage, someone, used=5, wanted=ask()) == 5
    await house.limit(usage, f"user:{someone.user_id}", requests_per_day=3)
    assert await run(usage, someone, used=5, wanted=ask()) == 5
    running.settle(Spent(1, 1))
    assert await run(usage, someone, used=5, wanted=ask()) is None
    await house.limit(usage, f"user:{someone.user_id}", requests_per_day=4)
    assert await run(usage, someone, used=5, wanted=ask()) == 5
    await usage.stop()


async def test_a_kill_loses_nothing_and_counts_nothing_twice(house: House) -> None:
    usage, someone = await house.start(), caller(groups=(GROUP,))
    await house.limit(usage, f"user:{someone.user_id}", requests_per_day=10)
    for _ in range(4):
        await run(usage, someone, used=5, wanted=ask())
    await usage.ledger.flush()
    for _ in range(2):
        await run(usage, someone, used=5, wanted=ask())
    open_one = await usage.reserve(someone, ask(10, 20))
    await house.kill(usage)
    again = await house.start()
    assert await house.totals() == (7, 1, 70, 50), "the open one counts as it was reserved"
    assert again.ledger.state.unsettled_at_start == 1
    await house.kill(again)
    third = await house.start()
    assert (await house.totals())[:2] == (7, 1)
    done = await asyncio.gather(*(run(third, someone, used=5, wanted=ask()) for _ in range(10)))
    assert sum(d is not None for d in done) == 3
    await third.stop()
    assert (await house.totals())[:2] == (10, 1)
    assert list((house.folder / "usage").glob("*.journal")) == []
    assert not open_one.settled


async def test_a_kill_between_the_commit_and_the_end_of_the_journal_counts_once(house: House) -> None:
    usage, someone = await house.start(), caller()
    for _ in range(6):
        await run(usage, someone, used=5, wanted=ask())
    batch = usage.ledger._batch
    batch.through = usage.ledger._journal.sequence  # type: ignore[union-attr]
    await house.store.apply(usage.ledger.gateway_id, batch)
    await usage.ledger.flush()  # the same batch, as after an answer that was lost
    assert await house.totals() == (6, 0, 60, 30)
    await house.kill(usage)
    again = await house.start()
    assert await house.totals() == (6, 0, 60, 30)
    await again.stop()


async def test_the_headers_are_openais(house: House) -> None:
    usage, someone = await house.start(), caller()
    await house.limit(usage, f"user:{someone.user_id}", requests_per_minute=60, tokens_per_day=1000)
    reservation = await usage.reserve(someone, ask(10, 90))
    told = {name.decode(): value.decode() for name, value in reservation.headers}
    assert told["x-ratelimit-limit-requests"] == "60"
    assert told["x-ratelimit-remaining-requests"] == "59"
    assert told["x-ratelimit-reset-requests"] == "1s"
    assert told["x-ratelimit-limit-tokens"] == "1000"
    assert told["x-ratelimit-remaining-tokens"] == "900"
    assert told["x-ratelimit-reset-tokens"].endswith("s")
    reservation.settle(Spent(1, 1))
    await usage.stop()
