"""What a good token says, in our types."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from appliance.identity.directory import ExternalIdentity
from appliance.identity.oidc.settings import OidcSettings

MOST_NAMES = 10_000
"""Groups or roles of one token; a token of the largest size that is taken holds fewer."""
LONGEST_TEXT = 320
"""Characters of a name or an address."""


@dataclass(frozen=True, slots=True)
class Claims:
    """Of an access or ID token whose signature, issuer, audience, client and times were checked."""

    issuer: str
    subject: str
    kind: Literal["access", "id"]
    email: str | None
    email_verified: bool
    name: str
    groups: frozenset[str]
    roles: frozenset[str]
    azp: str
    """The client that the token was made for."""
    acr: str
    auth_time: int | None
    """Seconds since 1970; when the person last proved who they are."""
    sid: str
    issued_at: int
    expires_at: int
    """Seconds since 1970, without leeway."""
    is_service: bool
    """Whether a program got it for itself (client credentials)."""
    raw: Mapping[str, object] = field(repr=False)

    def identity(self) -> ExternalIdentity:
        """Who it is, for the directory."""
        return ExternalIdentity(
            issuer=self.issuer,
            subject=self.subject,
            email=self.email,
            email_verified=self.email_verified,
            name=self.name,
            groups=self.groups,
            roles=self.roles,
            kind="service" if self.is_service else "person",
            issued_at=datetime.fromtimestamp(self.issued_at, UTC),
        )


@dataclass(frozen=True, slots=True)
class LogoutClaims:
    """Of a back-channel logout token: `sid`, `subject`, or both say whose sessions are over."""

    issuer: str
    subject: str | None
    sid: str | None
    jti: str
    issued_at: int
    expires_at: int


def read_claims(raw: Mapping[str, object], kind: Literal["access", "id"], settings: OidcSettings) -> Claims:
    """Take what is used out of checked claims: `iss`, `sub`, `iat`, `exp` are there and have the right types.

    A claim that decides about nothing and has a wrong type counts as absent; one that decides must have been checked.
    """
    azp = client_of(raw)
    auth_time = raw.get("auth_time")
    return Claims(
        issuer=str(raw["iss"]),
        subject=str(raw["sub"]),
        kind=kind,
        email=text(raw, "email") or None,
        email_verified=raw.get("email_verified") is True,
        name=(text(raw, "name") or text(raw, "preferred_username") or text(raw, "email") or str(raw["sub"])).strip(),
        groups=names(found(raw, settings.groups_claim)),
        roles=names(found(raw, settings.roles_claim)),
        azp=azp,
        acr=text(raw, "acr"),
        auth_time=auth_time if type(auth_time) is int else None,
        sid=text(raw, "sid"),
        issued_at=whole(raw["iat"]),
        expires_at=whole(raw["exp"]),
        is_service=is_service(raw, azp),
        raw=raw,
    )


def client_of(raw: Mapping[str, object]) -> str:
    """`azp` as OpenID Connect has it, else `client_id` as RFC 9068 has it; empty when there is none."""
    return text(raw, "azp") or text(raw, "client_id")


def is_service(raw: Mapping[str, object], azp: str) -> bool:
    """Whether the client itself is the subject. A person's user name alone can never make them a program."""
    own = f"service-account-{azp}".lower()
    named = text(raw, "client_id") == azp and text(raw, "preferred_username").lower() == own
    return bool(azp) and (raw.get("sub") == azp or named or raw.get("idtyp") == "app")


def found(raw: Mapping[str, object], name: str) -> object:
    """A claim by its whole name, else by a dotted path into objects; None when there is none."""
    if name in raw:
        return raw[name]
    value: object = raw
    for part in name.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


def names(value: object) -> frozenset[str]:
    """A list of names; anything else, also one that is not a list of text, is none."""
    if not isinstance(value, Iterable) or isinstance(value, str | Mapping):
        return frozenset()
    listed = list(value)
    if len(listed) > MOST_NAMES or not all(isinstance(n, str) and n for n in listed):
        return frozenset()
    return frozenset(listed)


def text(raw: Mapping[str, object], name: str) -> str:
    """A claim, exactly as it stands, that is printable text of a bearable length; else empty."""
    value = raw.get(name)
    if not isinstance(value, str) or len(value) > LONGEST_TEXT or not value.isprintable():
        return ""
    return value


def whole(value: object) -> int:
    """An integer that was checked to be one."""
    if type(value) is not int:
        raise TypeError("not a whole number")
    return value
