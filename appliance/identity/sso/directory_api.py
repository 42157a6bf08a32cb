"""A Keycloak realm as its administration shows it to a client that may read: events, people, programs, groups."""

import time
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, urlencode

import structlog

from appliance.identity.directory import ExternalIdentity
from appliance.identity.oidc.errors import ProviderUnavailable
from appliance.identity.oidc.provider import Provider
from appliance.identity.sso.settings import SsoSettings

log = structlog.get_logger(__name__)

KINDS = ("USER", "GROUP", "GROUP_MEMBERSHIP", "CLIENT")
PAGE = 100
OK, FORBIDDEN = 200, 403
MOST_GROUPS = 2000
EARLY_S = 10.0
"""A token is renewed so long before its end."""
REALMS = "/realms/"
PROGRAM = "service-account-"
"""Begins the user name of a client's own account; the client's id follows."""


@dataclass(frozen=True, slots=True)
class Happened:
    """Something about people, groups or programs changed in the realm."""

    at_ms: int
    subject: str
    """Whom it is about; empty when it is about a group, and so about all its members, or about a program's client."""
    about: Literal["account", "group", "client"]


class DirectoryApi:
    """Every call raises ProviderUnavailable when the realm does not answer, or refuses."""

    def __init__(self, settings: SsoSettings, provider: Provider) -> None:
        self._settings = settings
        self._provider = provider
        self._token = ""
        self._token_until = 0.0
        self._admin = provider.settings.issuer.replace(REALMS, "/admin" + REALMS, 1)

    async def events(self, since_ms: int) -> list[Happened]:
        """What happened at `since_ms` or later, oldest first."""
        found: list[Happened] = []
        while True:
            asked = [("resourceTypes", kind) for kind in KINDS]
            asked += [("dateFrom", str(since_ms)), ("first", str(len(found))), ("max", str(PAGE))]
            page = await self._get("/admin-events?" + urlencode([*asked, ("direction", "asc")]))
            if not isinstance(page, list):
                raise ProviderUnavailable("The realm's events are no list.")
            found += [_happened(event) for event in page if isinstance(event, dict)]
            if len(page) < PAGE:
                return sorted(found, key=lambda h: h.at_ms)

    async def person(self, subject: str) -> ExternalIdentity | None:
        """Somebody as a login would bring them; None when they are gone or shut."""
        path = f"/users/{quote(subject, safe='')}"
        user = await self._get(path, absent_is_none=True)
        if not isinstance(user, dict) or user.get("enabled") is not True:
            return None
        name = " ".join(str(user[part]) for part in ("firstName", "lastName") if user.get(part))
        return ExternalIdentity(
            issuer=self._provider.settings.issuer,
            subject=subject,
            email=str(user["email"]) if user.get("email") else None,
            email_verified=user.get("emailVerified") is True,
            name=name or str(user.get("username", subject)),
            groups=await self._groups(path),
        )

    async def program(self, subject: str) -> ExternalIdentity | None:
        """A program as its own token would bring it; None when it or its client is gone or shut."""
        path = f"/users/{quote(subject, safe='')}"
        user = await self._get(path, absent_is_none=True)
        if not isinstance(user, dict) or user.get("enabled") is not True:
            return None
        username = str(user.get("username", ""))
        if username.startswith(PROGRAM) and not await self._is_open(username.removeprefix(PROGRAM)):
            return None
        return ExternalIdentity(
            issuer=self._provider.settings.issuer,
            subject=subject,
            email=None,
            email_verified=False,
            name=username or subject,
            groups=await self._groups(path),
            kind="service",
        )

    async def _groups(self, path: str) -> frozenset[str]:
        groups = await self._get(f"{path}/groups?briefRepresentation=true&max={MOST_GROUPS}")
        if not isinstance(groups, list):
            raise ProviderUnavailable("The realm's groups are no list.")
        return frozenset(str(g["path"]) for g in groups if isinstance(g, dict) and g.get("path"))

    async def _is_open(self, client_id: str) -> bool:
        """Whether a client may get tokens for itself. Not known without the right `view-clients`: then it may."""
        address = f"{self._admin}/clients?{urlencode({'clientId': client_id})}"
        status, found = await self._provider.fetch.get_as(address, await self._bearer())
        if status == FORBIDDEN:
            log.warning("clients of the realm cannot be seen", remedy="run 'appliance identity bootstrap' once more")
            return True
        if status != OK or not isinstance(found, list):
            raise ProviderUnavailable(f"The realm's administration answers with {status}.")
        return any(
            c.get("enabled") is True and c.get("serviceAccountsEnabled") is True for c in found if isinstance(c, dict)
        )

    async def _get(self, path: str, *, absent_is_none: bool = False) -> object:
        status, value = await self._provider.fetch.get_as(self._admin + path, await self._bearer())
        if status == 404 and absent_is_none:
            return None
        if status == 401:
            self._token_until = 0.0
        if status != 200:
            raise ProviderUnavailable(f"The realm's administration answers with {status}.")
        return value

    async def _bearer(self) -> str:
        if time.monotonic() >= self._token_until:
            address = (await self._provider.metadata()).token_endpoint
            basic = (self._settings.directory_client, self._settings.directory_secret)
            form = {"grant_type": "client_credentials"}
            status, body = await self._provider.fetch.post_form(address, form, basic=basic)
            token, lifetime = body.get("access_token"), body.get("expires_in")
            if status != 200 or not isinstance(token, str) or not isinstance(lifetime, int):
                raise ProviderUnavailable(f"The client that follows the realm gets no token ({status}).")
            self._token, self._token_until = token, time.monotonic() + lifetime - EARLY_S
        return self._token


def _happened(event: dict[str, object]) -> Happened:
    at, path = event.get("time"), str(event.get("resourcePath", ""))
    parts = path.split("/")
    at_ms, named = at if isinstance(at, int) else 0, parts[1] if len(parts) > 1 else ""
    if parts[0] == "users" and named:
        return Happened(at_ms, named, "account")
    return Happened(at_ms, "", "client" if parts[0] == "clients" else "group")
