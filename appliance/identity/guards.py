"""The door: who is calling is decided once per request, and every route declares whom it lets in.

A route carries one of the guards below, or `opt={"public": True}`; a test walks all routes and fails on any other.
"""

from typing import Any

from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.handlers import BaseRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from appliance.foundation import NotAllowed, NotAuthenticated
from appliance.identity.access import Access
from appliance.identity.errors import CredentialsMixed, CrossSiteRequest
from appliance.identity.settings import IdentitySettings
from appliance.identity.values import Principal

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

Connection = ASGIConnection[Any, Principal | None, Any, Any]


def public() -> dict[str, Any]:
    """`opt` of a route that anybody may call."""
    return {"public": True}


def requires_login(connection: Connection, _: BaseRouteHandler) -> None:
    """Let in everybody with an account. Raises NotAuthenticated."""
    if connection.scope.get("user") is None:
        raise NotAuthenticated("This needs a login.")


def requires_administrator(connection: Connection, handler: BaseRouteHandler) -> None:
    """Let in administrators. Raises NotAuthenticated or NotAllowed."""
    requires_login(connection, handler)
    principal = connection.scope["user"]
    if not isinstance(principal, Principal) or not principal.is_administrator:
        raise NotAllowed("This is for administrators.")


def requires_session(connection: Connection, handler: BaseRouteHandler) -> None:
    """Let in people in a browser, not programs with a key. Raises NotAuthenticated or NotAllowed."""
    requires_login(connection, handler)
    principal = connection.scope["user"]
    if not isinstance(principal, Principal) or principal.via == "api_key":
        raise NotAllowed("An API key cannot do this.", remedy="Log in with your password.")


class Authentication(ASGIMiddleware):
    """Puts the `Principal` (or None) into the scope. A bad key is refused even where none is needed."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, access: Access, settings: IdentitySettings, *, public_origin: str | None) -> None:
        self._access = access
        self._settings = settings
        self._origin = public_origin

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        scope["user"] = await self._caller(ASGIConnection(scope))
        await next_app(scope, receive, send)

    async def _caller(self, connection: Connection) -> Principal | None:
        bearer = connection.headers.get("authorization")
        token = connection.cookies.get(self._settings.cookie_name)
        if bearer is not None and token is not None:
            raise CredentialsMixed("The request has a session cookie and an Authorization header.")
        if bearer is not None:
            scheme, _, value = bearer.partition(" ")
            if scheme.lower() != "bearer" or not value.strip():
                raise NotAuthenticated("The Authorization header is not 'Bearer <key>'.")
            return await self._access.by_bearer(value.strip())
        if token is None:
            return None
        try:
            principal = await self._access.by_session(token)
        except NotAuthenticated:
            if connection.route_handler.opt.get("public"):
                return None  # a stale cookie must not keep anybody from the page on which to log in again
            raise
        self._refuse_cross_site(connection)
        return principal

    def _refuse_cross_site(self, connection: Connection) -> None:
        if connection.scope.get("method") in SAFE_METHODS:
            return
        if connection.headers.get("x-requested-with") != "appliance":
            raise CrossSiteRequest("The request does not say that it comes from the appliance's own page.")
        origin = connection.headers.get("origin")
        own = self._origin or f"{connection.scope['scheme']}://{connection.headers.get('host', '')}"
        if origin is not None and origin != own:
            raise CrossSiteRequest("The request comes from another site.")
