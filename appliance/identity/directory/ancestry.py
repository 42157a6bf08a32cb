"""The groups that count for an account, and by which way each is reached."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.identity.directory.closure import closure_of
from appliance.identity.models import GroupParentRow, GroupRow, MembershipRow


@dataclass(frozen=True, slots=True)
class Ancestry:
    """A piece of the tree of groups: all that count for one account."""

    own: tuple[UUID, ...]
    """Those that it is in itself, by name."""
    parents: Mapping[UUID, tuple[UUID, ...]]
    names: Mapping[UUID, str]

    def chain(self, group_id: UUID) -> tuple[UUID, ...]:
        """The shortest way from a group of its own to this one, both included; empty when it does not count."""
        found: dict[UUID, UUID | None] = dict.fromkeys(self.own)
        waiting = deque(self.own)
        while waiting:
            inner = waiting.popleft()
            if inner == group_id:
                return _back(found, inner)
            for outer in self.parents.get(inner, ()):
                if outer not in found:
                    found[outer] = inner
                    waiting.append(outer)
        return ()


def _back(found: Mapping[UUID, UUID | None], last: UUID) -> tuple[UUID, ...]:
    way: list[UUID] = []
    at: UUID | None = last
    while at is not None:
        way.append(at)
        at = found[at]
    return tuple(reversed(way))


async def ancestry_of(session: AsyncSession, user_id: UUID) -> Ancestry:
    """As it is now."""
    counted = await closure_of(session, user_id)
    names = await session.execute(select(GroupRow.id, GroupRow.name).where(GroupRow.id.in_(counted)))
    edges = select(GroupParentRow.group_id, GroupParentRow.parent_id).where(GroupParentRow.group_id.in_(counted))
    parents: dict[UUID, tuple[UUID, ...]] = {}
    for inner, outer in await session.execute(edges.order_by(GroupParentRow.parent_id)):
        parents[inner] = (*parents.get(inner, ()), outer)
    own = select(GroupRow.id).join(MembershipRow, MembershipRow.group_id == GroupRow.id)
    mine = await session.scalars(own.where(MembershipRow.user_id == user_id).order_by(GroupRow.name))
    return Ancestry(tuple(mine), parents, {row[0]: row[1] for row in names})
