"""What a provisioning client does: one kind of resource after the other, each act with its event in the audit."""

import asyncio
import functools
import operator
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from scim2_models import Context, Resource
from scim2_models.path import ScimFilter
from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.audit import Event, record
from appliance.foundation import Clock, new_id
from appliance.identity.directory.groups import lock_tree
from appliance.identity.errors import LastAdministrator
from appliance.identity.models import ApiKeyRow, GroupRow, MembershipRow, SessionRow, UserRow
from appliance.identity.people import lock_administrators, read_roles, refuse_without_administrator
from appliance.identity.rights import RightsCache
from appliance.identity.scim.errors import ScimMissing, ScimRefused, ScimStale, ScimTaken
from appliance.identity.scim.finding import GROUP_COLUMNS, SCANNED_AT_MOST, USER_COLUMNS, narrowed
from appliance.identity.scim.groups import groups_of, take_group
from appliance.identity.scim.resources import (
    MOST,
    ScimUser,
    Team,
    checked,
    listed,
    patched,
    read_new,
    read_replacement,
    read_search,
    written,
)
from appliance.identity.scim.users import take_user, users_of
from appliance.storage import Database

Json = dict[str, Any]
SCANNED_AT_ONCE = 100
LAST = 2**31
"""A page that begins behind it is empty; databases count no further than twice as many bits."""


