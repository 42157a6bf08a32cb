"""Groups of the provider as groups of ours: a path is a chain of groups, each inside the one before it."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.foundation import new_id
from appliance.identity.models import GroupParentRow, GroupRow, MembershipRow


async def join_paths(session: AsyncSession, user_id: UUID, paths: Iterable[str], now: datetime) -> None:
    """Put the account into these groups, and make those that are not there, with all above them."""
    wanted = list(paths)
    if not wanted:
        return
    groups = await _kept(session, {part for path in wanted for part in chain(path)}, now)
    session.add_all(MembershipRow(group_id=groups[path], user_id=user_id) for path in wanted)
    await session.flush()


def chain(path: str) -> list[str]:
    """The path and all above it, from the top: `/a/b` is `/a`, `/a/b`."""
    parts = path[1:].split("/")
    return ["/" + "/".join(parts[: n + 1]) for n in range(len(parts))]


async def _kept(session: AsyncSession, paths: set[str], now: datetime) -> dict[str, UUID]:
    """The groups of these paths, which have all that is above each of them."""
    rows = await session.execute(select(GroupRow.path, GroupRow.id).where(GroupRow.path.in_(paths)))
    found = {path: group_id for path, group_id in rows if path is not None}
    missing = sorted(paths - found.keys())
    for path in missing:
        row = GroupRow(id=new_id(), name=await _name(session, path), created_at=now, source="oidc", path=path)
        session.add(row)
        await session.flush()
        found[path] = row.id
    for path in missing:
        above = path.rpartition("/")[0]
        if above:
            session.add(GroupParentRow(group_id=found[path], parent_id=found[above]))
    return found


async def _name(session: AsyncSession, path: str) -> str:
    """The path, as people see it. A group of ours that is called so already keeps its name and gains no member."""
    name = path if len(path) <= 180 else f"…{path[-179:]}"
    others = 1
    shown = name
    while await session.scalar(select(GroupRow.id).where(GroupRow.name == shown)) is not None:
        others += 1
        shown = f"{name} ({others})"
    return shown
