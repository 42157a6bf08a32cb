"""The seven ways to bend an audit (LOG-03 of the security notes), each seen by `verify`, on both databases.

Whoever bends it owns the database: triggers are dropped first, and hashes are computed anew where that helps.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.audit import Audit, AuditSettings, Event, record
from appliance.audit.canonical import START, Row, chained
from appliance.audit.findings import Report
from appliance.audit.retention import cut_old
from appliance.audit.verify import QUERY, verify
from appliance.storage import Database, StorageSettings
from tests.support.clocks import HANGS_S
from tests.support.databases import Databases

EVENTS = 60


@dataclass
class Place:
    """A database and the folder that watches it."""

    database: Database
    folder: Path

    def audit(self) -> Audit:
        return Audit(self.database, AuditSettings(self.folder))

    async def live(self, events: int) -> None:
        """A gateway's life: a start, some acts, a checkpoint in the middle and one at the end."""
        audit = self.audit()
        await audit.start()
        for number in range(events):
            await audit.record_alone(Event("user.created", f"user:{number}", details={"number": number}))
            if number == events // 2:
                await audit.chain.make()
        await audit.stop()

    async def verified(self) -> Report:
        return await verify(self.database, [self.folder])

    async def kinds(self) -> AbstractSet[str]:
        report = await self.verified()
        for finding in report.findings:
            print(f"{finding.kind}: {finding.sentence}")
        return {finding.kind for finding in report.findings} - {"unprotected"}

    async def bend(self, work: Callable[[AsyncConnection], Awaitable[None]]) -> None:
        """As the owner of the database does it."""
        async with self.database.engine.begin() as connection:
            for table, names in (
                ("audit_events", ("update", "delete", "insert", "change", "truncate")),
                ("audit_cuts", ("update", "delete", "change", "truncate")),
            ):
                for name in names:
                    on = "" if self.database.is_sqlite else f" ON {table}"
                    await connection.execute(text(f"DROP TRIGGER IF EXISTS {table}_{name}{on}"))
            await work(connection)


def opened(databases: Databases, folder: Path) -> Place:
    return Place(Database(StorageSettings(databases.new(folder), folder)), folder / "audit")


