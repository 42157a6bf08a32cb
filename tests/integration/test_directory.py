"""Who is let in from an identity provider, what they become, and groups inside groups; on SQLite and PostgreSQL."""

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.audit import Audit, AuditSettings
from appliance.audit.models import AuditEventRow
from appliance.foundation import NotAuthenticated, SystemClock
from appliance.identity import (
    Access,
    Accounts,
    AdmissionRules,
    ExternalIdentity,
    Groups,
    IdentitySettings,
    NotAdmitted,
    Passwords,
    People,
    PersonChange,
    RightsCache,
)
from appliance.identity.directory import plan
from appliance.identity.directory.errors import AccountShut, GroupCycle, IdentityTaken, KeptElsewhere
from appliance.identity.models import RightsVersionRow, UserRow
from appliance.storage import Database, StorageSettings
from tests.support.databases import Databases
from tests.support.gateway import QUICK_HASH, Gateway

ISSUER = "https://idp.test/realms/firm"
RULES = AdmissionRules(
    admitted_groups=frozenset({"/staff"}), role_groups={"administrator": frozenset({"/staff/chiefs"})}
)
PASSWORD = "correct horse battery staple"
START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Directory:
    database: Database
    people: People
    access: Access
    groups: Groups
    rights: RightsCache

    def accounts(self, rules: AdmissionRules = RULES) -> Accounts:
        return Accounts(self.database, SystemClock(), self.rights, rules)

    async def paths(self, user_id: uuid.UUID) -> set[str]:
        """Names of the groups that count for the account."""
        principal = await self.access.again(user_id, None)
        names = await self.people.names(principal.group_ids)
        return set(names.values())

    async def count(self) -> int:
        async with self.database.read() as session:
            return await session.scalar(select(RightsVersionRow.version)) or 0

    async def row(self, user_id: uuid.UUID) -> UserRow:
        async with self.database.read() as session:
            row = await session.get(UserRow, user_id)
        assert row is not None
        return row


@pytest.fixture(scope="module")
async def directory(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Directory]:
    url = databases.new(tmp_path_factory.mktemp("directory"))
    database, clock, passwords = (
        Database(StorageSettings(url, Path())),
        SystemClock(),
        Passwords(min_length=12, cost=QUICK_HASH),
    )
    rights = RightsCache(clock)
    yield Directory(
        database,
        People(database, clock, passwords, rights),
        Access(
            database,
            clock,
            passwords,
            rights,
            IdentitySettings(),
            Audit(database, AuditSettings(tmp_path_factory.mktemp("audit"))),
        ),
        Groups(database, rights),
        rights,
    )
    await database.close()


def somebody(*groups: str, **changes: object) -> ExternalIdentity:
    subject = uuid.uuid4().hex
    who = ExternalIdentity(ISSUER, subject, f"{subject}@x.test", True, "Ann", frozenset(groups))
    return replace(who, **changes)  # type: ignore[arg-type] # named by the tests below


@pytest.mark.parametrize("groups", [(), ("/other",), ("/staffing",), ("staff",), ("/STAFF",), ("/other/staff",)])
async def test_nobody_is_let_in_without_an_admitted_group(directory: Directory, groups: tuple[str, ...]) -> None:
    who = somebody(*groups)
    report = await directory.accounts().explain(who)
    assert not report.admitted
    assert report.account == "none"
    with pytest.raises(NotAdmitted):
        await directory.accounts().admit(who)
    with pytest.raises(NotAdmitted):
        await directory.accounts(AdmissionRules()).admit(somebody("/staff"))
    async with directory.database.read() as session:
        assert await session.scalar(select(UserRow.id).where(UserRow.subject == who.subject)) is None


