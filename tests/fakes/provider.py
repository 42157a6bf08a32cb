"""A stand-in for an identity provider, for tests that are not about Keycloak. It lies and fails as it is told.

`FakeProvider.mint` makes honest tokens; `tests/fakes/forge.py` makes the others with the same keys. The browser's part
(`/authorize`) asks nobody: whoever `signs_in` names comes back with a code.
"""

import asyncio
import base64
import hashlib
import json
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus, urlencode

from aiohttp import web

from tests.fakes.forge import SigningKey, base64url, signed

CLIENT, SECRET = "appliance", "the appliance's own secret"
BACKCHANNEL_EVENT = "http://schemas.openid.net/event/backchannel-logout"


@dataclass
class FakeUser:
    subject: str
    username: str
    groups: tuple[str, ...] = ("/staff",)
    roles: tuple[str, ...] = ()
    email: str = ""
    email_verified: bool = True
    enabled: bool = True

    def claims(self) -> dict[str, Any]:
        return {
            "sub": self.subject,
            "preferred_username": self.username,
            "name": self.username.title(),
            "email": self.email or f"{self.username}@firm.test",
            "email_verified": self.email_verified,
            "groups": list(self.groups),
            "realm_access": {"roles": list(self.roles)},
        }


@dataclass
class Code:
    """Of one login: what the token call must bring again."""

    user: FakeUser
    client: str
    redirect_uri: str
    nonce: str
    challenge: str
    sid: str
    acr: str


