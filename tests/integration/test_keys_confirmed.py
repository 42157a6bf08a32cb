"""API keys of people whom a provider that is not followed has not vouched for lately stop, until it does again."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from appliance.audit import Audit, AuditSettings
from appliance.configuration import identity_settings
from appliance.foundation import Clock, NotAuthenticated
from appliance.identity import (
    Access,
    Accounts,
    AdmissionRules,
    ExternalIdentity,
    IdentitySettings,
    Keys,
    Passwords,
    People,
    RightsCache,
)
from appliance.identity.credentials import Credential
from appliance.identity.errors import AccessEnded
from appliance.identity.leases import Leases
from appliance.settings import IdentitySection, OidcSection, Settings
from appliance.storage import Database, StorageSettings
from tests.support.databases import Databases
from tests.support.gateway import QUICK_HASH

WEEK = timedelta(days=7)
ISSUER = "https://id.x.test"


class MovableClock(Clock):
    def __init__(self) -> None:
        self.at = datetime.now(UTC)

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()


@dataclass
class Door:
    clock: MovableClock
    access: Access
    accounts: Accounts
    keys: Keys
    people: People

    async def lets_in(self, key: str) -> bool:
        try:
            await self.access.caller(Credential("bearer", key))
        except NotAuthenticated:
            return False
        return True

    async def key_of(self, user_id: uuid.UUID) -> str:
        return (await self.keys.create(user_id, "k", expires_in_days=300))[1]

    async def log_in(self, who: ExternalIdentity) -> uuid.UUID:
        return await self.accounts.admit(replace(who, issued_at=self.clock.at))


@pytest.fixture
async def door(databases: Databases, tmp_path: Path) -> AsyncIterator[Door]:
    database = Database(StorageSettings(databases.new(tmp_path / "door"), tmp_path))
    clock, passwords = MovableClock(), Passwords(min_length=12, cost=QUICK_HASH)
    rights = RightsCache(clock, monotonic=clock.monotonic)
    settings = IdentitySettings(keys_confirmed_for=WEEK)
    leases = Leases(database, clock, rights, keys_confirmed_for=WEEK)
    audit = Audit(database, AuditSettings(tmp_path / "audit"))
    yield Door(
        clock,
        Access(database, clock, passwords, rights, settings, audit, leases=leases),
        Accounts(database, clock, rights, AdmissionRules(admitted_groups=frozenset({"/staff"}))),
        Keys(database, clock, rights, settings),
        People(database, clock, passwords, rights),
    )
    await database.close()


def somebody(**changes: object) -> ExternalIdentity:
    subject = uuid.uuid4().hex
    who = ExternalIdentity(ISSUER, subject, f"{subject}@x.test", True, "Ann", frozenset({"/staff"}))
    return replace(who, **changes)  # type: ignore[arg-type] # named by the tests below


async def test_a_key_stops_without_a_word_of_the_provider_and_goes_on_with_one(door: Door) -> None:
    who = somebody()
    key = await door.key_of(await door.log_in(who))
    door.clock.at += WEEK - timedelta(minutes=1)
    assert await door.lets_in(key)
    door.clock.at += timedelta(minutes=2)
    assert not await door.lets_in(key)
    await door.log_in(who)
    door.clock.at += timedelta(seconds=6)  # what is unknown is remembered for five
    assert await door.lets_in(key)


async def test_open_work_of_such_a_key_ends(door: Door) -> None:
    who = somebody()
    user_id = await door.log_in(who)
    caller = await door.access.caller(Credential("bearer", await door.key_of(user_id)))
    going = asyncio.Event()

    async def work() -> None:
        with door.access.leases.held(caller):
            going.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await going.wait()
    await door.access.leases.judge()
    assert (await door.access.again(user_id, caller.key_id)).user_id == user_id
    door.clock.at += WEEK
    with pytest.raises(NotAuthenticated):
        await door.access.again(user_id, caller.key_id)
    await door.access.leases.judge()
    with pytest.raises(AccessEnded):
        await task


async def test_local_people_programs_and_accounts_of_scim_are_not_concerned(door: Door) -> None:
    local, _ = await door.people.create(email="local@x.test", name="L", password="x" * 12, roles=())
    program = await door.log_in(somebody(kind="service", email=None))
    keys = [await door.key_of(user_id) for user_id in (local.id, program)]
    door.clock.at += 20 * WEEK
    assert [await door.lets_in(key) for key in keys] == [True, True]


async def test_somebody_who_was_tied_and_never_logged_in_counts_from_when_the_account_was_made(door: Door) -> None:
    tied, _ = await door.people.create(email="tied@x.test", name="T", password="x" * 12, roles=())
    key = await door.key_of(tied.id)
    await door.accounts.tie(tied.id, ISSUER, "tied")
    assert await door.lets_in(key)
    door.clock.at += WEEK
    assert not await door.lets_in(key)


@pytest.mark.parametrize(
    ("mode", "directory", "hours", "expected"),
    [("oidc", "", 168, WEEK), ("oidc", "follower", 168, None), ("oidc", "", 0, None), ("local", "", 168, None)],
)
def test_when_the_setting_counts(mode: str, directory: str, hours: int, expected: timedelta | None) -> None:
    oidc = OidcSection(issuer=ISSUER, client_id="a", directory_client_id=directory, keys_unconfirmed_h=hours)
    section = msgspec.convert({"mode": mode}, IdentitySection)
    settings = Settings(identity=msgspec.structs.replace(section, oidc=oidc))
    assert identity_settings(settings).keys_confirmed_for == expected
