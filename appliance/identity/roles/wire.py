"""The table and the groups as the web UI and programs see them."""

from uuid import UUID

from msgspec import Struct

from appliance.identity.roles.permissions import ROLES, Permission, Reach, Role
from appliance.identity.roles.table import TABLE, reach_of


class PermissionLine(Struct):
    permission: str
    what: str
    reach: dict[Role, Reach]
    """Of an account with this role: it has what everybody has, too."""


class Permissions(Struct):
    roles: list[Role]
    permissions: list[PermissionLine]
    mine: dict[Permission, Reach]
    """What the caller may do, with the credential of this request."""


class Person(Struct):
    id: UUID
    name: str


class GroupDetails(Struct):
    id: UUID
    name: str
    members: list[Person]
    administrators: list[Person]
    can_manage: bool
    """Whether the caller may change who is in it."""


def table_lines() -> list[PermissionLine]:
    """The table, as it counts for an account that has the role."""
    return [
        PermissionLine(line.permission, line.what, {role: reach_of(("user", role), line.permission) for role in ROLES})
        for line in TABLE
    ]
