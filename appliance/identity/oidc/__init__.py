"""Tokens of an identity provider: Keycloak, or any that keeps to OpenID Connect.

1. `Provider` (provider.py) reads the provider's own description once, and `SigningKeys` (jwks.py) keeps its keys fresh.
2. `TokenVerifier` (tokens.py) makes `Claims` of a token that holds against all rules, or raises `TokenRefused`.
3. `BearerTokens` (bearer.py) makes a `Known` of the claims: an account of ours, found by issuer and subject.
4. `RightsCache` remembers it as it remembers a key, so a hot request with a token asks nobody.

Rule: a token says who somebody is, never what they may do now; that is read from our tables. Nothing that a token
names is ever fetched: keys come from the configured issuer only.

This package itself imports little: what loads cryptography or an HTTP client (`door.py` and all it uses) is imported
when `identity.mode` is `oidc`.
"""

from appliance.identity.oidc.claims import Claims, LogoutClaims
from appliance.identity.oidc.errors import OidcMisconfigured, ProviderUnavailable, TokenRefused
from appliance.identity.oidc.opening import open_oidc
from appliance.identity.oidc.settings import OidcSettings

__all__ = [
    "Claims",
    "LogoutClaims",
    "OidcMisconfigured",
    "OidcSettings",
    "ProviderUnavailable",
    "TokenRefused",
    "open_oidc",
]
