"""Accounts and groups: make, change, list."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.audit import Event, record
from appliance.foundation import Clock, NotFound, new_id
from appliance.identity.errors import LastAdministrator, NameTaken, NotForServiceAccounts
from appliance.identity.models import (
    ApiKeyRow,
    GroupAdministratorRow,
    GroupParentRow,
    GroupRow,
    MembershipRow,
    SessionRow,
    UserRow,
)
from appliance.identity.passwords import Passwords
from appliance.identity.rights import RightsCache, changing_rights
from appliance.identity.roles import ROLES, Role
from appliance.identity.secrets import random_text
from appliance.identity.throttle import forget_tries
from appliance.identity.values import EVERYBODYS, Kind
from appliance.storage import Database


@dataclass(frozen=True, slots=True)
class Person:
    """An account as others see it: no hash, no counters."""

    id: UUID
    email: str
    name: str
    roles: frozenset[Role]
    disabled: bool
    must_change_password: bool
    created_at: datetime
    groups: tuple[tuple[UUID, str], ...] = field(default=())
    """(id, name) of each group, by name."""
    kind: Kind = "person"


@dataclass(frozen=True, slots=True)
class GroupInfo:
    id: UUID
    name: str
    member_count: int
    """Of its own members, without those of groups inside it."""
    source: str = "local"
    """Who keeps its members: `local`, `oidc` or `scim`."""
    parents: tuple[tuple[UUID, str], ...] = ()
    """(id, name) of each group that it is inside of, by name."""


@dataclass(frozen=True, slots=True)
class PersonChange:
    """What to change; None leaves a field as it is."""

    name: str | None = None
    roles: frozenset[Role] | None = None
    disabled: bool | None = None
    password: str | None = None


class People:
    """Who exists. Rights are checked by the routes' guards before a call arrives here."""

    def __init__(self, database: Database, clock: Clock, passwords: Passwords, rights: RightsCache) -> None:
        self._database = database
        self._clock = clock
        self._passwords = passwords
        self._rights = rights

    async def create(
        self, *, email: str, name: str, password: str | None, roles: Iterable[Role]
    ) -> tuple[Person, str | None]:
        """Make an account. Without a password one is made and returned, to be changed at the first login.

        Raises:
            NameTaken: the address has an account already.
            WeakPassword: too short.
        """
        made = random_text(max(16, self._passwords.min_length)) if password is None else None
        hashed = await self._passwords.hash(made or password or "")
        row = UserRow(
            id=new_id(),
            email=email.strip().lower(),
            name=name.strip(),
            roles=join_roles(roles),
            password_hash=hashed,
            must_change_password=made is not None,
            created_at=self._clock.now(),
        )
        try:
            async with changing_rights(self._database, self._rights) as session:
                session.add(row)
                await session.flush()
                await record(session, Event("user.created", f"user:{row.id}", details={"roles": row.roles.split(",")}))
        except IntegrityError as error:
            raise NameTaken(f"{row.email} has an account already.") from error
        return _person(row, ()), made

    async def change(self, user_id: UUID, change: PersonChange) -> Person:
        """Change an account. A new password or a disabled account ends its sessions.

        Raises:
            NotFound: no such account.
            NotForServiceAccounts: a password, or a role: its owner makes its keys and would have it too.
            LastAdministrator: nobody could manage the appliance afterwards.
        """
        hashed = None if change.password is None else await self._passwords.hash(change.password)
        async with changing_rights(self._database, self._rights) as session:
            await lock_administrators(session)
            row = await session.get(UserRow, user_id)
            if row is None:
                raise NotFound("There is no such account.")
            if row.kind == "service" and (hashed is not None or not (change.roles or EVERYBODYS) <= EVERYBODYS):
                raise NotForServiceAccounts("A service account has no password and no role.")
            for event in _told(row, change):
                await record(session, event)
            row.name = row.name if change.name is None else change.name.strip()
            row.roles = row.roles if change.roles is None else join_roles(change.roles)
            row.disabled = row.disabled if change.disabled is None else change.disabled
            if hashed is not None:
                row.password_hash, row.must_change_password = hashed, True
                await forget_tries(session, row.email)
            if change.roles is not None and "group_administrator" not in change.roles:  # given again, it begins anew
                groups_of_theirs = GroupAdministratorRow.user_id == user_id
                await session.execute(delete(GroupAdministratorRow).where(groups_of_theirs))
            if row.disabled or hashed is not None:
                await session.execute(delete(SessionRow).where(SessionRow.user_id == user_id))
            await session.flush()
            await refuse_without_administrator(session)
            groups = await groups_of(session, [user_id])
        return _person(row, groups.get(user_id, ()))

    async def set_own_password(self, user_id: UUID, password: str, keep_session: str | None) -> None:
        """Store a new password and end all sessions but the one that asked. Raises WeakPassword."""
        hashed = await self._passwords.hash(password)
        async with changing_rights(self._database, self._rights) as session:
            await session.execute(
                update(UserRow).where(UserRow.id == user_id).values(password_hash=hashed, must_change_password=False)
            )
            others = delete(SessionRow).where(SessionRow.user_id == user_id)
            if keep_session is not None:
                others = others.where(SessionRow.token_hash != keep_session)
            await session.execute(others)
            await record(session, Event("password.changed", f"user:{user_id}"))

    async def get(self, user_id: UUID) -> Person:
        """Raises NotFound."""
        async with self._database.read() as session:
            row = await session.get(UserRow, user_id)
            if row is None:
                raise NotFound("There is no such account.")
            groups = await groups_of(session, [user_id])
        return _person(row, groups.get(user_id, ()))

    async def everybody(self) -> list[Person]:
        """Everybody, by address."""
        async with self._database.read() as session:
            rows = (await session.scalars(select(UserRow).order_by(UserRow.email))).all()
            groups = await groups_of(session, None)
        return [_person(row, groups.get(row.id, ())) for row in rows]

    async def first_administrator(self) -> Person | None:
        """The oldest account that may manage the appliance: the one that its own command line acts as."""
        found = [p for p in await self.everybody() if "administrator" in p.roles and not p.disabled]
        return min(found, key=lambda p: p.created_at, default=None)

    async def names(self, ids: Iterable[UUID]) -> dict[UUID, str]:
        """Display names of users and groups, for showing who may read something."""
        wanted = list(ids)
        async with self._database.read() as session:
            users = await session.execute(select(UserRow.id, UserRow.name).where(UserRow.id.in_(wanted)))
            groups = await session.execute(select(GroupRow.id, GroupRow.name).where(GroupRow.id.in_(wanted)))
            return {row[0]: row[1] for row in [*users, *groups]}

    async def create_group(self, name: str) -> GroupInfo:
        """Raises NameTaken."""
        row = GroupRow(id=new_id(), name=name.strip(), created_at=self._clock.now())
        try:
            async with changing_rights(self._database, self._rights) as session:
                session.add(row)
                await session.flush()
                await record(session, Event("group.created", f"group:{row.id}"))
        except IntegrityError as error:
            raise NameTaken(f"There is a group called '{row.name}' already.") from error
        return GroupInfo(row.id, row.name, 0)

    async def groups(self) -> list[GroupInfo]:
        """All groups, by name."""
        counted = (
            select(GroupRow.id, GroupRow.name, func.count(MembershipRow.user_id), GroupRow.source)
            .outerjoin(MembershipRow, MembershipRow.group_id == GroupRow.id)
            .group_by(GroupRow.id, GroupRow.name, GroupRow.source)
            .order_by(GroupRow.name)
        )
        async with self._database.read() as session:
            rows = (await session.execute(counted)).all()
            parents = await _parents(session)
        return [GroupInfo(row[0], row[1], row[2], row[3], parents.get(row[0], ())) for row in rows]

    async def add_member(self, group_id: UUID, user_id: UUID) -> None:
        """Raises NotFound; adding twice is fine."""
        async with changing_rights(self._database, self._rights) as session:
            if await session.get(GroupRow, group_id) is None or await session.get(UserRow, user_id) is None:
                raise NotFound("There is no such group or account.")
            if await session.get(MembershipRow, (group_id, user_id)) is None:
                session.add(MembershipRow(group_id=group_id, user_id=user_id))
                await record(session, _membership("group.member_added", group_id, user_id))

    async def remove_member(self, group_id: UUID, user_id: UUID) -> None:
        """Removing somebody who is not in it is fine."""
        async with changing_rights(self._database, self._rights) as session:
            member = await session.get(MembershipRow, (group_id, user_id))
            if member is not None:
                await session.delete(member)
                await record(session, _membership("group.member_removed", group_id, user_id))

    async def forget_expired(self) -> None:
        """Drop sessions that are over and revoked keys past their date."""
        now = self._clock.now()
        async with changing_rights(self._database, self._rights) as session:
            await session.execute(delete(SessionRow).where(SessionRow.expires_at < now))
            await session.execute(
                delete(ApiKeyRow).where(ApiKeyRow.revoked_at.is_not(None), ApiKeyRow.expires_at < now)
            )