class Scim:
    """Users and groups that SCIM made. Every call names the base of addresses, as the client sees it.

    A directory is sent as thousands of writes. So what this process remembers of rights is dropped at once only when
    somebody is shut out or let in again; any other change is seen when the database is looked at next, as at every
    other gateway.
    """

    def __init__(self, database: Database, clock: Clock, rights: RightsCache) -> None:
        self._database = database
        self._clock = clock
        self._rights = rights

    async def find(self, kinds: Sequence[str], payload: Mapping[str, Any], base: str) -> Json:
        """A page of `Users`, `Groups` or both; `payload` is a search request of the protocol.

        Raises:
            ScimRefused: it cannot be read, or its filter looks at too much.
        """
        asked = read_search(functools.reduce(operator.or_, (_model(kind) for kind in kinds)), payload)
        room = max(0, min(100 if asked.count is None else asked.count, MOST))
        start = min(max(1, asked.start_index or 1), LAST)
        skip, total, found = start - 1, 0, list[Resource[Any]]()
        async with self._database.read() as session:
            for kind in kinds:
                matching, page = await _page(session, kind, asked.filter, (skip, room), base)
                found += page
                total, skip, room = total + matching, max(0, skip - matching), room - len(page)
        return listed([written(one, asked=asked) for one in found], total, start)

    async def one(self, kind: str, key: str, payload: Mapping[str, Any], base: str) -> Json:
        """With the attributes that `payload` asks for. Raises ScimMissing, ScimRefused."""
        asked = read_search(_model(kind), payload)
        async with self._database.read() as session:
            row = await _row(session, kind, key)
            return written(await _resource(session, kind, row, base), asked=asked)

    async def create(self, kind: str, payload: Mapping[str, Any], base: str) -> Json:
        """Raises ScimRefused, ScimTaken."""
        wanted: Any = read_new(_model(kind), {"active": True, **payload} if kind == "Users" else payload)
        try:
            async with self._database.write() as session:
                await lock_tree(session, is_sqlite=self._database.is_sqlite)
                row = self._new(kind)
                await self._take(session, row, wanted)
                noun = "user" if isinstance(row, UserRow) else "group"
                await record(session, Event(f"{noun}.created", f"{noun}:{row.id}", details={"by": "scim"}))
                made = await _resource(session, kind, row, base)
        except IntegrityError as error:
            raise ScimTaken("Another one has this name.") from error
        return written(made, Context.RESOURCE_CREATION_RESPONSE)

    async def replace(self, kind: str, key: str, payload: Mapping[str, Any], base: str, match: str | None) -> Json:
        """Raises ScimMissing, ScimRefused, ScimTaken, ScimStale."""
        return await self._changed(
            kind, key, base, match, lambda original: read_replacement(_model(kind), payload, original)
        )

    async def patch(self, kind: str, key: str, payload: Mapping[str, Any], base: str, match: str | None) -> Json:
        """Raises ScimMissing, ScimRefused, ScimTaken, ScimStale."""
        return await self._changed(kind, key, base, match, lambda original: patched(_model(kind), payload, original))

    async def delete(self, kind: str, key: str, base: str, match: str | None) -> None:
        """A group is gone. An account is shut for good and nameless to SCIM; what it made stays somebody's.

        Raises ScimMissing, ScimStale.
        """
        async with self._database.write() as session:
            await _lock_if_administrator(session, kind, key)
            row = await _row(session, kind, key, lock=True)
            _refuse_stale(await _resource(session, kind, row, base), match)
            if isinstance(row, GroupRow):
                await session.delete(row)
                await record(session, Event("group.deleted", f"group:{row.id}", details={"by": "scim"}))
                return
            await _shut(session, row.id)
            await session.execute(
                update(ApiKeyRow)
                .where(ApiKeyRow.user_id == row.id, ApiKeyRow.revoked_at.is_(None))
                .values(revoked_at=self._clock.now())
            )
            await session.execute(delete(MembershipRow).where(MembershipRow.user_id == row.id))
            row.disabled, row.email = True, f"gone:{row.id}"
            row.scim = row.external_id = row.issuer = row.subject = None
            await _refuse_last_administrator(session, row)
            await record(session, Event("user.deleted", f"user:{row.id}", details={"by": "scim"}))
        self._rights.drop()

    async def _changed(self, kind: str, key: str, base: str, match: str | None, change: Any) -> Json:
        try:
            async with self._database.write() as session:
                await lock_tree(session, is_sqlite=self._database.is_sqlite)
                await _lock_if_administrator(session, kind, key)
                row = await _row(session, kind, key, lock=True)
                original = await _resource(session, kind, row, base)
                _refuse_stale(original, match)
                was_shut = isinstance(row, UserRow) and row.disabled
                await self._take(session, row, change(original))
                if isinstance(row, UserRow) and row.disabled and not was_shut:
                    await _refuse_last_administrator(session, row)
                await _note(session, row, was_shut=was_shut)
                made = await _resource(session, kind, row, base)
                turned = isinstance(row, UserRow) and row.disabled != was_shut
        except IntegrityError as error:
            raise ScimTaken("Another one has this name.") from error
        if turned:
            self._rights.drop()
        return written(made, Context.RESOURCE_REPLACEMENT_RESPONSE)

    def _new(self, kind: str) -> UserRow | GroupRow:
        now = self._clock.now()
        if kind == "Groups":
            return GroupRow(id=new_id(), created_at=now, source="scim", name="")
        return UserRow(
            id=new_id(),
            created_at=now,
            roles="user",
            password_hash="",
            disabled=False,
            provisioned_by="scim",
        )

    async def _take(self, session: AsyncSession, row: UserRow | GroupRow, wanted: Any) -> None:
        if isinstance(row, GroupRow):
            row.name = row.name or str(row.id)
            session.add(row)
            await take_group(session, row, wanted)
        else:
            await take_user(session, row, wanted, self._clock.now())
            session.add(row)
            await session.flush()
            if row.disabled:
                await _shut(session, row.id)


def _model(kind: str) -> Any:
    return ScimUser if kind == "Users" else Team


def _query(kind: str, wanted: ScimFilter[Any] | None) -> tuple[Select[Any], ScimFilter[Any] | None]:
    """All candidates in order, and the filter when it is still to be decided on each."""
    query: Select[Any]
    if kind == "Users":
        query = select(UserRow).where(UserRow.provisioned_by == "scim", UserRow.scim.is_not(None)).order_by(UserRow.id)
    else:
        query = select(GroupRow).where(GroupRow.source == "scim").order_by(GroupRow.id)
    if wanted is None:
        return query, None
    known = narrowed(wanted.ast, USER_COLUMNS if kind == "Users" else GROUP_COLUMNS)
    if known.where is not None:
        query = query.where(known.where)
    return query, None if known.exact else wanted