@dataclass
class FakeProvider:
    """Its knobs and what it saw."""

    keys: list[SigningKey] = field(default_factory=lambda: [SigningKey.made("first")])
    """Published; the last one signs."""
    users: dict[str, FakeUser] = field(default_factory=dict)
    """By user name."""
    clients: dict[str, str] = field(default_factory=lambda: {CLIENT: SECRET, "program": "the program's secret"})
    signs_in: str = ""
    """User name of whoever stands before `/authorize`."""
    acr: str = "1"
    lifetime_s: int = 300
    fault: str = ""
    """`hang`, `500`, `garbage`, `redirect`, `empty`, `huge`: what every address does instead; empty: it works."""
    slow_s: float = 0.0
    """How long every answer takes."""
    issuer_claimed: str = ""
    """What the well-known document says instead of the truth."""
    asked: dict[str, int] = field(default_factory=dict)
    """Calls by path."""
    codes: dict[str, Code] = field(default_factory=dict)
    refreshes: dict[str, tuple[Code, bool]] = field(default_factory=dict)
    """Refresh token → its login, and whether it was used already."""
    ended: set[str] = field(default_factory=set)
    """Ids of sessions that are over."""
    url: str = ""

    @property
    def issuer(self) -> str:
        return f"{self.url}/realms/firm"

    @property
    def key(self) -> SigningKey:
        return self.keys[-1]

    def user(self, name: str, **facts: Any) -> FakeUser:
        """Make one, or another one of this name."""
        self.users[name] = FakeUser(subject=f"sub-{name}", username=name, **facts)
        return self.users[name]

    def rotate(self, key: SigningKey | None = None, *, keep: bool = False) -> SigningKey:
        """Sign with a new key; the old ones stay published or not."""
        made = key or SigningKey.made(f"key-{secrets.token_hex(4)}")
        self.keys = [*self.keys, made] if keep else [made]
        return made

    def access_claims(self, user: FakeUser, **other: Any) -> dict[str, Any]:
        """As Keycloak has them. A value of None takes a claim away."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": [CLIENT, "account"],
            "azp": CLIENT,
            "typ": "Bearer",
            "iat": now,
            "exp": now + self.lifetime_s,
            "jti": secrets.token_hex(8),
            "sid": "session-of-" + user.username,
            "acr": self.acr,
            "scope": "openid profile email",
            **user.claims(),
            **other,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def header(self, **other: Any) -> dict[str, Any]:
        return {"alg": self.key.algorithm, "typ": "JWT", "kid": self.key.kid, **other}

    def mint(self, user: FakeUser, **other: Any) -> str:
        """An honest access token, but for the claims that are given."""
        return signed(self.header(), self.access_claims(user, **other), self.key)

    def id_token(self, user: FakeUser, nonce: str, **other: Any) -> str:
        told = {"typ": "ID", "aud": CLIENT, "nonce": nonce, "auth_time": int(time.time()), **other}
        claims = self.access_claims(user, **told)
        return signed(self.header(), claims, self.key)

    def logout_token(self, user: FakeUser, **other: Any) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 120,
            "jti": secrets.token_hex(8),
            "sub": user.subject,
            "sid": "session-of-" + user.username,
            "typ": "Logout",
            "events": {BACKCHANNEL_EVENT: {}},
            **other,
        }
        return signed(self.header(), {k: v for k, v in claims.items() if v is not None}, self.key)

    def service_user(self, client: str) -> FakeUser:
        """The account that Keycloak has for a client of its own."""
        name = f"service-account-{client}"
        return self.users.get(name) or self.user(name, groups=())

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self._faulty])
        below = "/realms/firm"
        app.router.add_get(below + "/.well-known/openid-configuration", self._well_known)
        app.router.add_get(below + "/certs", self._certs)
        app.router.add_get(below + "/auth", self._authorize)
        app.router.add_post(below + "/token", self._token)
        app.router.add_get(below + "/logout", self._logout)
        app.router.add_post(below + "/logout", self._logout_from_behind)
        app.router.add_post(below + "/introspect", self._introspect)
        return app

    @web.middleware
    async def _faulty(self, request: web.Request, handler: Any) -> web.StreamResponse:
        last = request.path.rpartition("/")[2]
        self.asked[last] = self.asked.get(last, 0) + 1
        await asyncio.sleep(self.slow_s)
        match self.fault:
            case "hang":
                await asyncio.sleep(3600)
            case "500":
                return web.Response(status=500, text="broken")
            case "garbage":
                return web.Response(body=b'{"keys": [{"kty": "RSA", \xff', content_type="application/json")
            case "redirect":
                return web.Response(status=302, headers={"location": self.issuer + "/certs"})
            case "empty":
                return web.json_response({"keys": []})
            case "huge":
                return web.Response(body=b" " * 4_000_000, content_type="application/json")
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _well_known(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": self.issuer_claimed or self.issuer,
                "jwks_uri": self.issuer + "/certs",
                "authorization_endpoint": self.issuer + "/auth",
                "token_endpoint": self.issuer + "/token",
                "end_session_endpoint": self.issuer + "/logout",
                "introspection_endpoint": self.issuer + "/introspect",
                "id_token_signing_alg_values_supported": ["RS256", "ES256", "PS256"],
                "code_challenge_methods_supported": ["S256"],
                "backchannel_logout_supported": True,
                "backchannel_logout_session_supported": True,
            }
        )

    async def _certs(self, _: web.Request) -> web.Response:
        return web.json_response({"keys": [key.jwk() for key in self.keys]})

    async def _authorize(self, request: web.Request) -> web.Response:
        """Whoever `signs_in` names agrees at once."""
        given = request.query
        code = secrets.token_urlsafe(16)
        self.codes[code] = Code(
            self.users[self.signs_in],
            given["client_id"],
            given["redirect_uri"],
            given.get("nonce", ""),
            given.get("code_challenge", ""),
            secrets.token_hex(8),
            given.get("acr_values", self.acr),
        )
        back = urlencode({"code": code, "state": given.get("state", ""), "iss": self.issuer})
        return web.Response(status=302, headers={"location": f"{given['redirect_uri']}?{back}"})

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        client = self._client(request, {k: str(v) for k, v in form.items()})
        if client is None:
            return web.json_response({"error": "unauthorized_client"}, status=401)
        fields = {name: str(value) for name, value in form.items()}
        match form.get("grant_type"):
            case "client_credentials":
                return self._program(client)
            case "authorization_code":
                code = self._redeemed(client, fields)
            case "refresh_token":
                code = self._renewed(fields.get("refresh_token", ""))
            case _:
                return web.json_response({"error": "unsupported_grant_type"}, status=400)
        return web.json_response({"error": "invalid_grant"}, status=400) if code is None else self._tokens(code)

    def _program(self, client: str) -> web.Response:
        token = self.mint(self.service_user(client), azp=client, client_id=client, sid=None, aud=[CLIENT])
        return web.json_response({"access_token": token, "token_type": "Bearer", "expires_in": self.lifetime_s})

    def _redeemed(self, client: str, form: dict[str, str]) -> Code | None:
        code = self.codes.pop(form.get("code", ""), None)
        digest = base64url(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if code is None or code.client != client or code.redirect_uri != form.get("redirect_uri"):
            return None
        return code if not code.challenge or secrets.compare_digest(code.challenge, digest) else None

    def _renewed(self, token: str) -> Code | None:
        code, used = self.refreshes.get(token, (None, True))
        if code is None or used or code.sid in self.ended or not code.user.enabled:
            return None
        self.refreshes[token] = (code, True)
        return code

    def _tokens(self, code: Code) -> web.Response:
        refresh = secrets.token_urlsafe(24)
        self.refreshes[refresh] = (code, False)
        return web.json_response(
            {
                "access_token": self.mint(code.user, sid=code.sid, acr=code.acr),
                "id_token": self.id_token(code.user, code.nonce, sid=code.sid, acr=code.acr),
                "refresh_token": refresh,
                "token_type": "Bearer",
                "expires_in": self.lifetime_s,
                "refresh_expires_in": 1800,
            }
        )

    def _client(self, request: web.Request, form: dict[str, str]) -> str | None:
        given = form.get("client_id", ""), form.get("client_secret", "")
        scheme, _, basic = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            name, _, secret = base64.b64decode(basic).decode().partition(":")
            given = unquote_plus(name), unquote_plus(secret)
        known = self.clients.get(given[0])
        return given[0] if known is not None and secrets.compare_digest(known, given[1]) else None

    async def _logout(self, request: web.Request) -> web.Response:
        back = request.query.get("post_logout_redirect_uri", "")
        return web.Response(status=302, headers={"location": back}) if back else web.Response(text="You are out.")

    async def _logout_from_behind(self, request: web.Request) -> web.Response:
        """As Keycloak does it: a client ends a session by the refresh token that it has of it."""
        form = {k: str(v) for k, v in (await request.post()).items()}
        code, _ = self.refreshes.get(form.get("refresh_token", ""), (None, True))
        if self._client(request, form) is None or code is None:
            return web.json_response({"error": "invalid_request"}, status=400)
        self.ended.add(code.sid)
        return web.Response(status=204)

    async def _introspect(self, request: web.Request) -> web.Response:
        form = {k: str(v) for k, v in (await request.post()).items()}
        if self._client(request, form) is None:
            return web.json_response({"error": "invalid_client"}, status=401)
        if form.get("token", "").count(".") != 2:
            return web.json_response({"active": False})
        payload = form["token"].split(".")[1]
        told = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        user = next((u for u in self.users.values() if u.subject == told.get("sub")), None)
        active = user is not None and user.enabled and told.get("sid") not in self.ended
        return web.json_response({**told, "active": True} if active else {"active": False})


@asynccontextmanager
async def providing(provider: FakeProvider, port: int = 0) -> AsyncIterator[FakeProvider]:
    """Listen on the loopback address while the block runs."""
    runner = web.AppRunner(provider.application(), handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    provider.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield provider
    finally:
        await runner.cleanup()
