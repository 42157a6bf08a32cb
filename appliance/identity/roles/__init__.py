"""Who may do what, as one table.

1. `permissions.py` names what can be done, and the roles that people have.
2. `table.py` says for each permission and role how far it goes: `no`, `own` or `any`. It is data: the guards, the web
   UI, the reference page and the test matrix all read this one table.
3. A route declares `requires(Permission.X)` (guards.py); whether `own` covers the object at hand is decided by the
   service that holds it.

Rule: a right is added here, never by a comparison with the name of a role elsewhere.
"""

from appliance.identity.roles.permissions import ROLES, Permission, Reach, Role
from appliance.identity.roles.table import TABLE, Line, covers, reach_of, roles_with

__all__ = ["ROLES", "TABLE", "Line", "Permission", "Reach", "Role", "covers", "reach_of", "roles_with"]
