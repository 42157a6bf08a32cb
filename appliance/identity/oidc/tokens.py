"""From the text of a token to its claims, or a reason why not."""

from appliance.foundation import Clock
from appliance.identity.oidc import checks
from appliance.identity.oidc.claims import Claims, LogoutClaims, read_claims, text, whole
from appliance.identity.oidc.errors import TokenRefused
from appliance.identity.oidc.jwks import SigningKeys
from appliance.identity.oidc.jws import Signed, json_object, take_apart
from appliance.identity.oidc.settings import OidcSettings

Raw = dict[str, object]


class TokenVerifier:
    """Checks tokens of the one configured issuer.

    Every method raises `TokenRefused` for a token that does not hold, and `ProviderUnavailable` while the provider's
    keys could not be read even once.
    """

    def __init__(self, settings: OidcSettings, keys: SigningKeys, clock: Clock) -> None:
        self._settings = settings
        self._keys = keys
        self._clock = clock

    async def access_token(self, token: str) -> Claims:
        """What a program sends as `Authorization: Bearer`."""
        signed, raw = await self.opened(token)
        self.check_access(signed, raw)
        return read_claims(raw, "access", self._settings)

    def check_access(self, signed: Signed, raw: Raw) -> None:
        """All rules of an access token but its signature."""
        settings = self._settings
        self.check_common(raw)
        checks.check_is_access_token(raw, signed.typ, untyped=settings.untyped_access_tokens)
        checks.check_audience(raw, settings.wanted_audience)
        checks.check_client(raw, settings.clients)
        checks.check_subject(raw)

    async def id_token(self, token: str, *, nonce: str) -> Claims:
        """What comes back from a login. `nonce` is what that login sent; it must not be empty."""
        signed, raw = await self.opened(token)
        self.check_common(raw)
        audience = checks.check_audience(raw, self._settings.client_id)
        checks.check_is_id_token(raw, signed.typ, audience, self._settings.client_id, nonce)
        checks.check_subject(raw)
        return read_claims(raw, "id", self._settings)

    async def logout_token(self, token: str) -> LogoutClaims:
        """What the provider sends when a session is over. Whether its `jti` was seen before is the caller's to ask."""
        signed, raw = await self.opened(token)
        self.check_common(raw)
        checks.check_audience(raw, self._settings.client_id)
        checks.check_is_logout_token(raw, signed.typ)
        if "sub" in raw:
            checks.check_subject(raw)
        return LogoutClaims(
            issuer=self._settings.issuer,
            subject=str(raw["sub"]) if "sub" in raw else None,
            sid=text(raw, "sid") or None,
            jti=str(raw["jti"]),
            issued_at=whole(raw["iat"]),
            expires_at=whole(raw["exp"]),
        )

    async def opened(self, token: str) -> tuple[Signed, Raw]:
        """A token whose signature is one of the provider's, and what it says. Nothing else is checked."""
        signed = take_apart(token)
        key = await self._keys.find(signed.kid)
        if key is None:
            raise TokenRefused("unknown_key", "the provider has no key of this id")
        if signed.algorithm != key.algorithm:
            raise TokenRefused("algorithm", "not the one of this key")
        if not key.signed(signed):
            raise TokenRefused("bad_signature", "not made with this key")
        return signed, json_object(signed.payload, "payload")

    def check_common(self, raw: Raw) -> None:
        """Issuer and times, which every kind of token has. Raises TokenRefused."""
        checks.check_issuer(raw, self._settings.issuer)
        checks.check_times(raw, self._clock.now().timestamp(), self._settings.leeway_s)
