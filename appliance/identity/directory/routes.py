"""Groups inside groups, and tying an account to an identity of the provider, over HTTP."""

from typing import Annotated
from uuid import UUID

from litestar import Controller, delete, put
from msgspec import Meta, Struct

from appliance.identity.directory.accounts import Accounts
from appliance.identity.directory.groups import Groups
from appliance.identity.guards import requires, requires_step_up
from appliance.identity.roles import Permission


class ProviderIdentity(Struct, forbid_unknown_fields=True):
    issuer: Annotated[str, Meta(min_length=1, max_length=500)]
    subject: Annotated[str, Meta(min_length=1, max_length=255)]


class DirectoryController(Controller):
    path = "/api"

    @put(
        "/users/{user_id:uuid}/identity",
        guards=[requires(Permission.DIRECTORY_MANAGE), requires_step_up],
        status_code=204,
    )
    async def tie(self, user_id: UUID, data: ProviderIdentity, accounts: Accounts) -> None:
        """Whoever logs in as this subject of the identity provider gets this account."""
        await accounts.tie(user_id, data.issuer, data.subject)

    @put(
        "/groups/{group_id:uuid}/groups/{inner_id:uuid}",
        guards=[requires(Permission.DIRECTORY_MANAGE)],
        status_code=204,
    )
    async def put_inside(self, group_id: UUID, inner_id: UUID, groups: Groups) -> None:
        """Members of the inner group count as members of this one too."""
        await groups.put_inside(group_id, inner_id)

    @delete("/groups/{group_id:uuid}/groups/{inner_id:uuid}", guards=[requires(Permission.DIRECTORY_MANAGE)])
    async def take_out(self, group_id: UUID, inner_id: UUID, groups: Groups) -> None:
        await groups.take_out(group_id, inner_id)