@pytest.fixture(scope="module")
async def lived(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """What each test bends a copy of."""
    made = opened(databases, tmp_path_factory.mktemp("lived"))
    await made.live(EVENTS)
    await made.database.close()
    return made


@pytest.fixture
async def place(lived: Place, databases: Databases, tmp_path: Path) -> AsyncIterator[Place]:
    url = databases.copy(lived.database.url, tmp_path)
    shutil.copytree(lived.folder, tmp_path / "audit")
    made = Place(Database(StorageSettings(url, tmp_path)), tmp_path / "audit")
    yield made
    await made.database.close()


def sql(*statements: str) -> Callable[[AsyncConnection], Awaitable[None]]:
    async def work(connection: AsyncConnection) -> None:
        for statement in statements:
            await connection.execute(text(statement))

    return work


async def rewrite(connection: AsyncConnection, *, first_seq: int, actor: str) -> None:
    """Put somebody else in the place of whoever acted, and hash everything behind it anew."""
    rows = (await connection.execute(QUERY, {"after": 0, "most": 10**6})).all()
    previous = START
    for found in rows:
        if found[0] < first_seq:
            previous = bytes(found[11])
            continue
        row: Row = (found[0], found[1], actor, *found[3:10])
        digest = chained(previous, row)
        change = "UPDATE audit_events SET actor = :actor, prev_hash = :prev, hash = :hash WHERE seq = :seq"
        await connection.execute(text(change), {"actor": actor, "prev": previous, "hash": digest, "seq": found[0]})
        previous = digest


async def test_a_whole_audit_is_told_to_be_whole(place: Place) -> None:
    report = await place.verified()
    assert report.findings == ()
    assert report.is_whole
    assert (report.first_seq, report.last_seq, report.events) == (1, EVENTS + 3, EVENTS + 3)
    assert report.covered_through == report.last_seq
    assert report.checkpoints == 3


async def test_1_an_edited_event_is_seen(place: Place) -> None:
    await place.bend(sql("UPDATE audit_events SET actor = 'user:other' WHERE seq = 20"))
    assert await place.kinds() == {"edited"}
    assert next(f for f in (await place.verified()).findings if f.kind == "edited").first_seq == 20


async def test_1_an_event_that_was_edited_and_hashed_anew_is_seen(place: Place) -> None:
    async def work(connection: AsyncConnection) -> None:
        found = (await connection.execute(QUERY, {"after": 19, "most": 1})).one()
        digest = chained(bytes(found[10]), (20, found[1], "user:other", *found[3:10]))
        await connection.execute(
            text("UPDATE audit_events SET actor = 'user:other', hash = :hash WHERE seq = 20"), {"hash": digest}
        )

    await place.bend(work)
    assert await place.kinds() == {"edited"}


async def test_2_events_taken_out_of_the_middle_are_seen(place: Place) -> None:
    await place.bend(sql("DELETE FROM audit_events WHERE seq IN (20, 21, 22)"))
    assert await place.kinds() == {"missing_middle"}
    finding = next(f for f in (await place.verified()).findings if f.kind == "missing_middle")
    assert (finding.first_seq, finding.last_seq) == (20, 22)
    assert "Events 20 to 22" in finding.sentence


async def test_2_events_taken_out_with_the_gap_closed_are_seen(place: Place) -> None:
    close = "UPDATE audit_events SET seq = seq - 1 WHERE seq = "
    await place.bend(sql("DELETE FROM audit_events WHERE seq = 20", *(f"{close}{s}" for s in range(21, EVENTS + 4))))
    assert await place.kinds()


async def test_3_a_missing_end_is_seen(place: Place) -> None:
    await place.bend(sql("DELETE FROM audit_events WHERE seq > 50"))
    assert await place.kinds() == {"missing_tail"}
    assert "after 50 are missing" in (await place.verified()).findings[-1].sentence


async def test_3_an_emptied_audit_is_seen(place: Place) -> None:
    await place.bend(sql("DELETE FROM audit_events"))
    assert await place.kinds() == {"missing_tail"}


async def test_4_another_order_is_seen(place: Place) -> None:
    swap = (
        "UPDATE audit_events SET seq = -1 WHERE seq = 20",
        "UPDATE audit_events SET seq = 20 WHERE seq = 30",
        "UPDATE audit_events SET seq = 30 WHERE seq = -1",
    )
    await place.bend(sql(*swap))
    assert await place.kinds() == {"reordered"}
    sentences = [f.sentence for f in (await place.verified()).findings]
    assert any("Event 20 was written as event 30" in sentence for sentence in sentences)


async def test_5_a_chain_that_was_written_anew_is_seen(place: Place) -> None:
    await place.bend(lambda connection: rewrite(connection, first_seq=1, actor="user:other"))
    assert await place.kinds() == {"rewritten"}


async def test_5_a_chain_that_was_written_anew_from_the_middle_is_seen(place: Place) -> None:
    await place.bend(lambda connection: rewrite(connection, first_seq=45, actor="user:other"))
    assert await place.kinds() == {"rewritten"}


async def test_6_another_database_is_seen(place: Place, databases: Databases, tmp_path: Path) -> None:
    other = opened(databases, tmp_path / "other")
    await other.live(EVENTS * 2)
    assert (await other.verified()).is_whole
    swapped = Place(other.database, place.folder)
    assert await swapped.kinds() == {"other_database"}
    await swapped.live(5)  # and also when a gateway went on with it
    assert await swapped.kinds() == {"other_database"}
    await other.database.close()


@pytest.mark.parametrize("events_after", (0, 20, EVENTS * 3))
async def test_7_an_old_backup_that_was_put_back_is_seen(
    place: Place, databases: Databases, tmp_path: Path, events_after: int
) -> None:
    kept = await backed_up(place, databases, tmp_path)
    await place.live(EVENTS)
    assert (await place.verified()).is_whole
    back = Place(kept, place.folder)
    assert await back.kinds() == {"missing_tail"}  # nothing was done with it yet
    await back.live(events_after)
    assert await back.kinds() == {"went_back"}
    await back.audit().chain.accept(Event("audit.accepted", details={"reason": "the disk was broken"}))
    await back.live(3)
    report = await back.verified()
    assert report.is_whole, report.findings
    assert len(report.accepted) == 1
    await back.bend(sql("DELETE FROM audit_events WHERE seq = (SELECT max(seq) FROM audit_events)"))
    assert await back.kinds() == {"missing_tail"}  # what comes after is looked at as before
    await kept.close()


async def backed_up(place: Place, databases: Databases, tmp_path: Path) -> Database:
    """A copy of the database as it is now."""
    kept = opened(databases, tmp_path / "kept").database
    async with place.database.read() as session:
        rows = [
            dict(row) for row in (await session.execute(text("SELECT * FROM audit_events ORDER BY seq"))).mappings()
        ]
    names = ", ".join(rows[0])
    values = ", ".join(f":{name}" for name in rows[0])
    async with kept.engine.begin() as connection:
        await connection.execute(text(f"INSERT INTO audit_events ({names}) VALUES ({values})"), rows)  # noqa: S608 - the names are those of our own columns
    return kept


async def test_dropped_triggers_are_seen(place: Place) -> None:
    await place.bend(sql())
    assert {f.kind for f in (await place.verified()).findings} == {"unprotected"}


async def test_bent_checkpoints_are_seen(place: Place) -> None:
    file = place.folder / "checkpoints.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    for bent in (
        [lines[0], lines[1].replace(b'"seq":', b'"seq":1'), lines[2]],
        [lines[0], lines[2]],
        [*lines[:2], lines[2].replace(b'"count":', b'"count":1')],
        [lines[1], lines[2]],
        [b"nonsense\n"],
    ):
        file.write_bytes(b"".join(bent))
        assert "checkpoint_invalid" in await place.kinds()
    file.unlink()
    assert await place.kinds() == {"no_checkpoints"}