async def test_a_member_of_a_group_inside_an_admitted_one_is_let_in_and_counts_for_all_above(
    directory: Directory,
) -> None:
    who = somebody("/staff/sales/emea", "/guests")
    report = await directory.accounts().explain(who)
    assert (report.admitted, report.account, report.joined) == (True, "new", ("/guests", "/staff/sales/emea"))
    user = await directory.accounts().admit(who)
    assert await directory.paths(user) == {"/staff", "/staff/sales", "/staff/sales/emea", "/guests"}
    principal = await directory.access.again(user, None)
    assert principal.email == who.email
    assert principal.roles == {"user"}
    above = await directory.accounts().admit(somebody("/staff"))
    assert await directory.paths(above) == {"/staff"}, "who is in the outer group is not in those inside it"


async def test_a_second_login_finds_the_account_and_writes_nothing_about_rights(directory: Directory) -> None:
    who = somebody("/staff", issued_at=START)
    user = await directory.accounts().admit(who)
    before, generation = await directory.count(), directory.rights.generation
    later = replace(who, issued_at=START + timedelta(hours=1))
    assert await directory.accounts().admit(later) == user
    assert (await directory.accounts().explain(later)).account == "known"
    assert await directory.count() == before
    assert directory.rights.generation == generation
    assert (await directory.row(user)).claims_at == later.issued_at


async def test_refused_logins_do_not_drop_anybodys_cache(directory: Directory) -> None:
    generation = directory.rights.generation
    for _ in range(5):
        with pytest.raises(NotAdmitted):
            await directory.accounts().admit(somebody("/other"))
    assert directory.rights.generation == generation


async def test_strict_mode_takes_groups_and_roles_away_and_the_other_only_adds(directory: Directory) -> None:
    who = somebody("/staff/chiefs", "/staff/law")
    user = await directory.accounts().admit(who)
    assert "administrator" in (await directory.access.again(user, None)).roles
    local = await directory.people.create_group(f"local-{uuid.uuid4().hex}")
    await directory.people.add_member(local.id, user)
    less = replace(who, groups=frozenset({"/staff/law"}))
    lax = directory.accounts(replace(RULES, strict_groups=False))
    await lax.admit(less)
    assert "/staff/chiefs" in await directory.paths(user)
    report = await directory.accounts().explain(less)
    assert (report.left, report.joined) == (("/staff/chiefs",), ())
    await directory.accounts().admit(less)
    assert await directory.paths(user) == {"/staff", "/staff/law", local.name}
    assert (await directory.access.again(user, None)).roles == {"user"}


async def test_who_loses_the_admitted_group_is_withdrawn_and_comes_back_with_it(directory: Directory) -> None:
    who = somebody("/staff")
    user = await directory.accounts().admit(who)
    gone = replace(who, groups=frozenset({"/guests"}))
    for _ in range(2):
        with pytest.raises(NotAdmitted):
            await directory.accounts().admit(gone)
        with pytest.raises(NotAuthenticated):
            await directory.access.again(user, None)
    assert await directory.accounts().admit(who) == user
    assert await directory.paths(user) == {"/staff"}


async def test_a_disabled_account_is_not_opened_by_a_login(directory: Directory) -> None:
    chief = somebody("/staff/chiefs")
    await directory.accounts().admit(chief)  # somebody must be left to manage the appliance
    who = somebody("/staff")
    user = await directory.accounts().admit(who)
    await directory.people.change(user, PersonChange(disabled=True))
    with pytest.raises(AccountShut):
        await directory.accounts().admit(who)
    with pytest.raises(NotAuthenticated):
        await directory.access.again(user, None)


async def test_old_claims_give_nothing_back(directory: Directory) -> None:
    old = somebody("/staff/chiefs", issued_at=START)
    user = await directory.accounts().admit(old)
    new = replace(old, groups=frozenset({"/staff/law"}), issued_at=START + timedelta(minutes=1))
    await directory.accounts().admit(new)
    await directory.accounts().admit(old)
    assert await directory.paths(user) == {"/staff", "/staff/law"}
    assert (await directory.access.again(user, None)).roles == {"user"}
    with pytest.raises(NotAdmitted):
        await directory.accounts().admit(replace(new, groups=frozenset(), issued_at=START + timedelta(minutes=2)))
    with pytest.raises(NotAdmitted):
        await directory.accounts().admit(new)