async def groups_of(session: AsyncSession, user_ids: Sequence[UUID] | None) -> dict[UUID, tuple[tuple[UUID, str], ...]]:
    """(id, name) of the groups of these users, or of all with None."""
    query = select(MembershipRow.user_id, GroupRow.id, GroupRow.name).join(
        GroupRow, GroupRow.id == MembershipRow.group_id
    )
    if user_ids is not None:
        query = query.where(MembershipRow.user_id.in_(user_ids))
    found: dict[UUID, list[tuple[UUID, str]]] = {}
    for user_id, group_id, name in await session.execute(query.order_by(GroupRow.name)):
        found.setdefault(user_id, []).append((group_id, name))
    return {user_id: tuple(groups) for user_id, groups in found.items()}


async def _parents(session: AsyncSession) -> dict[UUID, tuple[tuple[UUID, str], ...]]:
    """(id, name) of the groups around each group that is inside of any."""
    query = select(GroupParentRow.group_id, GroupRow.id, GroupRow.name)
    query = query.join(GroupRow, GroupRow.id == GroupParentRow.parent_id).order_by(GroupRow.name)
    found: dict[UUID, list[tuple[UUID, str]]] = {}
    for group_id, parent_id, name in await session.execute(query):
        found.setdefault(group_id, []).append((parent_id, name))
    return {group_id: tuple(parents) for group_id, parents in found.items()}