async def _page(
    session: AsyncSession, kind: str, wanted: ScimFilter[Any] | None, place: tuple[int, int], base: str
) -> tuple[int, list[Resource[Any]]]:
    """How many match, and those at this place: (skipped, at most)."""
    skip, room = place
    query, rest = _query(kind, wanted)
    if rest is not None:
        matching = await _scan(session, kind, query, rest, base)
        return len(matching), matching[skip : skip + room]
    total = await session.scalar(select(func.count()).select_from(query.subquery())) or 0
    rows = (await session.scalars(query.offset(skip).limit(room))).all() if room else []
    return total, await _resources(session, kind, rows, base)


async def _scan(
    session: AsyncSession, kind: str, query: Select[Any], rest: ScimFilter[Any], base: str
) -> list[Resource[Any]]:
    """Those that match, of a bounded number of candidates. Raises ScimRefused."""
    rows = (await session.scalars(query.limit(SCANNED_AT_MOST + 1))).all()
    if len(rows) > SCANNED_AT_MOST:
        raise ScimRefused(
            "The filter looks at too many resources. Narrow it by userName, displayName or externalId.", kind="tooMany"
        )
    matching = []
    for at in range(0, len(rows), SCANNED_AT_ONCE):
        for resource in await _resources(session, kind, rows[at : at + SCANNED_AT_ONCE], base):
            if checked(lambda one=resource: rest.match(one)):  # type: ignore[misc]  # bound at once
                matching.append(resource)  # noqa: PERF401 - a comprehension over two loops and a call says less
        await asyncio.sleep(0)  # others have their turn
    return matching


async def _resources(session: AsyncSession, kind: str, rows: Sequence[Any], base: str) -> list[Any]:
    return list(await (users_of if kind == "Users" else groups_of)(session, rows, base))


async def _resource(session: AsyncSession, kind: str, row: UserRow | GroupRow, base: str) -> Any:
    return (await _resources(session, kind, [row], base))[0]


async def _row(session: AsyncSession, kind: str, key: str, *, lock: bool = False) -> UserRow | GroupRow:
    """Raises ScimMissing, also for what SCIM did not make."""
    missing = ScimMissing(f"There is no such resource: {key[:80]}.")
    try:
        wanted = UUID(key)
    except ValueError as error:
        raise missing from error
    if kind == "Users":
        user = await session.get(UserRow, wanted, with_for_update=lock)
        if user is not None and user.provisioned_by == "scim" and user.scim is not None:
            return user
    else:
        group = await session.get(GroupRow, wanted, with_for_update=lock)
        if group is not None and group.source == "scim":
            return group
    raise missing


async def _shut(session: AsyncSession, user_id: UUID) -> None:
    await session.execute(delete(SessionRow).where(SessionRow.user_id == user_id))


async def _lock_if_administrator(session: AsyncSession, kind: str, key: str) -> None:
    """Before the account itself is locked: administrators are locked in one order by whoever shuts one."""
    try:
        wanted = UUID(key)
    except ValueError:
        return
    roles = await session.scalar(select(UserRow.roles).where(UserRow.id == wanted)) if kind == "Users" else None
    if roles is not None and "administrator" in read_roles(roles):
        await lock_administrators(session)


async def _refuse_last_administrator(session: AsyncSession, row: UserRow) -> None:
    """Raises ScimRefused. The break-glass account counts, once it was sealed."""
    if "administrator" not in read_roles(row.roles):
        return
    await session.flush()
    try:
        await refuse_without_administrator(session)
    except LastAdministrator as error:
        raise ScimRefused(
            "This is the last administrator: nobody could manage the appliance afterwards. Make somebody else an "
            "administrator first, or seal the break-glass account ('appliance identity break-glass seal').",
            kind="mutability",
        ) from error


async def _note(session: AsyncSession, row: UserRow | GroupRow, *, was_shut: bool) -> None:
    if isinstance(row, GroupRow):
        await record(session, Event("group.changed", f"group:{row.id}", details={"by": "scim"}))
        return
    action = "user.changed"
    if row.disabled != was_shut:
        action = "user.disabled" if row.disabled else "user.enabled"
    await record(session, Event(action, f"user:{row.id}", details={"by": "scim"}))


def _refuse_stale(resource: Resource[Any], match: str | None) -> None:
    if match is None or match.strip() == "*":
        return
    written(resource)
    version = resource.meta.version if resource.meta is not None else None
    if version not in {part.strip() for part in match.split(",")}:
        raise ScimStale("The resource has changed since. Read it again.")
