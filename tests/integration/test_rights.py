"""Rights are remembered, and never older than five seconds, whoever changed them by whatever way.

Two gateways on one database: `here` remembers, `elsewhere` changes, or somebody does with plain SQL.
"""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import OperationalError

from appliance.audit import Audit, AuditSettings
from appliance.foundation import NotAuthenticated, SystemClock
from appliance.identity import (
    Access,
    Groups,
    IdentitySettings,
    Keys,
    Passwords,
    People,
    PersonChange,
    Principal,
    RightsCache,
)
from appliance.identity.credentials import Credential
from appliance.identity.models import ApiKeyRow, RightsVersionRow, SessionRow
from appliance.identity.secrets import fingerprint, new_api_key
from appliance.storage import Database, StorageSettings
from tests.support.databases import Databases
from tests.support.gateway import QUICK_HASH

PASSWORD = "correct horse battery staple"
LIMIT_S = 5.0


@dataclass
class Doors:
    """Identity of one gateway process."""

    database: Database
    people: People
    keys: Keys
    access: Access
    rights: RightsCache

    @classmethod
    def on(cls, url: str, folder: Path) -> "Doors":
        database, clock, settings = Database(StorageSettings(url, folder)), SystemClock(), IdentitySettings()
        rights, passwords = RightsCache(clock), Passwords(min_length=12, cost=QUICK_HASH)
        return cls(
            database,
            People(database, clock, passwords, rights),
            Keys(database, clock, rights, settings),
            Access(database, clock, passwords, rights, settings, Audit(database, AuditSettings(folder))),
            rights,
        )

    async def person(self) -> uuid.UUID:
        made, _ = await self.people.create(
            email=f"{uuid.uuid4().hex}@x.test", name="A", password=PASSWORD, roles=("user",)
        )
        return made.id

    async def key(self, user_id: uuid.UUID) -> tuple[uuid.UUID, Credential]:
        info, text_of_key = await self.keys.create(user_id, "test", 7)
        return info.id, Credential("bearer", text_of_key)

    async def sql(self, statement: str, **values: object) -> None:
        """As somebody does it with the database's own tool."""
        async with self.database.engine.begin() as connection:
            await connection.execute(text(statement), values)

    async def count(self) -> int:
        async with self.database.read() as session:
            return await session.scalar(select(RightsVersionRow.version)) or 0


