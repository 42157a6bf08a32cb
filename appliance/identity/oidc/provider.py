"""What the identity provider says about itself: read once from its well-known document, then kept."""

import asyncio
from dataclasses import dataclass

from appliance.identity.oidc.errors import OidcMisconfigured, ProviderUnavailable
from appliance.identity.oidc.fetch import Fetch
from appliance.identity.oidc.settings import OidcSettings, check_address

WELL_KNOWN = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class Metadata:
    """Addresses of the provider; empty where it offers none."""

    issuer: str
    jwks_uri: str
    authorization_endpoint: str = ""
    token_endpoint: str = ""
    end_session_endpoint: str = ""
    introspection_endpoint: str = ""
    revocation_endpoint: str = ""
    userinfo_endpoint: str = ""
    algorithms: frozenset[str] = frozenset()
    """With which it signs ID tokens, as it says."""
    pkce_methods: frozenset[str] = frozenset()
    backchannel_logout: bool = False
    names_itself: bool = False
    """Whether it says in each answer to a login who it is (RFC 9207)."""


class Provider:
    """The configured one. Once its description was read, it is kept whatever happens to the provider."""

    def __init__(self, settings: OidcSettings, fetch: Fetch) -> None:
        self.settings = settings
        self.fetch = fetch
        self._metadata: Metadata | None = None
        self._reading = asyncio.Lock()

    async def metadata(self) -> Metadata:
        """Its addresses.

        Raises:
            ProviderUnavailable: it was never read and cannot be, is about another issuer, or has an unsafe address.
        """
        if self._metadata is None:
            async with self._reading:
                if self._metadata is None:
                    address = self.settings.issuer.rstrip("/") + WELL_KNOWN
                    self._metadata = read_metadata(self.settings.issuer, await self.fetch.get_json(address))
        return self._metadata


def read_metadata(issuer: str, document: dict[str, object]) -> Metadata:
    """Take the addresses out of a well-known document. Raises ProviderUnavailable."""
    if document.get("issuer") != issuer:
        raise ProviderUnavailable(
            f"The identity provider calls itself {document.get('issuer')!r}, and identity.oidc.issuer is {issuer!r}.",
            remedy="Write the issuer exactly as the provider does, also its last slash.",
        )
    made = Metadata(
        issuer=issuer,
        jwks_uri=_address(document, "jwks_uri"),
        authorization_endpoint=_address(document, "authorization_endpoint"),
        token_endpoint=_address(document, "token_endpoint"),
        end_session_endpoint=_address(document, "end_session_endpoint"),
        introspection_endpoint=_address(document, "introspection_endpoint"),
        revocation_endpoint=_address(document, "revocation_endpoint"),
        userinfo_endpoint=_address(document, "userinfo_endpoint"),
        algorithms=_names(document.get("id_token_signing_alg_values_supported")),
        pkce_methods=_names(document.get("code_challenge_methods_supported")),
        backchannel_logout=document.get("backchannel_logout_supported") is True,
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
    )
    if not made.jwks_uri:
        raise ProviderUnavailable("The identity provider does not say where its keys are (jwks_uri).")
    return made


def _address(document: dict[str, object], name: str) -> str:
    value = document.get(name, "")
    if not value:
        return ""
    try:
        check_address(name, value if isinstance(value, str) else "")
    except OidcMisconfigured as error:
        raise ProviderUnavailable(f"The identity provider's description cannot be used: {error.message}") from error
    return str(value)


def _names(value: object) -> frozenset[str]:
    return frozenset(n for n in value if isinstance(n, str)) if isinstance(value, list) else frozenset()
