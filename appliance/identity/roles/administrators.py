"""Who administers which group. Not remembered: it is asked of the database each time, so it is never old."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.audit import Event, record
from appliance.foundation import NotAllowed, NotFound
from appliance.identity.errors import NotForServiceAccounts, OwnMembership
from appliance.identity.models import GroupAdministratorRow, GroupRow, MembershipRow, UserRow
from appliance.identity.people import join_roles, read_roles
from appliance.identity.rights import RightsCache, changing_rights
from appliance.identity.roles.permissions import Permission, Role
from appliance.identity.values import Principal
from appliance.storage import Database

ROLE: Role = "group_administrator"


@dataclass(frozen=True, slots=True)
class GroupView:
    """A group with everybody in it."""

    id: UUID
    name: str
    members: tuple[tuple[UUID, str], ...]
    """(id, name) of those who are in it themselves, by name."""
    administrators: tuple[tuple[UUID, str], ...]


class GroupAdministrators:
    """The small table beside the role: the role says that somebody administers groups, the table says which."""

    def __init__(self, database: Database, rights: RightsCache) -> None:
        self._database = database
        self._rights = rights

    async def of(self, user_id: UUID) -> frozenset[UUID]:
        """The groups that somebody administers, if they also have the role."""
        query = select(GroupAdministratorRow.group_id).where(GroupAdministratorRow.user_id == user_id)
        async with self._database.read() as session:
            return frozenset(await session.scalars(query))

    async def check(self, caller: Principal, group_id: UUID, member_id: UUID, *, adds: bool) -> None:
        """Whether the caller may put this account into the group, or take it out.

        Raises:
            NotAllowed: it is not a group of theirs.
            OwnMembership: they would give themselves what the group may read.
        """
        if caller.reach(Permission.GROUPS_MANAGE) == "any":
            return
        if group_id not in await self.of(caller.user_id):
            raise NotAllowed("You do not administer this group.", remedy="An administrator can let you.")
        if adds and member_id == caller.user_id:
            raise OwnMembership("Nobody puts themselves into a group.")

    async def view(self, group_id: UUID) -> GroupView:
        """Raises NotFound."""
        async with self._database.read() as session:
            group = await session.get(GroupRow, group_id)
            if group is None:
                raise NotFound("There is no such group.")
            members = await _named(session, MembershipRow, group_id)
            return GroupView(group.id, group.name, members, await _named(session, GroupAdministratorRow, group_id))

    async def appoint(self, group_id: UUID, user_id: UUID) -> None:
        """Let somebody administer a group; gives them the role too. Doing it twice is fine.

        Raises:
            NotFound: no such group or account.
            NotForServiceAccounts: it is the account of a program.
        """
        async with changing_rights(self._database, self._rights) as session:
            user = await session.get(UserRow, user_id, with_for_update=True)
            if user is None or await session.get(GroupRow, group_id) is None:
                raise NotFound("There is no such group or account.")
            if user.kind == "service":
                raise NotForServiceAccounts("A service account administers no group.")
            if await session.get(GroupAdministratorRow, (group_id, user_id)) is not None:
                return
            session.add(GroupAdministratorRow(group_id=group_id, user_id=user_id))
            user.roles = join_roles({*read_roles(user.roles), ROLE})
            await record(session, Event("group.administrator_added", f"group:{group_id}", details=_who(user_id)))

    async def dismiss(self, group_id: UUID, user_id: UUID) -> None:
        """The role stays for the other groups. Dismissing somebody who is none is fine."""
        async with changing_rights(self._database, self._rights) as session:
            row = await session.get(GroupAdministratorRow, (group_id, user_id))
            if row is not None:
                await session.delete(row)
                await record(session, Event("group.administrator_removed", f"group:{group_id}", details=_who(user_id)))


async def _named(
    session: AsyncSession, row: type[MembershipRow] | type[GroupAdministratorRow], group_id: UUID
) -> tuple[tuple[UUID, str], ...]:
    query = select(UserRow.id, UserRow.name).join(row, row.user_id == UserRow.id).where(row.group_id == group_id)
    return tuple((r[0], r[1]) for r in await session.execute(query.order_by(UserRow.name, UserRow.id)))


def _who(user_id: UUID) -> dict[str, str]:
    return {"user": f"user:{user_id}"}