@pytest.fixture(scope="module")
def url(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> str:
    return databases.new(tmp_path_factory.mktemp("rights"))


@pytest.fixture(scope="module")
async def here(url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Doors]:
    doors = Doors.on(url, tmp_path_factory.mktemp("here"))
    await doors.people.create(email="chief@x.test", name="C", password=PASSWORD, roles=("administrator",))
    await doors.access.start()
    yield doors
    await doors.access.stop()
    await doors.database.close()


@pytest.fixture(scope="module")
async def elsewhere(here: Doors, url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Doors]:
    doors = Doors.on(url, tmp_path_factory.mktemp("elsewhere"))
    await doors.access.start()
    yield doors
    await doors.access.stop()
    await doors.database.close()


@contextmanager
def queries(doors: Doors) -> Iterator[list[str]]:
    """Statements that the gateway sends, without the look at the count that happens every second."""
    seen: list[str] = []

    def note(_c: object, _u: object, statement: str, *_: object) -> None:
        if "rights_version" not in statement and not statement.startswith(("BEGIN", "ROLLBACK", "COMMIT")):
            seen.append(statement)

    event.listen(doors.database.engine.sync_engine, "before_cursor_execute", note)
    yield seen
    event.remove(doors.database.engine.sync_engine, "before_cursor_execute", note)


async def remembered(doors: Doors, credential: Credential) -> Principal:
    """Known to the cache, not only to the database."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            principal = await doors.access.caller(credential)
            if doors.access.cached(credential) == principal:
                return principal
            await asyncio.sleep(0.05)


async def until(condition: Callable[[], Awaitable[bool]]) -> float:
    """Seconds until it holds; asked as often as requests come."""
    began = time.monotonic()
    while not await condition():
        assert time.monotonic() - began < LIMIT_S, "rights are older than five seconds"
        await asyncio.sleep(0.02)
    return time.monotonic() - began


async def refused(doors: Doors, credential: Credential) -> bool:
    try:
        await doors.access.caller(credential)
    except NotAuthenticated:
        return True
    return False


async def test_a_hit_asks_no_database(here: Doors) -> None:
    _, credential = await here.key(await here.person())
    await remembered(here, credential)
    with queries(here) as sent:
        for _ in range(1000):
            assert here.access.cached(credential) is not None
            await here.access.caller(credential)
    assert sent == []


async def test_a_session_is_remembered_as_well(here: Doors) -> None:
    user_id = await here.person()
    email = (await here.people.get(user_id)).email
    token, _ = await here.access.log_in(email, PASSWORD)
    assert (await remembered(here, Credential("session", token))).user_id == user_id
    assert await refused(here, Credential("bearer", token)), "a session's token in a header is nobody's"
    await here.access.log_out(token)
    assert await refused(here, Credential("session", token))


async def test_keys_that_share_a_beginning_are_two_keys(here: Doors) -> None:
    mine, theirs = await here.person(), await here.person()
    key_id, credential = await here.key(mine)
    other_id, other = await here.key(theirs)
    await remembered(here, credential)
    lookup = credential.token[4:12]
    forged = new_api_key()
    same_beginning = Credential("bearer", type(forged)(lookup, forged.secret).text())
    assert same_beginning.token[:12] == credential.token[:12]
    assert await refused(here, same_beginning)
    crossed = type(forged)(lookup, other.token[13:56])
    assert await refused(here, Credential("bearer", crossed.text())), "the secret of another key"
    assert (await here.access.caller(credential)).user_id == mine
    assert (await here.access.caller(other)).key_id == other_id != key_id


Change = Callable[[Doors, uuid.UUID, uuid.UUID], Awaitable[None]]
SHUT: dict[str, Change] = {
    "key revoked": lambda d, user, key: d.keys.revoke(user, key),
    "account disabled": lambda d, user, key: _shut(d, user),
    "key revoked by SQL": lambda d, user, key: d.sql(
        "UPDATE api_keys SET revoked_at = created_at WHERE id = :id", id=_id(d, key)
    ),
    "key expired by SQL": lambda d, user, key: d.sql(
        "UPDATE api_keys SET expires_at = created_at WHERE id = :id", id=_id(d, key)
    ),
    "secret changed by SQL": lambda d, user, key: d.sql(
        "UPDATE api_keys SET secret_hash = 'x' WHERE id = :id", id=_id(d, key)
    ),
    "key deleted by SQL": lambda d, user, key: d.sql("DELETE FROM api_keys WHERE id = :id", id=_id(d, key)),
    "account disabled by SQL": lambda d, user, key: d.sql(
        "UPDATE users SET disabled = true WHERE id = :id", id=_id(d, user)
    ),
    "account deleted by SQL": lambda d, user, key: d.sql("DELETE FROM users WHERE id = :id", id=_id(d, user)),
}


async def _shut(doors: Doors, user: uuid.UUID) -> None:
    await doors.people.change(user, PersonChange(disabled=True))


def _id(doors: Doors, value: uuid.UUID) -> object:
    return value.hex if doors.database.is_sqlite else value


@pytest.mark.parametrize("change", SHUT)
async def test_what_is_ended_elsewhere_is_out_here_within_five_seconds(
    here: Doors, elsewhere: Doors, change: str
) -> None:
    user = await here.person()
    key, credential = await here.key(user)
    await remembered(here, credential)
    await SHUT[change](elsewhere, user, key)
    took = await until(lambda: refused(here, credential))
    print(f"{change}: out after {took:.2f} s")


@pytest.mark.parametrize("change", ["key revoked", "account disabled"])
async def test_what_is_ended_here_is_out_at_once(here: Doors, change: str) -> None:
    user = await here.person()
    key, credential = await here.key(user)
    await remembered(here, credential)
    await SHUT[change](here, user, key)
    assert here.access.cached(credential) is None
    assert await refused(here, credential)


async def test_groups_come_and_go_within_five_seconds(here: Doors, elsewhere: Doors) -> None:
    user = await here.person()
    _, credential = await here.key(user)
    group = (await elsewhere.people.create_group(f"g-{uuid.uuid4().hex}")).id

    async def is_in() -> bool:
        return group in (await here.access.caller(credential)).group_ids

    assert not await is_in()
    await remembered(here, credential)
    await elsewhere.people.add_member(group, user)
    await until(is_in)
    await remembered(here, credential)
    await elsewhere.people.remove_member(group, user)
    await until(lambda: _not(is_in()))
    await elsewhere.people.add_member(group, user)
    await until(is_in)
    await elsewhere.sql("DELETE FROM groups WHERE id = :id", id=_id(elsewhere, group))
    await until(lambda: _not(is_in()))


async def _not(answer: Awaitable[bool]) -> bool:
    return not await answer


async def test_a_logout_elsewhere_ends_the_session_here(here: Doors, elsewhere: Doors) -> None:
    email = (await here.people.get(await here.person())).email
    token, _ = await here.access.log_in(email, PASSWORD)
    credential = Credential("session", token)
    await remembered(here, credential)
    await elsewhere.access.log_out(token)
    await until(lambda: refused(here, credential))


async def test_a_key_made_elsewhere_works_here_at_once(here: Doors, elsewhere: Doors) -> None:
    user = await elsewhere.person()
    _, credential = await elsewhere.key(user)
    assert (await here.access.caller(credential)).user_id == user


async def test_when_the_count_cannot_be_read_the_database_is_asked_each_time(
    here: Doors, elsewhere: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = await here.person()
    key, credential = await here.key(user)
    await remembered(here, credential)
    real = here.database.read
    watch = here.access._watch

    def broken() -> object:
        raise OperationalError("SELECT", {}, OSError("the database is gone"))

    monkeypatch.setattr(watch, "_database", type("Broken", (), {"read": staticmethod(broken)}))
    await watch.look()
    assert here.access.cached(credential) is None
    with queries(here) as sent:
        assert (await here.access.caller(credential)).user_id == user
    assert sent, "the database was asked"
    await elsewhere.keys.revoke(user, key)
    assert await refused(here, credential), "at once: nothing remembered is believed"
    monkeypatch.undo()
    assert here.database.read == real
    await watch.look()


async def test_garbage_and_unknown_keys_are_no_flood_of_queries(here: Doors) -> None:
    unknown = Credential("bearer", new_api_key().text())
    garbage = [Credential("bearer", f"pma_{i}_{'x' * 43}_00000000") for i in range(500)]
    sessions = [Credential("session", f"{i}") for i in range(500)]
    with queries(here) as sent:
        for credential in (*garbage, *sessions):
            assert await refused(here, credential)
        assert sent == []
        for _ in range(500):
            assert await refused(here, unknown)
    assert len(sent) == 1


async def test_the_last_use_is_written_in_batches(here: Doors) -> None:
    ids = []
    for _ in range(3):
        key_id, credential = await here.key(await here.person())
        await remembered(here, credential)
        ids.append(key_id)
    before = await here.count()
    with queries(here) as sent:
        await here.access._used.write()
    assert len(sent) <= 2, "one statement for all keys, one for all sessions"

    async def written() -> bool:  # some by the gateway itself a moment ago, which may be under way
        async with here.database.read() as session:
            rows = await session.scalars(select(ApiKeyRow.last_used_at).where(ApiKeyRow.id.in_(ids)))
            return all(at is not None and datetime.now(UTC) - at < timedelta(minutes=1) for at in rows)

    await until(written)
    assert await here.count() == before, "noting a use is no change of rights"


async def test_a_session_in_use_does_not_go_idle(here: Doors) -> None:
    email = (await here.people.get(await here.person())).email
    token, _ = await here.access.log_in(email, PASSWORD)
    credential = Credential("session", token)
    await remembered(here, credential)
    long_ago = datetime.now(UTC) - timedelta(hours=13)
    async with here.database.write() as session:
        row = await session.get(SessionRow, fingerprint(token))
        assert row is not None
        row.seen_at = long_ago
    here.rights.drop()
    await here.access.caller(credential)  # used a moment ago, though that is not written yet
    await here.access._used.write()
    async with here.database.read() as session:
        row = await session.get(SessionRow, fingerprint(token))
        assert row is not None
        assert datetime.now(UTC) - row.seen_at < timedelta(minutes=1)


UNCOUNTED = {
    "users": {
        "password_hash",
        "must_change_password",
        "created_at",
        "claims_at",
        "scim",
    },
    "groups": {"name", "created_at", "source", "path", "external_id"},
    "group_parents": set(),
    "memberships": set(),
    "api_keys": {"name", "created_at", "last_used_at"},
    "sessions": {"created_at", "seen_at"},
}
"""Columns that change nobody's rights. A new column of these tables is counted, or it is named here."""


@pytest.mark.parametrize("table", UNCOUNTED)
async def test_every_column_is_counted_or_decides_nothing(here: Doors, table: str) -> None:
    user = await here.person()
    await here.key(user)
    group = (await here.people.create_group(f"g-{uuid.uuid4().hex}")).id
    await here.people.add_member(group, user)
    outer = (await here.people.create_group(f"g-{uuid.uuid4().hex}")).id
    await Groups(here.database, here.rights).put_inside(outer, group)
    await here.access.log_in((await here.people.get(user)).email, PASSWORD)
    async with here.database.engine.connect() as connection:
        columns = list((await connection.execute(text(f"SELECT * FROM {table} LIMIT 1"))).keys())  # noqa: S608
    uncounted = set()
    for column in columns:
        before = await here.count()
        await here.sql(f"UPDATE {table} SET {column} = {column}")  # noqa: S608 - names of our own tables
        if await here.count() == before:
            uncounted.add(column)
    assert uncounted == UNCOUNTED[table]


async def test_scopes_that_are_kept_come_back(here: Doors) -> None:
    collection = uuid.uuid4()
    user = await here.person()
    key, credential = await here.key(user)
    assert not (await here.access.caller(credential)).key_scope.is_narrow
    await here.sql(
        "UPDATE api_keys SET scope_models = :models, scope_collections = :collections WHERE id = :id",
        id=_id(here, key),
        models=json.dumps(["m"]),
        collections=json.dumps([str(collection)]),
    )
    await until(lambda: _narrow(here, credential))
    principal = await here.access.caller(credential)
    assert principal.key_scope.models == {"m"}
    assert principal.scope().collections == {collection}
    assert principal.key_scope.endpoints is None


async def _narrow(doors: Doors, credential: Credential) -> bool:
    return (await doors.access.caller(credential)).key_scope.is_narrow
