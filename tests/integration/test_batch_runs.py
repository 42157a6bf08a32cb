"""Running batches: every line ends once, whatever breaks off, and with the rights of its moment."""

import asyncio
import json
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from appliance.audit import Audit, AuditSettings
from appliance.foundation import CapacityError, Clock, InvalidInput, Lane, SystemClock
from appliance.identity import (
    Access,
    Holder,
    IdentitySettings,
    Passwords,
    People,
    Person,
    PersonChange,
    Principal,
    RightsCache,
)
from appliance.openai_api.batches.errors import LeaseLost
from appliance.openai_api.batches.leases import BatchLeases
from appliance.openai_api.batches.models import BatchRow
from appliance.openai_api.batches.repository import WINDOW, BatchRepository
from appliance.openai_api.batches.run import Tools
from appliance.openai_api.batches.runner import BatchRunner
from appliance.openai_api.batches.settings import BatchSettings
from appliance.openai_api.batches.values import BatchInfo, LineResult, NewBatch
from appliance.openai_api.files.repository import FileRepository, NewFile
from appliance.storage import Database, FileStore, StorageSettings
from tests.support.clocks import HANGS_S, MovableClock
from tests.support.databases import Databases
from tests.support.gateway import QUICK_HASH

SETTINGS = BatchSettings(parallel=4, poll_s=0.05, lease_s=30.0)
ENDED = ("completed", "failed", "expired", "cancelled")


class Busy(CapacityError):
    code, status = "busy", 429


@dataclass
class Scripted:
    """An endpoint that does as it is told and counts what it was asked."""

    reply: Callable[[int], Awaitable[None]] | None = None
    asked: Counter[int] = field(default_factory=Counter)
    lanes: set[str] = field(default_factory=set)

    async def whole_raw(self, principal: Principal, body: bytes, lane: Lane) -> bytes:
        number = int(json.loads(body)["n"])
        self.asked[number] += 1
        self.lanes.add(lane)
        if self.reply is not None:
            await self.reply(number)
        return b'{"n": %d, "usage": {"prompt_tokens": 2, "completion_tokens": 3}}' % number


