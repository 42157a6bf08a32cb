"""Authentication: from a session's cookie, a key or the operator's token to a `Principal`."""

from typing import Protocol
from uuid import UUID

from sqlalchemy import select

from appliance.audit import Audit, Event, record
from appliance.foundation import Clock, NotAuthenticated
from appliance.identity.admission import Admission
from appliance.identity.credentials import Credential
from appliance.identity.errors import BadCredentials
from appliance.identity.leases import Leases
from appliance.identity.lookup import Lookup, read_principal
from appliance.identity.models import SessionRow, UserRow
from appliance.identity.passwords import Passwords
from appliance.identity.rights import Known, RightsCache, changing_rights
from appliance.identity.secrets import OPERATOR_PREFIX, fingerprint, random_text
from appliance.identity.settings import IdentitySettings
from appliance.identity.throttle import Attempt, Throttle
from appliance.identity.used import UsedLog
from appliance.identity.values import Principal
from appliance.identity.watch import RightsWatch
from appliance.storage import Database

UNKNOWN = {
    "bearer": ("The credentials are unknown, expired or revoked.", None),
    "session": ("The session is over.", "Log in again."),
}


class TokenLookup(Protocol):
    """Makes callers of an identity provider's access tokens (oidc/bearer.py)."""

    async def prepare(self, token: str) -> bool:
        """Wait for what is needed to check it; False when it cannot be good."""
        ...

    async def find(self, credential: Credential) -> Known | None:
        """Who it is; None when it does not hold. Raises NotAllowed for somebody who is not let in."""
        ...


class Access:
    """Who is calling. What it says is never older than five seconds, and mostly costs no query.

    Without `start` nothing is remembered and the database is asked every time.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        passwords: Passwords,
        rights: RightsCache,
        settings: IdentitySettings,
        audit: Audit,
        tokens: TokenLookup | None = None,
        leases: Leases | None = None,
    ) -> None:
        """`tokens`: takes tokens of an identity provider; without it they are nobody's."""
        self._database = database
        self._clock = clock
        self._passwords = passwords
        self._rights = rights
        self._settings = settings
        self._audit = audit
        self._operator_token = OPERATOR_PREFIX + random_text(43)
        self._throttle = Throttle(database, clock)
        self._used = UsedLog(database)
        self._watch = RightsWatch(database, rights, self._used)
        self._lookup = Lookup(database, clock, settings, self._used, self._operator_token)
        self.leases = Leases(database, clock, rights) if leases is None else leases
        """Work that lasts longer than a moment, and goes on only while its caller's rights do."""
        self._admission = Admission(rights, self._lookup.find)
        self._tokens = tokens
        self._token_admission = None if tokens is None else Admission(rights, tokens.find)

    @property
    def operator_token(self) -> str:
        """Lets the command line on this machine act as the first administrator; new at each start."""
        return self._operator_token

    async def start(self) -> None:
        """Begin to remember; the schema must be there."""
        await self._watch.start()
        self.leases.start()

    async def stop(self) -> None:
        await self.leases.stop()
        await self._watch.stop()

    def cached(self, credential: Credential) -> Principal | None:
        """The caller when no question to the database is needed. None says nothing: ask `caller`."""
        known = self._rights.find(credential.digest())
        return None if known is None else self._noted(known)

    async def caller(self, credential: Credential) -> Principal:
        """The caller of any credential.

        Raises:
            NotAuthenticated: unknown, expired, revoked, or the account is shut.
            NotAllowed: a good token of somebody who is not let in.
            AuthenticationBusy: too many unknown credentials at once.
        """
        found = self.cached(credential)
        if found is not None:
            return found
        known = await self._asked(credential)
        if known is not None:
            return self._noted(known)
        message, remedy = UNKNOWN[credential.way]
        raise NotAuthenticated(message, remedy=remedy)

    async def _asked(self, credential: Credential) -> Known | None:
        digest = credential.digest()
        if self._rights.is_unknown(digest):
            return None
        if credential.is_token:
            if (
                self._tokens is None
                or self._token_admission is None
                or not await self._tokens.prepare(credential.token)
            ):
                return None
            return await self._token_admission.ask(digest, credential)
        return await self._admission.ask(digest, credential) if credential.is_well_formed() else None

    async def again(self, user_id: UUID, key_id: UUID | None) -> Principal:
        """The caller of an earlier request, with the rights of this moment: for work that goes on without them.

        Raises:
            NotAuthenticated: the account is shut, or the key has expired or was revoked.
        """
        found = await self._lookup.again(user_id, key_id)
        if found is None:
            raise NotAuthenticated("The account is shut, or its key has expired or was revoked.")
        return found

    async def log_in(self, email: str, password: str) -> tuple[str, Principal]:
        """Check a password and open a session.

        Returns:
            The session token for the cookie (shown to nobody else, kept only as a hash), and the caller.

        Raises:
            BadCredentials: unknown, wrong or disabled; all three look alike and take as long.
            TooManyAttempts: too many wrong passwords for this account or from there.
            AuthenticationBusy: too many logins at once.
        """
        async with self._database.read() as session:
            row = await session.scalar(
                select(UserRow).where(UserRow.email == email.strip().lower(), UserRow.kind == "person")
            )
        async with self._throttle.attempt(email, row.id if row else None) as attempt:
            good = await self._passwords.matches(row.password_hash if row else None, password)
        if row is None or not good or row.disabled or row.withdrawn:
            await self._note_failure(row.id if row else None, email)
            raise BadCredentials("The address or the password is wrong.")
        return await self._open_session(row.id, attempt)

    async def password_is(self, user_id: UUID, password: str) -> bool:
        """Whether this is the account's password. Raises TooManyAttempts: it may be somebody at another's screen."""
        async with self._database.read() as session:
            row = await session.get(UserRow, user_id)
        async with self._throttle.attempt(row.email if row else "", user_id if row else None) as attempt:
            good = await self._passwords.matches(row.password_hash if row else None, password)
        if row is None or not good:
            await self._note_failure(row.id if row else None, row.email if row else "")
            return False
        async with self._database.write() as session:
            await self._throttle.forgive(session, attempt, user_id)
        return True

    async def log_out(self, token: str) -> None:
        async with changing_rights(self._database, self._rights) as session:
            row = await session.get(SessionRow, fingerprint(token))
            if row is not None:
                await session.delete(row)
                await record(session, Event("session.ended", f"user:{row.user_id}"))

    async def _open_session(self, user_id: UUID, attempt: Attempt) -> tuple[str, Principal]:
        now, token = self._clock.now(), random_text(43)
        async with self._database.write() as session:
            await self._throttle.forgive(session, attempt, user_id)
            session.add(
                SessionRow(
                    token_hash=fingerprint(token),
                    user_id=user_id,
                    created_at=now,
                    seen_at=now,
                    expires_at=now + self._settings.session_longest,
                )
            )
            await session.flush()
            principal = await read_principal(session, user_id, "session")
            if principal is None:  # shut between the two transactions
                raise BadCredentials("The address or the password is wrong.")
            account = f"user:{user_id}"
            await record(session, Event("login.succeeded", account, actor=account, details={"via": "password"}))
        return token, principal

    async def _note_failure(self, user_id: UUID | None, email: str) -> None:
        async with self._database.write() as session:
            details = {"address": self._audit.masked(email)}
            account = f"user:{user_id}" if user_id else ""
            await record(session, Event("login.failed", account, "failed", details))

    def _noted(self, known: Known) -> Principal:
        if known.used_as is not None:
            self._used.note(known.used_as, self._clock.now())
        return known.principal
