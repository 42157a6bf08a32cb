"""Gateways that share limits: nothing is given out twice, and nothing stays where nobody uses it."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from appliance.foundation import SystemClock
from appliance.identity import Principal
from appliance.storage import Database, StorageSettings
from appliance.usage import Ask, LimitExceeded, Spent, Usage, UsageSettings, UsageStore, shared_pool
from appliance.usage.errors import LimitsUnavailable
from appliance.usage.pool import Holding, Pool
from appliance.usage.pools import OpenPool
from appliance.usage.values import CounterKey
from tests.support import valkey
from tests.support.databases import PostgresDatabases, SqliteDatabases

BUDGET = CounterKey("user:1", "tokens_per_day", "2026-11-25")
NOTHING = Holding(0, 0, 0)


@pytest.fixture(scope="module")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with valkey.server(tmp_path_factory.mktemp("valkey")) as url:
        yield url


class Town:
    """A database and a store, and gateways on them."""

    def __init__(self, folder: Path, database_url: str, valkey_url: str) -> None:
        self._folder = folder
        self.databases: list[Database] = []
        self._database_url = database_url
        self._valkey_url = valkey_url

    def database(self) -> Database:
        made = Database(StorageSettings(self._database_url, self._folder / "files"))
        self.databases.append(made)
        return made

    def settings(self, name: str) -> UsageSettings:
        return UsageSettings(
            self._folder / name, url=self._valkey_url, concurrent_requests=0, settle_wait_s=3.0, lease_timeout_s=60.0
        )

    def open_pool(self) -> OpenPool:
        opened = shared_pool(self.database(), self.settings("x"))
        assert opened is not None
        return opened

    async def gateway(self, name: str) -> Usage:
        database, settings = self.database(), self.settings(name)
        usage = Usage(UsageStore(database), SystemClock(), settings, shared_pool(database, settings))
        await usage.start()
        return usage


@pytest.fixture(params=["valkey", "postgres"])
async def town(
    request: pytest.FixtureRequest, postgres_databases: PostgresDatabases, tmp_path: Path
) -> AsyncIterator[Town]:
    made = Town(
        tmp_path,
        postgres_databases.new(tmp_path),
        request.getfixturevalue("valkey_url") if request.param == "valkey" else "",
    )
    yield made
    for database in made.databases:
        await database.close()


async def kill(usage: Usage) -> None:
    for task in usage._tasks:
        task.cancel()
    await asyncio.gather(*usage._tasks, return_exceptions=True)


def caller() -> Principal:
    return Principal(uuid4(), "a@example.org", "A", frozenset(), frozenset(), "session", None)


async def run(usage: Usage, principal: Principal, *, prompt: int = 10, used: int = 5, most: int = 20) -> bool:
    try:
        reservation = await usage.reserve(principal, Ask("model", "chat/completions", prompt, most))
    except LimitExceeded:
        return False
    await asyncio.sleep(0.001)
    reservation.settle(Spent(prompt, min(used, reservation.max_tokens), 0.01))
    return True


async def until_unavailable(usage: Usage, principal: Principal) -> int:
    """How many pass before the gateway says that it cannot know."""
    for passed in range(100):
        try:
            await run(usage, principal)
        except LimitsUnavailable:
            return passed
    return 100


async def limit(usages: list[Usage], principal: Principal, **values: int) -> None:
    await usages[0].set_limits(f"user:{principal.user_id}", values)
    for usage in usages:
        await usage.limits_changed()


async def begun(pool: Pool, key: CounterKey, spent: dict[UUID, int]) -> None:
    assert await pool.declare(key, 100, NOTHING, 1) is None
    await pool.begin(key, spent)


async def test_a_store_never_gives_out_more_than_there_is(town: Town) -> None:
    key = CounterKey(f"user:{uuid4()}", *("tokens_per_day", "2026-11-25"))
    ids = [uuid4() for _ in range(3)]
    pools = [town.open_pool()(gateway) for gateway in ids]
    await begun(pools[0], key, {ids[0]: 10, uuid4(): 5})
    given = [10, 0, 0]
    for turn in range(60):
        at = turn % 3
        answer = await pools[at].declare(key, 100, Holding(10 if at == 0 else 0, 0, given[at] - 10 * (at == 0)), 4)
        assert answer is not None
        given[at] += answer.granted
        assert sum(given) + 5 + answer.left == 100
    assert 95 - 4 < sum(given) <= 95
    back = await pools[1].declare(key, 100, NOTHING, 0)
    assert back is not None
    assert back.left == 95 - given[0] - given[2]
    for pool in pools:
        await pool.close()


async def test_a_larger_or_smaller_limit_counts_at_the_next_question(town: Town) -> None:
    key = CounterKey(f"user:{uuid4()}", *("tokens_per_day", "2026-11-25"))
    pool = town.open_pool()(uuid4())
    await begun(pool, key, {})
    for most, granted in ((10, 0), (100, 20), (19, 0)):
        answer = await pool.declare(key, most, NOTHING, 20)
        assert answer is not None
        assert answer.granted == granted
    await pool.close()


async def test_what_a_silent_gateway_did_not_use_comes_back(town: Town) -> None:
    key = CounterKey(f"user:{uuid4()}", *("tokens_per_day", "2026-11-25"))
    patient, gateway = town.settings("x"), uuid4()
    hasty = shared_pool(town.database(), UsageSettings(patient.folder, url=patient.url, lease_timeout_s=0.3))
    assert hasty is not None
    gone, here, later = town.open_pool()(uuid4()), town.open_pool()(gateway), hasty(gateway)
    await begun(gone, key, {})
    await gone.sign()
    assert (await gone.declare(key, 100, Holding(30, 10, 40), 0)) is not None
    answer = await here.declare(key, 100, NOTHING, 30)
    assert answer is not None
    assert (answer.granted, answer.left, answer.idle, answer.held) == (0, 20, 40, 10)
    await asyncio.sleep(0.5)
    answer = await later.declare(key, 100, NOTHING, 30)
    assert answer is not None
    assert (answer.granted, answer.left) == (30, 40)
    for pool in (gone, here, later):
        await pool.close()


@pytest.mark.parametrize("budget", ["requests_per_day", "tokens_total"])
async def test_two_gateways_let_exactly_as_many_pass_as_one(town: Town, budget: str) -> None:
    usages = [await town.gateway(name) for name in ("a", "b")]
    someone = caller()
    await limit(usages, someone, **{budget: 100 if budget == "requests_per_day" else 1500})
    done = await asyncio.gather(*(run(usages[n % 2], someone) for n in range(500)))
    assert sum(done) == 100
    for usage in usages:
        await usage.stop()


async def test_what_lies_idle_on_one_gateway_is_used_on_the_other(town: Town) -> None:
    usages = [await town.gateway(name) for name in ("a", "b")]
    someone = caller()
    await limit(usages, someone, requests_per_day=100)
    assert [await run(usages[0], someone) for _ in range(5)] == [True] * 5
    done = [await run(usages[1], someone) for _ in range(97)]
    assert sum(done) == 95
    for usage in usages:
        await usage.stop()


async def test_a_killed_gateway_gives_back_when_it_starts_again(town: Town) -> None:
    usages = [await town.gateway(name) for name in ("a", "b")]
    someone = caller()
    await limit(usages, someone, tokens_total=1500)
    assert await run(usages[0], someone)
    assert await run(usages[1], someone)
    open_one = await usages[0].reserve(someone, Ask("model", "chat/completions", 10, 20))
    await kill(usages[0])
    passed = sum(await asyncio.gather(*(run(usages[1], someone) for _ in range(70))))
    again = await town.gateway("a")
    passed += sum(await asyncio.gather(*(run(usage, someone) for usage in (usages[1], again) for _ in range(50))))
    assert passed == 96, "two before, and the open one is charged as two"
    assert not open_one.settled
    for usage in (usages[1], again):
        await usage.stop()


async def test_rates_and_requests_at_once_are_shared_in_valkey(town: Town) -> None:
    if not town._valkey_url:
        pytest.skip("not in PostgreSQL: each gateway keeps them by itself")
    usages = [await town.gateway(name) for name in ("a", "b")]
    someone, other = caller(), caller()
    await limit(usages, someone, requests_per_minute=60)
    await limit(usages, other, concurrent_requests=10)
    began = time.monotonic()
    done = await asyncio.gather(*(run(usages[n % 2], someone) for n in range(200)))
    assert 59 <= sum(done) <= 61 + time.monotonic() - began
    held = []
    for n in range(40):
        try:
            held.append(await usages[n % 2].reserve(other, Ask("model", "chat/completions", 1, 1)))
        except LimitExceeded:
            continue
    assert len(held) == 10
    for reservation in held:
        reservation.settle(Spent(1, 1))
    assert await run(usages[1], other)
    for usage in usages:
        await usage.stop()


async def test_without_the_store_a_part_may_be_used_and_no_more(
    sqlite_databases: SqliteDatabases, tmp_path: Path
) -> None:
    port = valkey.free_port()
    with valkey.server(tmp_path / "valkey", port) as url:
        town = Town(tmp_path, sqlite_databases.new(tmp_path), url)
        usage, someone, second = await town.gateway("a"), caller(), caller()
        await limit([usage], someone, requests_per_day=100)
        await limit([usage], second, requests_per_day=100, requests_per_minute=20)
        assert await run(usage, someone)
    passed = 1 + await until_unavailable(usage, someone)
    assert 25 <= passed <= 6 + 95 // 4 + 1, "what was leased, and the fourth part of the rest"
    assert await until_unavailable(usage, second) == 5, "the fourth part of what is allowed per minute"
    with valkey.server(tmp_path / "valkey", port):
        await asyncio.sleep(1.5)
        done = [await run(usage, someone) for _ in range(110)]
        assert passed + sum(done) == 100
        await usage.stop()
    for database in town.databases:
        await database.close()