async def test_an_address_is_never_a_key(directory: Directory) -> None:
    mail = f"{uuid.uuid4().hex}@x.test"
    local, _ = await directory.people.create(email=mail, name="Local", password=PASSWORD, roles=("user",))
    thief = somebody("/staff", email=mail.upper())
    with pytest.raises(NotAdmitted, match="Another account has the address"):
        await directory.accounts().admit(thief)
    unverified = somebody("/staff", email=mail, email_verified=False)
    other = await directory.accounts().admit(unverified)
    assert other != local.id
    assert (await directory.row(other)).email == f"subject:{unverified.subject}"
    await directory.accounts().tie(local.id, thief.issuer, thief.subject)
    assert await directory.accounts().admit(thief) == local.id
    assert (await directory.row(local.id)).name == "Local", "facts of a local account are the administrators'"
    with pytest.raises(IdentityTaken):
        await directory.accounts().tie(other, thief.issuer, thief.subject)


async def test_the_same_subject_of_another_issuer_is_somebody_else(directory: Directory) -> None:
    who = somebody("/staff")
    user = await directory.accounts().admit(who)
    other = replace(who, issuer=ISSUER + "/", email=None)
    with pytest.raises(NotAdmitted):
        await directory.accounts().admit(replace(other, email=who.email))
    found = await directory.accounts().admit(replace(other, subject=uuid.uuid4().hex))
    assert found != user


async def test_a_program_becomes_a_service_account(directory: Directory) -> None:
    who = somebody("/staff/robots", kind="service", email=None, name="nightly")
    user = await directory.accounts().admit(who)
    principal = await directory.access.again(user, None)
    assert (principal.kind, principal.email) == ("service", f"service:{who.subject}")
    with pytest.raises(NotAdmitted):
        await directory.accounts().admit(replace(who, kind="person"))


async def test_many_first_logins_at_once_make_one_account_and_one_of_each_group(directory: Directory) -> None:
    root = f"/staff/{uuid.uuid4().hex}"
    who = somebody(f"{root}/a", f"{root}/b")
    found = await asyncio.gather(*(directory.accounts().admit(who) for _ in range(8)))
    assert len(set(found)) == 1
    assert await directory.paths(found[0]) == {"/staff", root, f"{root}/a", f"{root}/b"}


