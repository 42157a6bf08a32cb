"""The chain of the audit: how events are written, and that an act and its event are one."""

import hashlib
import json
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from appliance.audit import ACTIONS, Audit, AuditSettings, Event, UnknownAction, record
from appliance.audit.canonical import START, chained, clean, details_text, row_bytes
from appliance.audit.models import AuditEventRow
from appliance.audit.ocsf import ACTS, NOUNS, class_of
from appliance.audit.ocsf import NAMES as CLASS_NAMES
from appliance.foundation import TRAIL, DefectError, Trail
from appliance.storage import Database, StorageSettings
from tests.support.databases import Databases

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
async def database(each_databases: Databases, tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(StorageSettings(each_databases.new(tmp_path), tmp_path))
    yield opened
    await opened.close()


async def events(database: Database) -> list[AuditEventRow]:
    async with database.read() as session:
        return list(await session.scalars(select(AuditEventRow).order_by(AuditEventRow.seq)))


async def test_each_event_holds_the_hash_of_the_one_before(database: Database, tmp_path: Path) -> None:
    audit = Audit(database, AuditSettings(tmp_path))
    for number in range(3):
        await audit.record_alone(Event("user.created", f"user:{number}", details={"roles": ["user"], "number": number}))
    previous = START
    for seq, row in enumerate(await events(database), 1):
        canonical = json.dumps(
            [1, seq, row.at, "system", "", "user.created", f"user:{seq - 1}", "done", "", "", row.details],
            ensure_ascii=False,
            separators=(",", ":"),
        )
        assert (row.seq, row.prev_hash) == (seq, previous)
        assert row.hash == hashlib.sha256(previous + canonical.encode()).digest()
        assert row.details == f'{{"number":{seq - 1},"roles":["user"]}}'
        previous = row.hash


async def act(database: Database, event: Event, *, then_fail: bool = False) -> None:
    async with database.write() as session:
        await session.execute(text("UPDATE rights_version SET version = 77"))
        await record(session, event)
        if then_fail:
            raise ZeroDivisionError


async def test_an_act_that_fails_leaves_no_event(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        await act(database, Event("user.created"), then_fail=True)
    assert await events(database) == []


async def test_an_act_whose_event_is_wrong_is_not_done(database: Database) -> None:
    for event in (Event("user.juggled"), Event("user.created", details={"Not A Name": 1})):
        with pytest.raises(UnknownAction):
            await act(database, event)
    async with database.read() as session:
        assert await session.scalar(text("SELECT version FROM rights_version")) != 77
        with pytest.raises(DefectError, match="only reads"):
            await record(session, Event("user.created"))


async def test_who_and_from_where_comes_from_the_request_in_work(database: Database, tmp_path: Path) -> None:
    class Somebody:
        actor, way = "user:7", "key:8"

    audit = Audit(database, AuditSettings(tmp_path))
    token = TRAIL.set(Trail("r1", source="203.0.113.5", caller=Somebody()))
    await audit.record_alone(Event("key.revoked", "key:8"))
    TRAIL.set(Trail("r2", source="203.0.113.6"))
    await audit.record_alone(Event("login.failed", outcome="failed"))
    TRAIL.reset(token)
    first, second = await events(database)
    assert (first.actor, first.source, first.request_id, first.details) == (
        "user:7",
        "203.0.113.5",
        "r1",
        '{"via":"key:8"}',
    )
    assert (second.actor, second.source, second.details) == ("anonymous", "203.0.113.6", "{}")


async def run(database: Database, statement: str) -> None:
    async with database.write() as session:
        await session.execute(text(statement))


@pytest.mark.parametrize(
    "statement",
    (
        "UPDATE audit_events SET actor = 'nobody' WHERE seq = 1",
        "DELETE FROM audit_events WHERE seq = 1",
        "DELETE FROM audit_events",
    ),
)
async def test_the_database_refuses_to_change_events(database: Database, tmp_path: Path, statement: str) -> None:
    audit = Audit(database, AuditSettings(tmp_path))
    await audit.record_alone(Event("user.created"))
    await audit.record_alone(Event("user.deleted"))
    with pytest.raises(DBAPIError):
        await run(database, statement)
    assert len(await events(database)) == 2


def test_masked_values_are_the_same_with_one_salt_only(tmp_path: Path) -> None:
    database = Database(StorageSettings(database_url="sqlite+aiosqlite://", files_dir=tmp_path))
    audit, again = (Audit(database, AuditSettings(tmp_path / "a")) for _ in range(2))
    other = Audit(database, AuditSettings(tmp_path / "b"))
    assert audit.masked("A@b.example ") == again.masked("a@b.example") != other.masked("a@b.example")
    assert "example" not in audit.masked("a@b.example")
    assert (tmp_path / "a" / "salt").stat().st_mode & 0o777 == 0o600


NAMES = st.from_regex(r"\A[a-z][a-z0-9_]{0,49}\Z")
TEXTS = st.text(st.characters(), max_size=600)
VALUES = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXTS | st.lists(TEXTS, max_size=120)


@settings(max_examples=500, deadline=None)
@given(st.dictionaries(NAMES, VALUES, max_size=8))
def test_canonical_details_are_those_of_another_writer(details: Mapping[str, Any]) -> None:
    written = details_text(details)
    read = json.loads(written)
    assert written == json.dumps(read, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    assert details_text(read) == written  # writing what was read changes nothing
    assert written.encode().decode() == written
    for name, value in details.items():
        if value is None or isinstance(value, int):
            assert read[name] is value or read[name] == value


@settings(max_examples=500, deadline=None)
@given(
    st.tuples(st.integers(1, 2**53), *[TEXTS.map(clean)] * 9), st.tuples(st.integers(1, 2**53), *[TEXTS.map(clean)] * 9)
)
def test_two_rows_have_one_canonical_form_only_when_they_are_equal(one: Any, other: Any) -> None:
    assert row_bytes(one) == json.dumps([1, *one], ensure_ascii=False, separators=(",", ":")).encode()
    assert (row_bytes(one) == row_bytes(other)) == (one == other)
    assert (chained(START, one) == chained(START, other)) == (one == other)


@pytest.mark.parametrize("details", ({"A": 1}, {"": 1}, {"a": 1.5}, {"a": 2**53}, {"a": {"b": 1}}, {"a": [1]}))
def test_what_other_readers_could_take_otherwise_is_refused(details: Any) -> None:
    with pytest.raises(UnknownAction):
        details_text(details)


def test_every_act_of_the_code_is_in_the_list_and_the_list_is_written() -> None:
    used = {
        name
        for file in (ROOT / "appliance").rglob("*.py")
        for name in re.findall(r"\bEvent\(\s*\"([^\"]+)\"", file.read_text(encoding="utf-8"))
    }
    assert used <= set(ACTIONS)
    page = (ROOT / "docs" / "reference" / "audit.md").read_text(encoding="utf-8").partition("## Acts")[2]
    assert set(re.findall(r"^\| `(\w+\.\w+)` \|", page, re.MULTILINE)) == set(ACTIONS)


def test_every_act_has_a_class_of_ocsf() -> None:
    assert {action.partition(".")[0] for action in ACTIONS} == set(NOUNS)
    assert set(ACTS) <= set(ACTIONS)
    for action in ACTIONS:
        class_uid, activity = class_of(action)
        assert class_uid in CLASS_NAMES
        assert activity == 99 or 1 <= activity <= 16
    assert class_of("login.succeeded") == (3002, 1)
    assert class_of("user.disabled") == (3001, 5)
    assert class_of("group.member_added") == (3006, 3)
    assert class_of("key.revoked") == (3004, 4)
    assert class_of("document.downloaded") == (6006, 2)
    assert class_of("access.denied") == (6003, 99)
