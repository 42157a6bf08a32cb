"""Groups as resources of SCIM, and back: members are accounts, and groups inside them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.identity.directory.errors import GroupCycle
from appliance.identity.directory.groups import refuse_cycle
from appliance.identity.models import GroupParentRow, GroupRow, MembershipRow, UserRow
from appliance.identity.scim.errors import ScimRefused, ScimTaken
from appliance.identity.scim.resources import Team

ASKED_AT_ONCE = 500


async def groups_of(session: AsyncSession, rows: Sequence[GroupRow], base: str) -> list[Team]:
    """With their members: those that SCIM made."""
    ids = [row.id for row in rows]
    found: dict[UUID, list[dict[str, Any]]] = {}
    people = select(MembershipRow.group_id, UserRow.id).join(UserRow, UserRow.id == MembershipRow.user_id)
    people = people.where(MembershipRow.group_id.in_(ids), UserRow.provisioned_by == "scim").order_by(UserRow.email)
    for group_id, member in await session.execute(people):
        found.setdefault(group_id, []).append(_member("User", member, base))
    inner = select(GroupParentRow.parent_id, GroupRow.id)
    inner = inner.join(GroupRow, GroupRow.id == GroupParentRow.group_id)
    inner = inner.where(GroupParentRow.parent_id.in_(ids), GroupRow.source == "scim").order_by(GroupRow.name)
    for group_id, member in await session.execute(inner):
        found.setdefault(group_id, []).append(_member("Group", member, base))
    return [_group(row, found.get(row.id, []), base) for row in rows]


async def take_group(session: AsyncSession, row: GroupRow, group: Team) -> None:
    """Make the group what the resource says; its row must be in the session. Raises ScimTaken, ScimRefused."""
    name = (group.display_name or "").strip()
    if not name or len(name) > 200:
        raise ScimRefused("displayName must have 1 to 200 characters.")
    if group.external_id is not None and len(group.external_id) > 255:
        raise ScimRefused("externalId must have at most 255 characters.")
    taken = await session.scalar(select(GroupRow.id).where(GroupRow.name == name, GroupRow.id != row.id))
    if taken is not None:
        raise ScimTaken("Another group has this displayName; it may be one that SCIM did not make.")
    row.name, row.external_id = name, group.external_id
    await session.flush()
    users, inner = await _members(session, {_id(member.value) for member in group.members or ()})
    await _set_users(session, row.id, users)
    await _set_inner(session, row.id, inner)


async def _members(session: AsyncSession, wanted: set[UUID]) -> tuple[set[UUID], set[UUID]]:
    """Accounts and groups of SCIM among these. Raises ScimRefused when one is neither."""
    users: set[UUID] = set()
    groups: set[UUID] = set()
    listed = sorted(wanted)
    for at in range(0, len(listed), ASKED_AT_ONCE):
        part = listed[at : at + ASKED_AT_ONCE]
        users.update(
            await session.scalars(
                select(UserRow.id).where(
                    UserRow.id.in_(part), UserRow.provisioned_by == "scim", UserRow.scim.is_not(None)
                )
            )
        )
        groups.update(
            await session.scalars(select(GroupRow.id).where(GroupRow.id.in_(part), GroupRow.source == "scim"))
        )
    if missing := wanted - users - groups:
        raise ScimRefused(f"There is no member {sorted(missing)[0]}.")
    return users, groups


async def _set_users(session: AsyncSession, group_id: UUID, wanted: set[UUID]) -> None:
    """Members that SCIM did not make stay."""
    query = select(MembershipRow.user_id).join(UserRow, UserRow.id == MembershipRow.user_id)
    query = query.where(MembershipRow.group_id == group_id, UserRow.provisioned_by == "scim")
    held = set(await session.scalars(query))
    gone = sorted(held - wanted)
    for at in range(0, len(gone), ASKED_AT_ONCE):
        part = gone[at : at + ASKED_AT_ONCE]
        await session.execute(
            delete(MembershipRow).where(MembershipRow.group_id == group_id, MembershipRow.user_id.in_(part))
        )
    session.add_all(MembershipRow(group_id=group_id, user_id=user_id) for user_id in sorted(wanted - held))
    await session.flush()


async def _set_inner(session: AsyncSession, group_id: UUID, wanted: set[UUID]) -> None:
    query = select(GroupParentRow.group_id).join(GroupRow, GroupRow.id == GroupParentRow.group_id)
    held = set(await session.scalars(query.where(GroupParentRow.parent_id == group_id, GroupRow.source == "scim")))
    for inner in sorted(held - wanted):
        row = await session.get(GroupParentRow, (inner, group_id))
        if row is not None:
            await session.delete(row)
    for inner in sorted(wanted - held):
        try:
            await refuse_cycle(session, group_id, inner)
        except GroupCycle as error:
            raise ScimRefused("A group cannot be a member of itself, not even by way of others.") from error
        session.add(GroupParentRow(group_id=inner, parent_id=group_id))
        await session.flush()


def _id(value: str | None) -> UUID:
    try:
        return UUID(value or "")
    except ValueError as error:
        raise ScimRefused(f"A member has no id: {value!r}.") from error


def _member(kind: str, member: UUID, base: str) -> dict[str, Any]:
    return {"value": str(member), "type": kind, "$ref": f"{base}/{kind}s/{member}"}


def _group(row: GroupRow, members: Sequence[dict[str, Any]], base: str) -> Team:
    meta = {"resourceType": "Group", "created": row.created_at.isoformat(), "location": f"{base}/Groups/{row.id}"}
    own = {
        "id": str(row.id),
        "displayName": row.name,
        "externalId": row.external_id,
        "members": members or None,
        "meta": meta,
    }
    return Team.model_validate({k: v for k, v in own.items() if v is not None})