async def test_an_account_that_was_made_between_two_questions_is_its_own(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = somebody("/staff/a")
    made = await directory.accounts().admit(who)
    answers = iter([(None, "none")])
    asked = plan._account

    async def late(session: AsyncSession, who: ExternalIdentity) -> Any:
        return next(answers, None) or await asked(session, who)

    monkeypatch.setattr(plan, "_account", late)
    assert await directory.accounts().admit(who) == made


async def test_odd_group_names_are_left_out_and_said(directory: Directory) -> None:
    odd = ["", "/", "//", "/staff//x", "staff", "/staff/ ", "/" + "x" * 600]
    who = somebody("/staff/ok", *odd)
    report = await directory.accounts().explain(who)
    assert report.joined == ("/staff/ok",)
    assert len(report.notes) == len(odd)
    user = await directory.accounts().admit(who)
    assert await directory.paths(user) == {"/staff", "/staff/ok"}


async def test_a_local_group_of_the_same_name_gains_no_member(directory: Directory) -> None:
    name = f"/staff/{uuid.uuid4().hex}"
    local = await directory.people.create_group(name)
    user = await directory.accounts().admit(somebody(name))
    assert local.id not in (await directory.access.again(user, None)).group_ids
    assert f"{name} (2)" in await directory.paths(user)


async def test_admission_is_in_the_audit(directory: Directory) -> None:
    who = somebody("/staff")
    user = await directory.accounts().admit(who)
    with pytest.raises(NotAdmitted):
        await directory.accounts().admit(replace(who, groups=frozenset()))
    query = select(AuditEventRow.action).where(AuditEventRow.object == f"user:{user}").order_by(AuditEventRow.seq)
    async with directory.database.read() as session:
        assert list(await session.scalars(query)) == ["user.admitted", "user.refused"]


async def group(directory: Directory) -> uuid.UUID:
    return (await directory.people.create_group(f"g-{uuid.uuid4().hex}")).id


async def test_groups_count_upward_and_never_downward(directory: Directory) -> None:
    firm, sales, emea, other = [await group(directory) for _ in range(4)]
    await directory.groups.put_inside(firm, sales)
    await directory.groups.put_inside(sales, emea)
    await directory.groups.put_inside(other, emea)
    person, _ = await directory.people.create(
        email=f"{uuid.uuid4().hex}@x.test", name="P", password=PASSWORD, roles=("user",)
    )
    await directory.people.add_member(emea, person.id)
    assert (await directory.access.again(person.id, None)).group_ids == {firm, sales, emea, other}
    await directory.groups.take_out(sales, emea)
    assert (await directory.access.again(person.id, None)).group_ids == {emea, other}
    await directory.people.remove_member(emea, person.id)
    await directory.people.add_member(firm, person.id)
    assert (await directory.access.again(person.id, None)).group_ids == {firm}


async def test_a_cycle_is_refused_however_long_and_in_a_race(directory: Directory) -> None:
    ring = [await group(directory) for _ in range(5)]
    with pytest.raises(GroupCycle):
        await directory.groups.put_inside(ring[0], ring[0])
    for outer, inner in itertools.pairwise(ring):
        await directory.groups.put_inside(outer, inner)
        await directory.groups.put_inside(outer, inner)
    with pytest.raises(GroupCycle):
        await directory.groups.put_inside(ring[-1], ring[0])
    for _ in range(10):
        one, two = await group(directory), await group(directory)
        done = await asyncio.gather(
            directory.groups.put_inside(one, two), directory.groups.put_inside(two, one), return_exceptions=True
        )
        assert sorted(type(d).__name__ for d in done) == ["GroupCycle", "NoneType"]


async def test_the_providers_tree_is_not_changed_here(directory: Directory) -> None:
    await directory.accounts().admit(somebody("/staff/one", "/staff/two"))
    by_name = {g.name: g for g in await directory.people.groups()}
    with pytest.raises(KeptElsewhere):
        await directory.groups.put_inside(by_name["/staff/one"].id, by_name["/staff/two"].id)
    assert by_name["/staff/one"].parents == ((by_name["/staff"].id, "/staff"),)
    outer = await group(directory)
    await directory.groups.put_inside(outer, by_name["/staff"].id)


async def test_the_tree_over_http(running_gateway: Gateway) -> None:
    names = [f"n-{uuid.uuid4().hex}" for _ in range(2)]
    async with await running_gateway.operator() as operator:
        outer, inner = [(await operator.ok("POST", "/api/groups", {"name": n}))["id"] for n in names]
        person = await running_gateway.person(f"{uuid.uuid4().hex}@x.test", groups=(inner,))
        made = await operator.ok(
            "POST", "/api/collections", {"name": names[0], "readers": [{"kind": "group", "id": outer}]}
        )
        assert (await person.get(f"/api/collections/{made['id']}")).status_code == 404
        await operator.ok("PUT", f"/api/groups/{outer}/groups/{inner}")
        assert (await person.get(f"/api/collections/{made['id']}")).status_code == 200
        listed = {g["id"]: g for g in await operator.ok("GET", "/api/groups")}
        assert listed[inner]["parents"] == [{"id": outer, "name": names[0]}]
        again = await operator.put(f"/api/groups/{inner}/groups/{outer}")
        assert (again.status_code, again.json()["error"]["code"]) == (409, "group_cycle")
        assert (await person.put(f"/api/groups/{outer}/groups/{inner}")).status_code == 403
        await operator.ok("DELETE", f"/api/groups/{outer}/groups/{inner}")
        assert (await person.get(f"/api/collections/{made['id']}")).status_code == 404
    await person.aclose()
