"""The door: who is calling is decided once per request, and every route declares whom it lets in.

Guards are coroutines, as the framework sends plain functions to a thread, which costs more than all else they do.
A route carries one of the guards below, or `opt={"public": True}`; a test walks all routes and fails on any other.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.handlers import BaseRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from appliance.foundation import TRAIL, NotAllowed, NotAuthenticated
from appliance.identity.access import Access
from appliance.identity.credentials import Credential, read_credential
from appliance.identity.endpoints import SCIM, endpoint_of
from appliance.identity.errors import CrossSiteRequest, OutsideKeyScope
from appliance.identity.roles import Permission, Reach, roles_with
from appliance.identity.settings import IdentitySettings
from appliance.identity.sso.errors import StepUpNeeded
from appliance.identity.values import Principal

STEP_UP_S = 600
"""How long a fresh proof counts."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

Connection = ASGIConnection[Any, Principal | None, Any, Any]


def public() -> dict[str, Any]:
    """`opt` of a route that anybody may call."""
    return {"public": True}


@dataclass(frozen=True, slots=True)
class Requires:
    """A guard: lets in whose roles have a permission. It is a value, so that a test can read what a route declares."""

    permission: Permission
    at_least: Reach
    """`own`: the route decides about the object. `any`: it is for those who may do it to every object."""

    async def __call__(self, connection: Connection, _: BaseRouteHandler) -> None:
        """Raises NotAuthenticated or NotAllowed."""
        if _caller(connection).reach(self.permission) in ("any", self.at_least):
            return
        roles = ", ".join(roles_with(self.permission, self.at_least)).replace("_", " ")
        raise NotAllowed(f"This needs the permission '{self.permission}'.", remedy=f"It comes with the role: {roles}.")


def requires(permission: Permission, at_least: Reach = "own") -> Requires:
    """The guard of a route; see `roles/table.py` for who has what."""
    return Requires(permission, at_least)


async def requires_whole_account(connection: Connection, _: BaseRouteHandler) -> None:
    """Let in everybody but keys of a narrower scope: for what is kept of the account as a whole, whatever it came from.

    Raises NotAuthenticated or OutsideKeyScope.
    """
    principal = _caller(connection)
    if principal.key_scope.is_narrow:
        raise OutsideKeyScope("A key with a narrower scope cannot do this.")


async def requires_scim(connection: Connection, _: BaseRouteHandler) -> None:
    """Let in a key of a service account that is for provisioning, and nobody else, whatever their roles.

    Raises NotAuthenticated or OutsideKeyScope.
    """
    principal = _caller(connection)
    endpoints = principal.key_scope.endpoints
    if principal.kind != "service" or endpoints is None or SCIM not in endpoints:
        raise OutsideKeyScope(f"Only a service account's key whose scope names '{SCIM}' can do this.")


async def requires_session(connection: Connection, _: BaseRouteHandler) -> None:
    """Let in people in a browser, not programs with a key or a token. Raises NotAuthenticated or NotAllowed."""
    principal = _caller(connection)
    if principal.via in ("api_key", "token"):
        raise NotAllowed("An API key or an access token cannot do this.", remedy="Log in in a browser.")


class StepUp:
    """A guard beside another one: a session must have proved itself a moment ago, by `identity.oidc.step_up_acr`.

    Of sessions only, and only where the setting names an `acr`: programs have no one to ask.
    """

    async def __call__(self, connection: Connection, _: BaseRouteHandler) -> None:
        """Raises StepUpNeeded."""
        principal, settings = connection.scope.get("user"), connection.scope["app"].state.get("identity_settings")
        wanted = settings.oidc.step_up_acr if settings is not None and settings.mode == "oidc" else ""
        if not wanted or not isinstance(principal, Principal) or principal.via != "session":
            return
        if principal.acr != wanted or time.time() - principal.proved_at > STEP_UP_S:
            raise StepUpNeeded("This needs a fresh proof of who you are.")


requires_step_up = StepUp()


class Authentication(ASGIMiddleware):
    """Puts the `Principal` (or None) into the scope. A bad key is refused even where none is needed.

    It runs before every request, so it looks at raw headers and, for a caller who is known, waits for nothing.
    """

    scopes = (ScopeType.HTTP,)

    def __init__(self, access: Access, settings: IdentitySettings, *, public_origin: str | None) -> None:
        self._access = access
        self._cookie_name = settings.cookie_name.encode()
        self._origin = None if public_origin is None else public_origin.encode()

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        path = scope["path"]
        credential = read_credential(scope["headers"], self._cookie_name, path)
        known = principal = None
        if credential is not None:
            known = self._access.cached(credential)
            principal = known or await self._ask(scope, credential)
        if principal is not None and credential is not None:
            if credential.way == "session":
                _refuse_cross_site(scope, self._origin)
            elif principal.key_scope.endpoints is not None and not _is_public(scope):
                require_endpoint(principal, endpoint_of(path))
        scope["user"] = principal
        trail = TRAIL.get()
        if trail is not None:
            trail.caller = principal
        if principal is None:
            await next_app(scope, receive, send)
            return
        lease = self._access.leases.begin(principal, sure=known is not None)
        try:
            await next_app(scope, receive, send)
        except asyncio.CancelledError:
            lease.explain()
            raise
        finally:
            self._access.leases.close(lease)

    async def _ask(self, scope: Scope, credential: Credential) -> Principal | None:
        try:
            return await self._access.caller(credential)
        except NotAuthenticated:
            if credential.way == "session" and _is_public(scope):
                return None  # a stale cookie must not keep anybody from the page on which to log in again
            raise


def require_endpoint(principal: Principal, endpoint: str) -> None:
    """Raises OutsideKeyScope."""
    if not principal.key_scope.may_call(endpoint):
        raise OutsideKeyScope(f"This key may not call '{endpoint}'.")


def require_model(principal: Principal, model_id: str) -> None:
    """Raises OutsideKeyScope. The answer is the same for a model that does not exist."""
    if not principal.key_scope.may_use_model(model_id):
        raise OutsideKeyScope(f"This key may not use the model '{model_id}'.")


def require_assistant(principal: Principal, assistant_id: str) -> None:
    """Raises OutsideKeyScope. The answer is the same for an assistant that does not exist."""
    if not principal.key_scope.may_use_assistant(assistant_id):
        raise OutsideKeyScope(f"This key may not use the assistant '{assistant_id}'.")


def _caller(connection: Connection) -> Principal:
    """Raises NotAuthenticated."""
    principal = connection.scope.get("user")
    if not isinstance(principal, Principal):
        raise NotAuthenticated("This needs a login.")
    return principal


def _is_public(scope: Scope) -> bool:
    return bool(scope["route_handler"].opt.get("public"))


def _refuse_cross_site(scope: Scope, public_origin: bytes | None) -> None:
    """With a cookie, only the appliance's own pages may change anything. Raises CrossSiteRequest."""
    if scope.get("method") in SAFE_METHODS:
        return
    headers: dict[bytes, set[bytes]] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name, set()).add(value)
    if headers.get(b"x-requested-with") != {b"appliance"}:
        raise CrossSiteRequest("The request does not say that it comes from the appliance's own page.")
    host = next(iter(headers.get(b"host", {b""})))
    own = public_origin or str(scope["scheme"]).encode() + b"://" + host
    if headers.get(b"origin") != {own}:  # browsers send it with each such request; programs have keys
        raise CrossSiteRequest("The request comes from another site.")
