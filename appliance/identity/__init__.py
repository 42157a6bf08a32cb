"""Who is calling, and what that lets them see.

1. `Authentication` (guards.py) turns a cookie, an API key or the operator's token into a `Principal`, by `Access`.
2. A route's guard lets the principal in or not; a route without guard or `public()` fails the build.
3. The principal's `AccessScope` goes down with the work; rooms below decide by it, never by a user id.

Rule: rights are read from the database at each request. Nothing about rights is kept in a session or a token.
"""

from appliance.identity.access import Access, KeyInfo
from appliance.identity.guards import (
    Authentication,
    public,
    requires_administrator,
    requires_login,
    requires_session,
)
from appliance.identity.passwords import Passwords
from appliance.identity.people import GroupInfo, People, Person, PersonChange
from appliance.identity.routes import LoginController, MeController, PeopleController
from appliance.identity.settings import IdentitySettings
from appliance.identity.values import EVERYONE, AccessScope, Principal, Role

__all__ = [
    "EVERYONE",
    "Access",
    "AccessScope",
    "Authentication",
    "GroupInfo",
    "IdentitySettings",
    "KeyInfo",
    "LoginController",
    "MeController",
    "Passwords",
    "People",
    "PeopleController",
    "Person",
    "PersonChange",
    "Principal",
    "Role",
    "public",
    "requires_administrator",
    "requires_login",
    "requires_session",
]
