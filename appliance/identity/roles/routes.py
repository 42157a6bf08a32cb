"""What roles may do, and the groups that somebody administers, over HTTP."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, delete, get, put

from appliance.identity.guards import requires
from appliance.identity.people import People
from appliance.identity.roles.administrators import GroupAdministrators
from appliance.identity.roles.permissions import ROLES, Permission
from appliance.identity.roles.wire import GroupDetails, Permissions, Person, table_lines
from appliance.identity.values import Principal

Call = Request[Principal, Any, Any]


class PermissionsController(Controller):
    path = "/api/permissions"

    @get(guards=[requires(Permission.ACCOUNT_USE)])
    async def table(self, request: Call) -> Permissions:
        """The table of roles, and what the caller may do."""
        mine = {permission: request.user.reach(permission) for permission in Permission}
        return Permissions(list(ROLES), table_lines(), mine)


class GroupController(Controller):
    path = "/api/groups/{group_id:uuid}"

    @get(guards=[requires(Permission.ACCOUNTS_READ)])
    async def one(self, request: Call, group_id: UUID, group_administrators: GroupAdministrators) -> GroupDetails:
        """Who is in it, and who administers it."""
        view = await group_administrators.view(group_id)
        reach = request.user.reach(Permission.GROUPS_MANAGE)
        own = reach == "own" and any(user_id == request.user.user_id for user_id, _ in view.administrators)
        return GroupDetails(
            id=view.id,
            name=view.name,
            members=[Person(*row) for row in view.members],
            administrators=[Person(*row) for row in view.administrators],
            can_manage=own or reach == "any",
        )

    @put("/members/{user_id:uuid}", guards=[requires(Permission.GROUPS_MANAGE)], status_code=204)
    async def add_member(
        self, request: Call, group_id: UUID, user_id: UUID, people: People, group_administrators: GroupAdministrators
    ) -> None:
        await group_administrators.check(request.user, group_id, user_id, adds=True)
        await people.add_member(group_id, user_id)

    @delete("/members/{user_id:uuid}", guards=[requires(Permission.GROUPS_MANAGE)])
    async def remove_member(
        self, request: Call, group_id: UUID, user_id: UUID, people: People, group_administrators: GroupAdministrators
    ) -> None:
        await group_administrators.check(request.user, group_id, user_id, adds=False)
        await people.remove_member(group_id, user_id)

    @put("/administrators/{user_id:uuid}", guards=[requires(Permission.ROLES_GIVE, "any")], status_code=204)
    async def appoint(self, group_id: UUID, user_id: UUID, group_administrators: GroupAdministrators) -> None:
        """Let somebody administer the group; they get the role."""
        await group_administrators.appoint(group_id, user_id)

    @delete("/administrators/{user_id:uuid}", guards=[requires(Permission.ROLES_GIVE, "any")])
    async def dismiss(self, group_id: UUID, user_id: UUID, group_administrators: GroupAdministrators) -> None:
        await group_administrators.dismiss(group_id, user_id)
