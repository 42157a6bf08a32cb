"""Who is calling, and what that lets them see.

1. `Authentication` (guards.py) finds the one credential of a request: a cookie, an API key or the operator's token.
2. `Access` makes it a `Principal`, mostly from memory (rights.py), else from the database (lookup.py).
3. The key's scope and the route's guard let the principal in or not; a route without guard or `public()` fails the
   build.
4. The principal's `AccessScope` goes down with the work; rooms below decide by it, never by a user id.

Rule: rights are never older than five seconds, whoever changed them (decision 0017). So every change of rights that is
made here goes through `changing_rights`, and nothing about rights is kept in a session or a token.
"""

from appliance.identity.access import Access
from appliance.identity.directory import (
    Accounts,
    AdmissionReport,
    AdmissionRules,
    ExternalIdentity,
    Groups,
    NotAdmitted,
)
from appliance.identity.directory.routes import DirectoryController
from appliance.identity.endpoints import ENDPOINTS, endpoint_of
from appliance.identity.guards import (
    Authentication,
    public,
    require_assistant,
    require_endpoint,
    require_model,
    requires,
    requires_session,
    requires_whole_account,
)
from appliance.identity.key_routes import KeysController, ServiceAccountsController
from appliance.identity.keys import KeyInfo, Keys
from appliance.identity.leases import Leases
from appliance.identity.passwords import HashCost, Passwords
from appliance.identity.people import GroupInfo, People, Person, PersonChange
from appliance.identity.rights import RightsCache
from appliance.identity.roles import ROLES, TABLE, Permission, Reach, Role
from appliance.identity.roles.administrators import GroupAdministrators
from appliance.identity.roles.routes import GroupController, PermissionsController
from appliance.identity.routes import LoginController, MeController, PeopleController
from appliance.identity.scim import ScimController
from appliance.identity.scim.routes import ScimDoor
from appliance.identity.sealed_account import SealedAccount
from appliance.identity.sealed_account_routes import SealedAccountController
from appliance.identity.service_accounts import ServiceAccounts
from appliance.identity.settings import IdentitySettings
from appliance.identity.sso.routes import SsoController
from appliance.identity.values import EVERYONE, AccessScope, Holder, KeyScope, Principal

__all__ = [
    "ENDPOINTS",
    "EVERYONE",
    "ROLES",
    "TABLE",
    "Access",
    "AccessScope",
    "Accounts",
    "AdmissionReport",
    "AdmissionRules",
    "Authentication",
    "DirectoryController",
    "ExternalIdentity",
    "GroupAdministrators",
    "GroupController",
    "GroupInfo",
    "Groups",
    "HashCost",
    "Holder",
    "IdentitySettings",
    "KeyInfo",
    "KeyScope",
    "Keys",
    "KeysController",
    "Leases",
    "LoginController",
    "MeController",
    "NotAdmitted",
    "Passwords",
    "People",
    "PeopleController",
    "Permission",
    "PermissionsController",
    "Person",
    "PersonChange",
    "Principal",
    "Reach",
    "RightsCache",
    "Role",
    "ScimController",
    "ScimDoor",
    "SealedAccount",
    "SealedAccountController",
    "ServiceAccounts",
    "ServiceAccountsController",
    "SsoController",
    "endpoint_of",
    "public",
    "require_assistant",
    "require_endpoint",
    "require_model",
    "requires",
    "requires_session",
    "requires_whole_account",
]
