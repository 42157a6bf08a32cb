"""The provider says that a session is over (OpenID Connect Back-Channel Logout)."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, and_

from appliance.foundation import InvalidInput
from appliance.identity.oidc.errors import TokenRefused
from appliance.identity.oidc.tokens import TokenVerifier
from appliance.identity.sso.models import SsoSessionRow
from appliance.identity.sso.sessions import SsoSessions

REMEMBERED = timedelta(minutes=2)
"""After the token's own end: the clocks may differ."""
LONGEST_LIFE_S = 600
"""A logout token that is good for longer is refused, since its id would have to be remembered for as long."""


class LogoutTokenRefused(InvalidInput):
    """Whatever was wrong, the answer is the same."""

    code = "logout_token_refused"
    remedy = "Nothing was ended; see the appliance's log for the reason."


class BackChannel:
    def __init__(self, verifier: TokenVerifier, sessions: SsoSessions) -> None:
        self._verifier = verifier
        self._sessions = sessions

    async def log_out(self, token: str) -> int:
        """End the sessions that a logout token names; how many.

        Raises:
            LogoutTokenRefused: it does not hold, or was acted on before.
            ProviderUnavailable: the provider's keys could not be read even once.
        """
        try:
            claims = await self._verifier.logout_token(token)
        except TokenRefused as refused:
            raise LogoutTokenRefused(f"The logout token is not taken ({refused.reason}).") from refused
        if claims.expires_at - claims.issued_at > LONGEST_LIFE_S:
            raise LogoutTokenRefused("The logout token is not taken (lives too long).")
        named: list[ColumnElement[bool]] = []
        if claims.sid:
            named.append(SsoSessionRow.sid == claims.sid)
        if claims.subject:
            named.append(SsoSessionRow.subject == claims.subject)
        until = datetime.fromtimestamp(claims.expires_at, UTC) + REMEMBERED
        ended = await self._sessions.end_once(claims.jti, until, and_(*named))
        if ended is None:
            raise LogoutTokenRefused("The logout token is not taken (seen before).")
        return ended
