"""Which identity provider is trusted, and how far."""

import ipaddress
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from appliance.identity.oidc.errors import OidcMisconfigured

NO_GROUPS: frozenset[str] = frozenset()
LONGEST_LEEWAY_S = 30


@dataclass(frozen=True, slots=True)
class OidcSettings:
    issuer: str
    """Exactly as the provider writes it in its tokens."""
    client_id: str
    client_secret: str = field(default="", repr=False)
    audience: str = ""
    """What access tokens must be for. Empty: the client id."""
    allowed_azp: frozenset[str] = NO_GROUPS
    """Clients whose access tokens are taken. Empty: only the client id."""
    groups_claim: str = "groups"
    roles_claim: str = "realm_access.roles"
    admitted_groups: frozenset[str] = NO_GROUPS
    """Members of these, and of groups inside them, become accounts. Empty: nobody does by a login."""
    role_groups: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    """Role of ours → groups whose members have it."""
    strict_groups: bool = False
    """Whether leaving a group at the provider takes the person out of it here."""
    untyped_access_tokens: bool = False
    """Take access tokens that do not say that they are some; the audience alone tells them from ID tokens then."""
    leeway_s: int = LONGEST_LEEWAY_S
    step_up_acr: str = ""
    """What `acr` must be for what needs a fresh proof. Empty: nothing does."""
    ca_file: Path | None = None
    """Who signed the provider's certificate. None: the machine's authorities."""
    timeout_s: float = 5.0

    @property
    def wanted_audience(self) -> str:
        return self.audience or self.client_id

    @property
    def clients(self) -> frozenset[str]:
        """Whose access tokens are taken."""
        return self.allowed_azp or frozenset({self.client_id})

    def checked(self) -> "OidcSettings":
        """Itself, when it can be used safely. Raises OidcMisconfigured."""
        check_address("identity.oidc.issuer", self.issuer)
        if urlsplit(self.issuer).query or urlsplit(self.issuer).fragment:
            raise OidcMisconfigured("identity.oidc.issuer has a query or a fragment, which no issuer has.")
        if not self.client_id or self.client_id.split() != [self.client_id]:
            raise OidcMisconfigured("identity.oidc.client_id is empty or has spaces.")
        if any("*" in client or client.split() != [client] for client in self.allowed_azp):
            raise OidcMisconfigured("identity.oidc.allowed_azp names a client with '*' or spaces: list each by its id.")
        if not self.groups_claim or not self.roles_claim:
            raise OidcMisconfigured("identity.oidc.groups_claim and roles_claim must name a claim.")
        if self.untyped_access_tokens and self.wanted_audience == self.client_id:
            raise OidcMisconfigured(
                "identity.oidc.untyped_access_tokens needs an audience that is not the client id: "
                "nothing else would tell an access token from an ID token."
            )
        if not 0 <= self.leeway_s <= LONGEST_LEEWAY_S:
            raise OidcMisconfigured(f"identity.oidc.leeway_s must be 0 to {LONGEST_LEEWAY_S}.")
        self.tls()
        return self

    def tls(self) -> ssl.SSLContext:
        """By which the provider's certificate is checked. Raises OidcMisconfigured."""
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ValueError) as error:
            raise OidcMisconfigured(
                f"identity.oidc.ca_file: {self.ca_file} cannot be read: {type(error).__name__}.",
                remedy="Name a file with certificates in PEM.",
            ) from error
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context


def check_address(name: str, url: str) -> None:
    """Raises OidcMisconfigured unless it is an https address, or an http one of this machine."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise OidcMisconfigured(f"{name} is no address: {error}.") from error
    if not host or any(c.isspace() or not c.isprintable() for c in url):
        raise OidcMisconfigured(f"{name} is no address: give it as https://host/path.")
    if parts.username is not None or parts.password is not None:
        raise OidcMisconfigured(f"{name} holds a user name or a password; addresses are logged, so it must not.")
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)):
        return
    raise OidcMisconfigured(
        f"{name} is not https: whoever is on the way could hand out tokens. Plain http is for this machine only."
    )


def is_loopback(host: str) -> bool:
    """Whether packets to it stay on this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
