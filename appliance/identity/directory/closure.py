"""Which groups count for an account: its own, and all that those are inside of."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import CTE, Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.identity.models import GroupParentRow, MembershipRow


async def closure_of(session: AsyncSession, user_id: UUID) -> frozenset[UUID]:
    """The account's groups and all their ancestors."""
    own = select(MembershipRow.group_id.label("id")).where(MembershipRow.user_id == user_id)
    return frozenset(await session.scalars(select(_with_ancestors(own).c.id)))


async def closures_of(session: AsyncSession, user_ids: Sequence[UUID]) -> dict[UUID, frozenset[UUID]]:
    """The same for several accounts; those without a group are left out."""
    own = select(MembershipRow.user_id, MembershipRow.group_id).where(MembershipRow.user_id.in_(user_ids))
    found = own.cte("found", recursive=True)
    above = select(found.c.user_id, GroupParentRow.parent_id)
    found = found.union(above.join(GroupParentRow, GroupParentRow.group_id == found.c.group_id))
    groups: dict[UUID, set[UUID]] = {}
    for user_id, group_id in await session.execute(select(found.c.user_id, found.c.group_id)):
        groups.setdefault(user_id, set()).add(group_id)
    return {user_id: frozenset(ids) for user_id, ids in groups.items()}


async def ancestors_of(session: AsyncSession, group_id: UUID) -> frozenset[UUID]:
    """The group itself and all that it is inside of."""
    above = select(GroupParentRow.parent_id.label("id")).where(GroupParentRow.group_id == group_id)
    return frozenset((group_id, *await session.scalars(select(_with_ancestors(above).c.id))))


def _with_ancestors(own: Select[UUID]) -> CTE:
    """UNION drops what was seen before, so that even a cycle that somebody made by SQL comes to an end."""
    found = own.cte("found", recursive=True)
    return found.union(select(GroupParentRow.parent_id).join(found, GroupParentRow.group_id == found.c.id))