def read_roles(text: str) -> frozenset[Role]:
    """Roles as kept in the table; unknown words give no right."""
    named = text.split(",")
    return frozenset(role for role in ROLES if role in named)


def read_kind(text: str) -> Kind:
    """As kept in the table."""
    return "service" if text == "service" else "person"


def join_roles(roles: Iterable[Role]) -> str:
    """As kept in the table. Everybody is a user."""
    return ",".join(sorted({"user", *roles}))


def _membership(action: str, group_id: UUID, user_id: UUID) -> Event:
    return Event(action, f"group:{group_id}", details={"account": f"user:{user_id}"})


def _told(row: UserRow, change: PersonChange) -> Iterator[Event]:
    """What a change does to an account, before it is done; nothing for what stays as it is."""
    account = f"user:{row.id}"
    if change.name is not None and change.name.strip() != row.name:
        yield Event("user.changed", account, details={"fields": ["name"]})
    if change.roles is not None and join_roles(change.roles) != row.roles:
        before, after = row.roles.split(","), join_roles(change.roles).split(",")
        yield Event("user.roles_changed", account, details={"before": before, "after": after})
    if change.disabled is not None and change.disabled != row.disabled:
        yield Event("user.disabled" if change.disabled else "user.enabled", account)
    if change.password is not None:
        yield Event("user.password_reset", account)


def _person(row: UserRow, groups: tuple[tuple[UUID, str], ...]) -> Person:
    return Person(
        id=row.id,
        email=row.email,
        name=row.name,
        roles=read_roles(row.roles),
        disabled=row.disabled,
        must_change_password=row.must_change_password,
        created_at=row.created_at,
        groups=groups,
        kind=read_kind(row.kind),
    )


async def lock_administrators(session: AsyncSession) -> None:
    """Two who take the role from each other at once must not both find that the other one is left."""
    named = UserRow.roles.contains("administrator")
    await session.execute(select(UserRow.id).where(named).order_by(UserRow.id).with_for_update())


async def refuse_without_administrator(session: AsyncSession) -> None:
    """Raises LastAdministrator when no account that may come in is one."""
    is_open = (UserRow.disabled.is_(False), UserRow.withdrawn.is_(False))
    rows = await session.scalars(select(UserRow.roles).where(*is_open, UserRow.roles.contains("administrator")))
    if not any("administrator" in read_roles(roles) for roles in rows):
        raise LastAdministrator("This is the last administrator.")
