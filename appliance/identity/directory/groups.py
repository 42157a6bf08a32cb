"""Groups inside groups: a member of the inner one counts as a member of the outer one, and not the other way."""

from uuid import UUID

from sqlalchemy import delete, text
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.audit import Event, record
from appliance.foundation import NotFound
from appliance.identity.directory.closure import ancestors_of
from appliance.identity.directory.errors import GroupCycle, KeptElsewhere
from appliance.identity.models import GroupParentRow, GroupRow
from appliance.identity.rights import RightsCache, changing_rights
from appliance.storage import Database

LOCK = 0x70_6D_61_67
"""PostgreSQL's advisory lock on the tree of groups: two changes that are fine alone can make a cycle together."""


class Groups:
    """Changes the tree. Who may is decided by the routes."""

    def __init__(self, database: Database, rights: RightsCache) -> None:
        self._database = database
        self._rights = rights

    async def put_inside(self, outer_id: UUID, inner_id: UUID) -> None:
        """Put a group into another; doing it twice is fine.

        Raises:
            NotFound: one of them is not there.
            GroupCycle: the outer one is inside the inner one, or they are the same.
            KeptElsewhere: the provider says what the inner one is inside of.
        """
        async with changing_rights(self._database, self._rights) as session:
            await lock_tree(session, is_sqlite=self._database.is_sqlite)
            await self._both(session, outer_id, inner_id)
            await refuse_cycle(session, outer_id, inner_id)
            if await session.get(GroupParentRow, (inner_id, outer_id)) is None:
                session.add(GroupParentRow(group_id=inner_id, parent_id=outer_id))
                await record(session, _event(inner_id, "put_inside", outer_id))

    async def take_out(self, outer_id: UUID, inner_id: UUID) -> None:
        """Fine when it is not inside. Raises NotFound, KeptElsewhere."""
        async with changing_rights(self._database, self._rights) as session:
            await self._both(session, outer_id, inner_id)
            await session.execute(
                delete(GroupParentRow).where(GroupParentRow.group_id == inner_id, GroupParentRow.parent_id == outer_id)
            )
            await record(session, _event(inner_id, "taken_out_of", outer_id))

    async def _both(self, session: AsyncSession, outer_id: UUID, inner_id: UUID) -> None:
        outer, inner = await session.get(GroupRow, outer_id), await session.get(GroupRow, inner_id)
        if outer is None or inner is None:
            raise NotFound("There is no such group.")
        if outer.source == inner.source == "oidc":
            raise KeptElsewhere(f"The identity provider says what '{inner.name}' is inside of.")


def _event(inner_id: UUID, what: str, outer_id: UUID) -> Event:
    return Event("group.changed", f"group:{inner_id}", details={what: f"group:{outer_id}"})


async def lock_tree(session: AsyncSession, *, is_sqlite: bool) -> None:
    """Until the end of the transaction. SQLite has one writer anyway."""
    if not is_sqlite:
        await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})


async def refuse_cycle(session: AsyncSession, outer_id: UUID, inner_id: UUID) -> None:
    """Raises GroupCycle. The tree must be locked."""
    if inner_id in await ancestors_of(session, outer_id):
        raise GroupCycle("A group cannot be inside itself, not even by way of others.")