async def test_checkpoints_of_another_key_are_not_believed(place: Place, tmp_path: Path) -> None:
    noted = (place.folder / "signing-key.pub").read_text("ascii")
    assert (await verify(place.database, [place.folder], [noted])).is_whole
    shutil.rmtree(place.folder)  # whoever owns the folder starts anew, with a key of their own
    await place.bend(lambda connection: rewrite(connection, first_seq=1, actor="user:other"))
    await place.live(1)
    found = {f.kind for f in (await verify(place.database, [place.folder], [noted])).findings}
    assert {"checkpoint_invalid", "no_checkpoints"} <= found


async def test_the_key_is_only_its_owners(place: Place) -> None:
    assert (place.folder / "signing-key").stat().st_mode & 0o777 == 0o600


async def test_what_is_past_its_retention_goes_and_the_rest_is_verified(place: Place) -> None:
    audit, before = place.audit(), datetime.now(UTC)
    await audit.start()
    await audit.record_alone(Event("user.created", "user:later"))
    assert await cut_old(place.database, audit.chain, place.folder, before) == EVENTS + 3
    assert await cut_old(place.database, audit.chain, place.folder, before) == 0
    await audit.stop()
    report = await place.verified()
    assert report.is_whole
    assert report.first_seq == EVENTS + 4
    await place.live(5)
    assert (await place.verified()).is_whole
    await place.bend(sql("DELETE FROM audit_events WHERE seq = (SELECT min(seq) FROM audit_events)"))
    assert await place.kinds() == {"missing_beginning"}


async def test_a_beginning_that_was_taken_away_is_seen(place: Place) -> None:
    await place.bend(sql("DELETE FROM audit_events WHERE seq <= 10", "DELETE FROM audit_cuts"))
    assert "missing_beginning" in await place.kinds()


async def test_gateways_that_write_at_once_make_one_chain(place: Place) -> None:
    """Each has an engine of its own, and holds rows that the other wants: no fork, no gap, no deadlock."""
    other = Database(StorageSettings(place.database.url, place.folder))
    before = (await place.verified()).last_seq

    async def act(database: Database, number: int) -> None:
        async with database.write() as session:
            await session.execute(text("UPDATE rights_version SET version = version + 1"))
            await record(session, Event("user.created", f"user:{number}"))
            await record(session, Event("user.disabled", f"user:{number}"))

    async with asyncio.timeout(HANGS_S):
        await asyncio.gather(*(act((place.database, other)[n % 2], n) for n in range(100)))
    await place.audit().chain.make()
    report = await place.verified()
    assert report.is_whole, report.findings
    assert report.last_seq == before + 200
    await other.close()
