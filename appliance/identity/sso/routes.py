"""What a browser and the provider call. What goes wrong in a browser becomes a page, never an error body."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import parse_qs, urlencode

import structlog
from litestar import Controller, Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.params import QueryParameter

from appliance.edge import reads_own_body
from appliance.edge.bodies import read_body
from appliance.foundation import InvalidInput, NotAllowed
from appliance.identity.guards import public
from appliance.identity.oidc import ProviderUnavailable
from appliance.identity.settings import IdentitySettings
from appliance.identity.sso.errors import LoginRefused, SignOnOff
from appliance.identity.sso.redirects import own_path
from appliance.identity.values import Principal

if TYPE_CHECKING:
    from appliance.identity.sso.parts import SsoParts

log = structlog.get_logger(__name__)

Call = Request[Principal | None, Any, Any]

LARGEST_LOGOUT_BYTES = 32 * 1024
FORM = "application/x-www-form-urlencoded"
NOT_KEPT = {"cache-control": "no-store", "pragma": "no-cache"}


class SsoController(Controller):
    path = "/auth"

    @get("/oidc/login", opt=public(), status_code=303)
    async def begin(
        self,
        request: Call,
        sso: Any,
        identity_settings: IdentitySettings,
        next_path: Annotated[str, QueryParameter(name="next")] = "",
        step_up: bool = False,
    ) -> Response[None]:
        """Send the browser to the identity provider; `next` is the page to come back to, one of our own."""
        parts = _parts(sso)
        try:
            begun = await parts.service.begin(next_path, request.cookies, step_up=step_up)
        except ProviderUnavailable as error:
            log.warning("nobody can log in", reason=error.message)
            return _page("unavailable", next_path)
        kept = Cookie(
            key=begun.cookie,
            value=begun.value,
            path="/",
            httponly=True,
            secure=identity_settings.secure_cookie,
            samesite="lax",
            max_age=600,
        )
        return _go(begun.url, [kept], begun.drop, secure=identity_settings.secure_cookie)

    @get("/oidc/callback", opt=public(), status_code=303)
    async def finish(self, request: Call, sso: Any, identity_settings: IdentitySettings) -> Response[None]:
        """Take the answer of the identity provider, and open a session."""
        from appliance.identity.sso.service import Answer  # noqa: PLC0415 - loads an HTTP client

        parts = _parts(sso)
        given = Answer(*(_one(request, name) for name in ("state", "code", "iss", "error")))
        present = request.cookies.get(identity_settings.cookie_name)
        try:
            done = await parts.service.finish(given, request.cookies, present)
        except ProviderUnavailable as failure:
            log.warning("nobody can log in", reason=failure.message)
            return _page("unavailable", "")
        except LoginRefused as refused:
            log.warning("a login was refused", reason=refused.reason)
            return _page("refused", "")
        except NotAllowed as refused:
            log.info("somebody was not let in", reason=refused.code)
            return _page(refused.code, "")
        cookie = Cookie(
            key=identity_settings.cookie_name,
            value=done.token,
            path="/",
            httponly=True,
            secure=identity_settings.secure_cookie,
            samesite="lax",
            max_age=int(identity_settings.session_longest.total_seconds()),
        )
        return _go(done.next, [cookie], [done.drop], secure=identity_settings.secure_cookie)

    @post("/oidc/backchannel", opt={**public(), **reads_own_body()}, status_code=200)
    async def backchannel(self, request: Call, sso: Any) -> Response[None]:
        """The identity provider says that a session is over."""
        parts = _parts(sso)
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
            raise InvalidInput("A logout token comes in a form.", remedy=f"Send it as {FORM}.")
        body = await read_body(request.receive, LARGEST_LOGOUT_BYTES)
        try:
            fields = parse_qs(body.decode("ascii"), strict_parsing=True, max_num_fields=10)
        except ValueError as error:
            raise InvalidInput("The form cannot be read.") from error
        tokens = fields.get("logout_token", [])
        if len(tokens) != 1:
            raise InvalidInput("The form has no logout token, or several.")
        await parts.backchannel.log_out(tokens[0])
        return Response(None, headers=NOT_KEPT)


def _one(request: Call, name: str) -> str:
    """A field of the address; empty when it is not there, or there twice: two would be decided by the order."""
    values = request.query_params.getall(name, [])
    return values[0] if len(values) == 1 else ""


def _parts(sso: Any) -> "SsoParts":
    """Raises SignOnOff."""
    if sso is None:
        raise SignOnOff("Single sign-on is not switched on here.")
    found: SsoParts = sso
    return found


def _page(problem: str, next_path: str) -> Response[None]:
    """The login page says what is wrong, and offers to try again."""
    return _go("/login?" + urlencode({"problem": problem, "next": own_path(next_path)}), [], [], secure=False)


def _go(to: str, cookies: Sequence[Cookie], drop: Sequence[str], *, secure: bool) -> Response[None]:
    reply: Response[None] = Response(None, status_code=303, headers={"location": to, **NOT_KEPT}, cookies=list(cookies))
    for name in drop:
        reply.set_cookie(Cookie(key=name, value="", path="/", max_age=0, httponly=True, secure=secure, samesite="lax"))
    return reply
