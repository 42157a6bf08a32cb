"""Accounts of programs: no password, no login, keys only; somebody answers for each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.audit import Event, record
from appliance.foundation import Clock, NotFound, new_id
from appliance.identity.errors import NameTaken, OwnerUnknown
from appliance.identity.models import GroupRow, UserRow
from appliance.identity.people import groups_of
from appliance.identity.rights import RightsCache, changing_rights
from appliance.identity.roles import Permission
from appliance.identity.values import Principal
from appliance.storage import Database

ADDRESS = "service:"
"""Begins the address of a service account; without an @ it is nobody's e-mail, and the login takes people only."""


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    id: UUID
    name: str
    address: str
    owner: str
    """`user:<id>` or `group:<id>`: who may make and end its keys, besides administrators."""
    owner_name: str
    """Empty when the owner is gone; administrators still manage it."""
    disabled: bool
    created_at: datetime
    groups: tuple[tuple[UUID, str], ...]


@dataclass(frozen=True, slots=True)
class ServiceAccountChange:
    """What to change; None leaves a field as it is."""

    name: str | None = None
    owner: str | None = None
    disabled: bool | None = None


class ServiceAccounts:
    """Made and changed by administrators; their keys also by their owners."""

    def __init__(self, database: Database, clock: Clock, rights: RightsCache) -> None:
        self._database = database
        self._clock = clock
        self._rights = rights

    async def create(self, name: str, owner: str) -> ServiceAccount:
        """Raises NameTaken, OwnerUnknown."""
        row = UserRow(
            id=new_id(),
            email=ADDRESS + name.strip().lower(),
            name=name.strip(),
            roles="user",
            password_hash="",  # matches no password; and the login looks at people only
            created_at=self._clock.now(),
            kind="service",
            owner=owner,
        )
        try:
            async with changing_rights(self._database, self._rights) as session:
                owner_name = await _owner_name(session, owner)
                if not owner_name:
                    raise OwnerUnknown("There is no such owner.")
                session.add(row)
                await session.flush()
                await record(session, Event("service_account.created", f"user:{row.id}", details={"owner": owner}))
        except IntegrityError as error:
            raise NameTaken(f"There is a service account '{row.name}' already.") from error
        return _account(row, owner_name, ())

    async def managed_by(self, caller: Principal) -> list[ServiceAccount]:
        """All for an administrator; else those that the caller owns, alone or through a group. By name."""
        query = select(UserRow).where(UserRow.kind == "service").order_by(UserRow.email)
        if caller.reach(Permission.SERVICE_ACCOUNTS_MANAGE) != "any":
            query = query.where(UserRow.owner.in_(sorted(caller.scope().principals)))
        async with self._database.read() as session:
            return await _accounts(session, (await session.scalars(query)).all())

    async def managed(self, caller: Principal, account_id: UUID) -> ServiceAccount:
        """Raises NotFound, also for one that the caller does not manage."""
        for account in await self.managed_by(caller):
            if account.id == account_id:
                return account
        raise NotFound("There is no such service account.")

    async def change(self, account_id: UUID, change: ServiceAccountChange) -> ServiceAccount:
        """A disabled account's keys are dead at once, and live again when it is enabled.

        Raises:
            NotFound: no service account has this id.
            NameTaken, OwnerUnknown: what is to be changed.
        """
        try:
            async with changing_rights(self._database, self._rights) as session:
                row = await session.get(UserRow, account_id, with_for_update=True)
                if row is None or row.kind != "service":
                    raise NotFound("There is no such service account.")
                for event in _told(row, change):
                    await record(session, event)
                if change.name is not None:
                    row.name, row.email = change.name.strip(), ADDRESS + change.name.strip().lower()
                if change.owner is not None:
                    if not await _owner_name(session, change.owner):
                        raise OwnerUnknown("There is no such owner.")
                    row.owner = change.owner
                row.disabled = row.disabled if change.disabled is None else change.disabled
                await session.flush()
                return (await _accounts(session, [row]))[0]
        except IntegrityError as error:
            raise NameTaken(f"There is a service account '{change.name}' already.") from error


def _told(row: UserRow, change: ServiceAccountChange) -> Iterator[Event]:
    account = f"user:{row.id}"
    if change.name is not None and change.name.strip() != row.name:
        yield Event("service_account.changed", account, details={"fields": ["name"]})
    if change.owner is not None and change.owner != row.owner:
        details = {"fields": ["owner"], "before": row.owner or "", "after": change.owner}
        yield Event("service_account.changed", account, details=details)
    if change.disabled is not None and change.disabled != row.disabled:
        yield Event("service_account.disabled" if change.disabled else "service_account.enabled", account)


async def _accounts(session: AsyncSession, rows: Sequence[UserRow]) -> list[ServiceAccount]:
    groups = await groups_of(session, [row.id for row in rows])
    names = {owner: await _owner_name(session, owner) for owner in {row.owner or "" for row in rows}}
    return [_account(row, names[row.owner or ""], groups.get(row.id, ())) for row in rows]


async def _owner_name(session: AsyncSession, owner: str) -> str:
    """Empty when nobody is meant. A program owns no program: nobody would answer for it."""
    kind, _, key = owner.partition(":")
    if kind == "user":
        return await session.scalar(select(UserRow.name).where(UserRow.id == UUID(key), UserRow.kind == "person")) or ""
    if kind == "group":
        return await session.scalar(select(GroupRow.name).where(GroupRow.id == UUID(key))) or ""
    return ""


def _account(row: UserRow, owner_name: str, groups: tuple[tuple[UUID, str], ...]) -> ServiceAccount:
    return ServiceAccount(
        id=row.id,
        name=row.name,
        address=row.email,
        owner=row.owner or "",
        owner_name=owner_name,
        disabled=row.disabled,
        created_at=row.created_at,
        groups=groups,
    )