@dataclass
class Bench:
    """A database and a file store of its own, and as many runners as a test wants."""

    database: Database
    store: FileStore
    uploads: FileRepository
    batches: BatchRepository
    people: People
    access: Access
    owner: Person
    service: Scripted = field(default_factory=Scripted)
    settings: BatchSettings = SETTINGS
    clock: Clock = field(default_factory=SystemClock)
    """What the runners go by."""
    running: list[BatchRunner] = field(default_factory=list)

    def leases(self, name: str = "one") -> BatchLeases:
        return BatchLeases(self.database, SystemClock(), self.uploads, replace(self.settings, runner=name))

    async def runner(self, name: str = "one") -> BatchRunner:
        settings = replace(self.settings, runner=name)
        tools = Tools(
            self.leases(name), self.store, self.access, {"/v1/embeddings": self.service}, self.clock, settings
        )
        made = BatchRunner(tools)
        await made.start()
        self.running.append(made)
        return made

    async def batch(self, count: int) -> uuid.UUID:
        lines = b"".join(
            b'{"custom_id": "c%d", "method": "POST", "url": "/v1/embeddings", "body": {"model": "m", "n": %d}}\n'
            % (n, n)
            for n in range(count)
        )
        async with self.store.keep_bytes(lines) as stored:
            file = await self.uploads.add(NewFile(self.owner.id, "in.jsonl", "batch"), stored)
        new = NewBatch(self.owner.id, None, "/v1/embeddings", file.id, file.sha256, {}, None)
        return (await self.batches.add(new)).id

    async def until(self, batch_id: uuid.UUID, *states: str) -> BatchInfo:
        async with asyncio.timeout(HANGS_S):
            while (found := await self.batches.get(Holder(self.owner.id), batch_id)).status not in (states or ENDED):
                await asyncio.sleep(0.02)
        return found

    async def lines(self, file_id: uuid.UUID | None) -> list[dict[str, Any]]:
        if file_id is None:
            return []
        file = await self.uploads.get(Holder(self.owner.id), file_id)
        return [json.loads(line) for line in (await self.store.read(file.sha256)).splitlines()]

    async def ends_once(self, batch: BatchInfo, count: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Every line stands once in one of the two files."""
        good, bad = await self.lines(batch.output_file_id), await self.lines(batch.error_file_id)
        assert sorted(line["custom_id"] for line in good + bad) == sorted(f"c{n}" for n in range(count))
        assert (batch.completed, batch.failed, batch.total) == (len(good), len(bad), count)
        return good, bad


@pytest.fixture
async def bench(databases: Databases, tmp_path: Path) -> AsyncIterator[Bench]:
    clock = SystemClock()
    database = Database(StorageSettings(databases.new(tmp_path), tmp_path / "files"))
    uploads, batches = FileRepository(database, clock), BatchRepository(database, clock)
    passwords, rights = Passwords(min_length=12, cost=QUICK_HASH), RightsCache(clock)
    people = People(database, clock, passwords, rights)
    await people.create(email="root@x.test", name="r", password="correct horse battery", roles=("administrator",))
    owner, _ = await people.create(email="a@x.test", name="a", password="correct horse battery", roles=("user",))
    access = Access(
        database, clock, passwords, rights, IdentitySettings(), Audit(database, AuditSettings(tmp_path / "audit"))
    )
    store = FileStore(tmp_path / "files", [uploads.used_files, batches.used_files])
    running = Bench(database, store, uploads, batches, people, access, owner)
    yield running
    for runner in running.running:
        await runner.stop()
    await database.close()


async def test_lines_come_out_in_order_with_their_cost(bench: Bench) -> None:
    batch_id = await bench.batch(250)
    await bench.runner()
    done = await bench.until(batch_id)
    assert (done.status, done.model) == ("completed", "m")
    good, _ = await bench.ends_once(done, 250)
    assert [line["response"]["body"]["n"] for line in good] == list(range(250))
    assert {line["response"]["status_code"] for line in good} == {200}
    assert (done.input_tokens, done.output_tokens) == (500, 750)
    assert set(bench.service.asked.values()) == {1}
    assert bench.service.lanes == {"batch"}
    assert bench.service.asked.total() == 250


async def test_what_is_refused_stands_in_the_error_file(bench: Bench) -> None:
    async def reply(number: int) -> None:
        if number % 2:
            raise InvalidInput("It does not fit.")

    bench.service.reply = reply
    batch_id = await bench.batch(6)
    await bench.runner()
    good, bad = await bench.ends_once(await bench.until(batch_id), 6)
    assert [line["custom_id"] for line in bad] == ["c1", "c3", "c5"]
    assert len(good) == 3
    assert bad[0]["response"]["status_code"] == 400
    assert bad[0]["response"]["body"]["error"]["code"] == "invalid_request"
    assert bad[0]["error"] is None


async def test_a_limit_is_waited_for(bench: Bench) -> None:
    async def reply(number: int) -> None:
        if bench.service.asked[number] < 3:
            raise Busy("Too much at once.", retry_after_s=0.1)

    bench.service.reply = reply
    batch_id = await bench.batch(3)
    await bench.runner()
    good, bad = await bench.ends_once(await bench.until(batch_id), 3)
    assert (len(good), bad) == (3, [])
    assert set(bench.service.asked.values()) == {3}


async def test_a_limit_beyond_the_window_is_an_answer(bench: Bench) -> None:
    async def reply(number: int) -> None:
        raise Busy("The budget is used up.", retry_after_s=30 * 86400)

    bench.service.reply = reply
    batch_id = await bench.batch(2)
    await bench.runner()
    _, bad = await bench.ends_once(await bench.until(batch_id), 2)
    assert {line["response"]["status_code"] for line in bad} == {429}


async def test_rights_are_those_of_the_moment(bench: Bench) -> None:
    async def reply(number: int) -> None:
        if bench.service.asked.total() == 5:
            await bench.people.change(bench.owner.id, PersonChange(disabled=True))

    bench.service.reply = reply
    bench.settings = replace(SETTINGS, parallel=1)
    batch_id = await bench.batch(9)
    await bench.runner()
    good, bad = await bench.ends_once(await bench.until(batch_id), 9)
    assert (len(good), len(bad)) == (5, 4)
    assert {line["response"]["status_code"] for line in bad} == {401}
    assert {line["response"]["body"]["error"]["code"] for line in bad} == {"not_authenticated"}


async def test_a_cancelled_batch_keeps_what_it_has(bench: Bench) -> None:
    waiting = asyncio.Event()

    async def reply(number: int) -> None:
        if number >= 3:
            waiting.set()
            await asyncio.Event().wait()

    bench.service.reply = reply
    batch_id = await bench.batch(700)
    await bench.runner()
    await waiting.wait()
    assert (await bench.batches.cancel(Holder(bench.owner.id), batch_id)).status == "cancelling"
    done = await bench.until(batch_id)
    assert done.status == "cancelled"
    good, bad = await bench.ends_once(done, 700)
    assert [line["custom_id"] for line in good] == ["c0", "c1", "c2"]
    assert {line["error"]["code"] for line in bad} == {"batch_cancelled"}
    assert {line["response"] for line in bad} == {None}


async def test_a_batch_ends_with_its_window(bench: Bench) -> None:
    async def reply(number: int) -> None:
        if number:
            await asyncio.Event().wait()

    bench.service.reply, clock = reply, MovableClock()
    bench.clock = clock
    batch_id = await bench.batch(5)
    await bench.runner()
    async with asyncio.timeout(HANGS_S):
        while (await bench.batches.get(Holder(bench.owner.id), batch_id)).completed < 1:
            await asyncio.sleep(0.02)
    clock.at += 2 * WINDOW
    done = await bench.until(batch_id)
    assert done.status == "expired"
    good, bad = await bench.ends_once(done, 5)
    assert len(good) == 1
    assert {line["error"]["code"] for line in bad} == {"batch_expired"}


async def test_what_was_broken_off_goes_on_without_doing_anything_twice(bench: Bench) -> None:
    reached = asyncio.Event()

    async def reply(number: int) -> None:
        if number >= 20 and not reached.is_set():
            if bench.service.asked.total() >= 24:
                reached.set()
            await asyncio.Event().wait()

    bench.service.reply = reply
    batch_id = await bench.batch(60)
    first = await bench.runner()
    await reached.wait()
    await first.stop()
    seen = bench.service.asked.copy()
    bench.service.reply = None
    await bench.runner()
    done = await bench.until(batch_id)
    await bench.ends_once(done, 60)
    again = [n for n, count in bench.service.asked.items() if count > 1]
    assert all(n >= 20 for n in again), "a line with a result was run again"
    assert bench.service.asked.total() <= seen.total() + 60 - 20


async def test_two_gateways_never_run_one_batch_twice(bench: Bench) -> None:
    async def reply(number: int) -> None:
        await asyncio.sleep(0.005)

    bench.service.reply = reply
    ids = [await bench.batch(40) for _ in range(3)]
    await asyncio.gather(bench.runner("one"), bench.runner("two"))
    for batch_id in ids:
        await bench.ends_once(await bench.until(batch_id), 40)
    assert set(bench.service.asked.values()) == {3}, "each line of each batch once"


async def test_who_lost_the_lease_keeps_nothing(bench: Bench) -> None:
    await bench.batch(3)
    one, two = bench.leases("one"), bench.leases("two")
    first = await one.take()
    assert first is not None
    assert await two.take() is None
    async with bench.database.write() as session:
        late = datetime.now(UTC) - timedelta(seconds=1)
        await session.execute(update(BatchRow).values(leased_until=late))
    second = await two.take()
    assert second is not None
    await two.begin(second, total=3, model="m")
    result = LineResult(1, good=True, text=b"{}")
    with pytest.raises(LeaseLost):
        await one.keep(first, [result])
    with pytest.raises(LeaseLost):
        await one.renew(first)
    await two.keep(second, [result])
    assert await two.done(second) == {1}
    assert (await two.look(second)).completed == 1


async def test_an_input_stays_until_the_batch_has_read_it(bench: Bench) -> None:
    batch_id = await bench.batch(3)
    info = await bench.batches.get(Holder(bench.owner.id), batch_id)
    await bench.uploads.delete(bench.owner.id, info.input_file_id)
    assert await bench.store.drop_unused([info.input_sha256]) == 0
    await bench.runner()
    await bench.ends_once(await bench.until(batch_id), 3)
    async with asyncio.timeout(HANGS_S):
        while bench.store.path(info.input_sha256).exists():
            await asyncio.sleep(0.05)
