"""Access tokens as credentials: from a token to a `Known`, for `RightsCache` to remember."""

from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog

from appliance.foundation import Clock
from appliance.identity.credentials import Credential
from appliance.identity.directory import Accounts
from appliance.identity.lookup import read_principal
from appliance.identity.models import UserRow
from appliance.identity.oidc.claims import Claims
from appliance.identity.oidc.errors import TokenRefused
from appliance.identity.oidc.jwks import SigningKeys
from appliance.identity.oidc.jws import take_apart
from appliance.identity.oidc.settings import OidcSettings
from appliance.identity.oidc.tokens import TokenVerifier
from appliance.identity.rights import Known
from appliance.identity.values import Principal
from appliance.storage import Database

log = structlog.get_logger(__name__)

MOST_ADMITTED = 50_000
LATEST_S = 2**33
"""Seconds since 1970 that a date can still hold."""
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
        self._admitted: OrderedDict[bytes, UUID] = OrderedDict()
        """Digests of tokens that were let in → their accounts; with a change of rights, all are asked again at once."""

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
        principal = await self._principal(credential.digest(), claims)
        end = datetime.fromtimestamp(min(claims.expires_at, LATEST_S), UTC) + timedelta(seconds=self._settings.leeway_s)
        until = min(end, self._clock.now() + LONGEST)
        return None if principal is None else Known(principal, until, None)

    async def _principal(self, digest: bytes, claims: Claims) -> Principal | None:
        """The account of a good token. Once it was let in, its claims change nothing any more: only tables are read."""
        before = self._admitted.get(digest)
        if before is not None:
            self._admitted.move_to_end(digest)
            principal = await self._read(before, claims)
            if principal is not None:
                return principal
        user_id = await self._accounts.admit(claims.identity())
        self._admitted[digest] = user_id
        while len(self._admitted) > MOST_ADMITTED:
            self._admitted.popitem(last=False)
        return await self._read(user_id, claims)

    async def _read(self, user_id: UUID, claims: Claims) -> Principal | None:
        """None when the account is shut, or is not that of these claims any more."""
        async with self._database.read() as session:
            row = await session.get(UserRow, user_id)
            if row is None or (row.issuer, row.subject) != (claims.issuer, claims.subject):
                return None
            return await read_principal(session, user_id, "token")

    def _tell(self, refused: TokenRefused) -> None:
        """For the operator: the caller learns no reason."""
        log.info("access token refused", reason=refused.reason, detail=refused.detail)
