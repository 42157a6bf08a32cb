"""Calls to the provider's token endpoint, from this process: the browser never sees what comes back."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from appliance.identity.oidc.checks import check_audience, check_subject
from appliance.identity.oidc.claims import Claims, read_claims
from appliance.identity.oidc.errors import ProviderUnavailable, TokenRefused
from appliance.identity.oidc.provider import WELL_KNOWN, Provider
from appliance.identity.oidc.tokens import TokenVerifier
from appliance.identity.sso.attempts import Attempt
from appliance.identity.sso.errors import LoginRefused
from appliance.identity.sso.settings import SsoSettings

SEEN_S = 2.0
"""A provider that answered a moment ago is not asked again whether it is there."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a login or a refresh brought."""

    claims: Claims
    refresh: str = field(repr=False)


class GrantRefused(Exception):
    """The provider gives no tokens any more: logged out there, shut, or a refresh token that was used before."""


class Grants:
    def __init__(self, settings: SsoSettings, provider: Provider, verifier: TokenVerifier) -> None:
        self._settings = settings
        self._provider = provider
        self._verifier = verifier
        self._seen_until = 0.0

    async def login_url(self, attempt: Attempt) -> str:
        """Where the browser logs in. Raises ProviderUnavailable: also while only the browser would find it gone."""
        metadata, oidc = await self._provider.metadata(), self._provider.settings
        if time.monotonic() > self._seen_until:
            await self._provider.fetch.get_json(oidc.issuer.rstrip("/") + WELL_KNOWN)
            self._seen_until = time.monotonic() + SEEN_S
        if not metadata.authorization_endpoint or not metadata.token_endpoint:
            raise ProviderUnavailable("The identity provider does not say where to log in.")
        asked = {
            "response_type": "code",
            "client_id": oidc.client_id,
            "redirect_uri": self._settings.callback_url,
            "scope": "openid profile email",
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": attempt.challenge(),
            "code_challenge_method": "S256",
        }
        if attempt.step_up:
            asked |= {"prompt": "login", "max_age": "0"}
            if oidc.step_up_acr:
                asked["acr_values"] = oidc.step_up_acr
        joint = "&" if "?" in metadata.authorization_endpoint else "?"
        return metadata.authorization_endpoint + joint + urlencode(asked, quote_via=quote)

    async def redeem(self, code: str, attempt: Attempt) -> Grant:
        """Make tokens of a code. Raises LoginRefused, ProviderUnavailable."""
        form = {"code": code, "redirect_uri": self._settings.callback_url, "code_verifier": attempt.verifier}
        status, body = await self._ask("authorization_code", form)
        if status != 200:
            raise LoginRefused(f"the provider did not take the code: {body.get('error')}")
        try:
            claims = await self._verifier.id_token(_text(body, "id_token"), nonce=attempt.nonce)
        except TokenRefused as refused:
            raise LoginRefused(f"the ID token was refused: {refused.reason}") from refused
        return Grant(claims, _text(body, "refresh_token"))

    async def renew(self, refresh: str, subject: str) -> Grant:
        """New tokens for a refresh token, which is used up by this. Raises GrantRefused, ProviderUnavailable."""
        status, body = await self._ask("refresh_token", {"refresh_token": refresh})
        if status == 400 and body.get("error") == "invalid_grant":
            raise GrantRefused(str(body.get("error_description", "invalid_grant")))
        if status != 200:
            raise ProviderUnavailable(f"The identity provider answers a refresh with {status}: {body.get('error')}.")
        try:
            claims = await self._renewed(body)
        except TokenRefused as refused:
            raise ProviderUnavailable(f"A refreshed token cannot be used: {refused.reason}.") from refused
        if claims.subject != subject:
            raise GrantRefused("the refreshed token is somebody else's")
        return Grant(claims, _text(body, "refresh_token") or refresh)

    async def end(self, refresh: str) -> bool:
        """End the session at the provider, from here; whether it said that it is over. Raises ProviderUnavailable."""
        address = (await self._provider.metadata()).end_session_endpoint
        if not address or not refresh:
            return False
        oidc = self._provider.settings
        form = {"client_id": oidc.client_id, "client_secret": oidc.client_secret, "refresh_token": refresh}
        status, _ = await self._provider.fetch.post_form(address, form)
        return status in (200, 204)

    async def logout_url(self) -> str | None:
        """Where a browser logs out at the provider. Raises ProviderUnavailable."""
        address = (await self._provider.metadata()).end_session_endpoint
        if not address:
            return None
        asked = {
            "client_id": self._provider.settings.client_id,
            "post_logout_redirect_uri": self._settings.signed_out_url,
        }
        return address + ("&" if "?" in address else "?") + urlencode(asked, quote_via=quote)

    async def _renewed(self, body: Mapping[str, object]) -> Claims:
        """Who it is now. An ID token that came straight from the provider needs no nonce, and seldom has one."""
        token, oidc = _text(body, "id_token"), self._provider.settings
        if not token:
            return await self._verifier.access_token(_text(body, "access_token"))
        signed, raw = await self._verifier.opened(token)
        if signed.typ not in ("", "jwt") or raw.get("typ") not in (None, "ID") or "events" in raw:
            raise TokenRefused("wrong_type", "it is no ID token")
        self._verifier.check_common(raw)
        check_audience(raw, oidc.client_id)
        check_subject(raw)
        return read_claims(raw, "id", oidc)

    async def _ask(self, grant_type: str, form: Mapping[str, str]) -> tuple[int, dict[str, object]]:
        metadata, oidc = await self._provider.metadata(), self._provider.settings
        fields = {"grant_type": grant_type, **form}
        basic = None
        if oidc.client_secret:
            basic = (oidc.client_id, oidc.client_secret)
        else:
            fields["client_id"] = oidc.client_id
        return await self._provider.fetch.post_form(metadata.token_endpoint, fields, basic=basic)


def _text(body: Mapping[str, object], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""
