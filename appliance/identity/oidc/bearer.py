"""Access tokens as credentials: from a token to a `Known`, for `RightsCache` to remember."""

from datetime import UTC, datetime, timedelta

import structlog

from appliance.foundation import Clock
from appliance.identity.credentials import Credential
from appliance.identity.directory import Accounts
from appliance.identity.lookup import read_principal
from appliance.identity.oidc.errors import TokenRefused
from appliance.identity.oidc.jwks import SigningKeys
from appliance.identity.oidc.jws import take_apart
from appliance.identity.oidc.settings import OidcSettings
from appliance.identity.oidc.tokens import TokenVerifier
from appliance.identity.rights import Known
from appliance.storage import Database

log = structlog.get_logger(__name__)

LONGEST = timedelta(days=1)
"""A token is looked at again after this time, however far away its end is."""


class BearerTokens:
    """The slow way, taken when a token is new here or rights have changed since it was seen."""

    def __init__(
        self,
        settings: OidcSettings,
        verifier: TokenVerifier,
        keys: SigningKeys,
        accounts: Accounts,
        database: Database,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._verifier = verifier
        self._keys = keys
        self._accounts = accounts
        self._database = database
        self._clock = clock

    async def prepare(self, token: str) -> bool:
        """Make sure that the key of a token is at hand, which may wait for the provider; whether there is one.

        For before `find`, which then waits for the database only: of those there are few at a time, and tokens that
        name unknown keys must not keep the others out.

        Raises:
            ProviderUnavailable: the provider's keys could not be read even once.
        """
        try:
            known = await self._keys.find(take_apart(token).kid) is not None
        except TokenRefused as refused:
            self._tell(refused)
            return False
        if not known:
            self._tell(TokenRefused("unknown_key"))
        return known

    async def find(self, credential: Credential) -> Known | None:
        """Who it is; None when the token does not hold.

        Raises:
            NotAdmitted, AccountShut: the token is good, and its owner is not let in.
            ProviderUnavailable: the provider's keys could not be read even once.
        """
        try:
            claims = await self._verifier.access_token(credential.token)
        except TokenRefused as refused:
            self._tell(refused)
            return None
        user_id = await self._accounts.admit(claims.identity())
        async with self._database.read() as session:
            principal = await read_principal(session, user_id, "token")
        end = datetime.fromtimestamp(min(claims.expires_at, 2**33), UTC) + timedelta(seconds=self._settings.leeway_s)
        until = min(end, self._clock.now() + LONGEST)
        return None if principal is None else Known(principal, until, None)

    def _tell(self, refused: TokenRefused) -> None:
        """For the operator: the caller learns no reason."""
        log.info("access token refused", reason=refused.reason, detail=refused.detail)
