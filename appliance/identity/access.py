"""Authentication: from a cookie, a key or the operator's token to a `Principal`, decided anew for each request."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.foundation import Clock, NotAuthenticated, NotFound, new_id
from appliance.identity.errors import BadCredentials, TooManyAttempts
from appliance.identity.models import ApiKeyRow, SessionRow, UserRow
from appliance.identity.passwords import Passwords
from appliance.identity.people import groups_of, read_roles
from appliance.identity.secrets import OPERATOR_PREFIX, fingerprint, new_api_key, random_text, read_api_key, same
from appliance.identity.settings import IdentitySettings
from appliance.identity.values import Principal
from appliance.storage import Database

UNKNOWN = "The credentials are unknown, expired or revoked."


@dataclass(frozen=True, slots=True)
class KeyInfo:
    id: UUID
    name: str
    prefix: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


class Access:
    """Sessions and keys. Every check reads the account and its groups as they are now."""

    def __init__(self, database: Database, clock: Clock, passwords: Passwords, settings: IdentitySettings) -> None:
        self._database = database
        self._clock = clock
        self._passwords = passwords
        self._settings = settings
        self._operator_token = OPERATOR_PREFIX + random_text(43)

    @property
    def operator_token(self) -> str:
        """Lets the command line on this machine act as the first administrator; new at each start."""
        return self._operator_token

    async def log_in(self, email: str, password: str) -> tuple[str, Principal]:
        """Check a password and open a session.

        Returns:
            The session token for the cookie (shown to nobody else, kept only as a hash), and the caller.

        Raises:
            BadCredentials: unknown, wrong or disabled; all three look alike and take as long.
            TooManyAttempts: the account waits after too many wrong passwords.
        """
        now = self._clock.now()
        async with self._database.read() as session:
            row = await session.scalar(select(UserRow).where(UserRow.email == email.strip().lower()))
        if row is not None and row.locked_until is not None and row.locked_until > now:
            raise TooManyAttempts(
                "There were too many wrong passwords for this account.",
                retry_after_s=(row.locked_until - now).total_seconds(),
            )
        good = await self._passwords.matches(row.password_hash if row else None, password)
        if row is None or not good or row.disabled:
            if row is not None:
                await self._count_failure(row.id)
            raise BadCredentials("The address or the password is wrong.")
        token = random_text(43)
        async with self._database.write() as session:
            await session.execute(
                update(UserRow).where(UserRow.id == row.id).values(failed_logins=0, locked_until=None)
            )
            session.add(
                SessionRow(
                    token_hash=fingerprint(token),
                    user_id=row.id,
                    created_at=now,
                    seen_at=now,
                    expires_at=now + self._settings.session_longest,
                )
            )
            await session.flush()
            principal = await _principal(session, row.id, "session")
        return token, principal

    async def password_is(self, user_id: UUID, password: str) -> bool:
        """Whether this is the account's password."""
        async with self._database.read() as session:
            row = await session.get(UserRow, user_id)
        return await self._passwords.matches(row.password_hash if row else None, password)

    async def log_out(self, token: str) -> None:
        async with self._database.write() as session:
            await session.execute(delete(SessionRow).where(SessionRow.token_hash == fingerprint(token)))

    async def by_session(self, token: str) -> Principal:
        """The caller of a session cookie. Raises NotAuthenticated."""
        now = self._clock.now()
        async with self._database.read() as session:
            row = await session.get(SessionRow, fingerprint(token))
            if row is None or row.expires_at <= now or row.seen_at + self._settings.session_idle <= now:
                raise NotAuthenticated("The session is over.", remedy="Log in again.")
            principal = await _principal(session, row.user_id, "session")
        if now - row.seen_at > timedelta(minutes=1):  # not at each request: it would be a write per read
            async with self._database.write() as session:
                await session.execute(
                    update(SessionRow).where(SessionRow.token_hash == row.token_hash).values(seen_at=now)
                )
        return principal

    async def by_bearer(self, token: str) -> Principal:
        """The caller of an API key or of the operator's token. Raises NotAuthenticated."""
        if token.startswith(OPERATOR_PREFIX):
            return await self._operator(token)
        parts = read_api_key(token)
        if parts is None:
            raise NotAuthenticated(UNKNOWN)
        now = self._clock.now()
        async with self._database.read() as session:
            row = await session.scalar(select(ApiKeyRow).where(ApiKeyRow.lookup == parts.lookup))
            kept = row.secret_hash if row else fingerprint("no such key")
            if not same(kept, fingerprint(parts.secret)) or row is None:
                raise NotAuthenticated(UNKNOWN)
            if row.revoked_at is not None or row.expires_at <= now:
                raise NotAuthenticated(UNKNOWN)
            principal = await _principal(session, row.user_id, "api_key", row.id)
        if row.last_used_at is None or now - row.last_used_at > timedelta(minutes=1):
            async with self._database.write() as session:
                await session.execute(update(ApiKeyRow).where(ApiKeyRow.id == row.id).values(last_used_at=now))
        return principal

    async def create_key(self, user_id: UUID, name: str, expires_in_days: int) -> tuple[KeyInfo, str]:
        """Make a key for a user. The text is returned once and cannot be shown again."""
        parts, now = new_api_key(), self._clock.now()
        row = ApiKeyRow(
            id=new_id(),
            lookup=parts.lookup,
            user_id=user_id,
            name=name.strip(),
            secret_hash=fingerprint(parts.secret),
            created_at=now,
            expires_at=now + timedelta(days=min(expires_in_days, self._settings.key_longest_days)),
        )
        async with self._database.write() as session:
            session.add(row)
        return _key_info(row), parts.text()

    async def keys(self, user_id: UUID) -> list[KeyInfo]:
        """A user's living keys, newest first."""
        query = (
            select(ApiKeyRow)
            .where(ApiKeyRow.user_id == user_id, ApiKeyRow.revoked_at.is_(None))
            .order_by(ApiKeyRow.created_at.desc())
        )
        async with self._database.read() as session:
            return [_key_info(row) for row in await session.scalars(query)]

    async def revoke_key(self, user_id: UUID, key_id: UUID) -> None:
        """End one of the user's own keys. Raises NotFound, also for somebody else's."""
        async with self._database.write() as session:
            row = await session.get(ApiKeyRow, key_id)
            if row is None or row.user_id != user_id or row.revoked_at is not None:
                raise NotFound("There is no such key.")
            row.revoked_at = self._clock.now()

    async def _operator(self, token: str) -> Principal:
        if not same(token, self._operator_token):
            raise NotAuthenticated(
                "The operator's token is not the one of this start.", remedy="Run the command again on this machine."
            )
        async with self._database.read() as session:
            rows = await session.scalars(
                select(UserRow).where(UserRow.disabled.is_(False)).order_by(UserRow.created_at)
            )
            for row in rows:
                if "administrator" in read_roles(row.roles):
                    return await _principal(session, row.id, "operator")
        raise NotAuthenticated(
            "There is no administrator account.", remedy="Start once with APPLIANCE_ADMIN_EMAIL set."
        )

    async def _count_failure(self, user_id: UUID) -> None:
        async with self._database.write() as session:
            row = await session.get(UserRow, user_id)
            if row is None:
                return
            row.failed_logins += 1
            if row.failed_logins >= self._settings.attempts_before_lock:
                row.failed_logins, row.locked_until = 0, self._clock.now() + self._settings.lock_time


async def _principal(
    session: AsyncSession, user_id: UUID, via: Literal["session", "api_key", "operator"], key_id: UUID | None = None
) -> Principal:
    row = await session.get(UserRow, user_id)
    if row is None or row.disabled:
        raise NotAuthenticated(UNKNOWN)
    groups = (await groups_of(session, [user_id])).get(user_id, ())
    return Principal(
        user_id=row.id,
        email=row.email,
        name=row.name,
        roles=read_roles(row.roles),
        group_ids=frozenset(group_id for group_id, _ in groups),
        via=via,
        key_id=key_id,
    )


def _key_info(row: ApiKeyRow) -> KeyInfo:
    return KeyInfo(
        id=row.id,
        name=row.name,
        prefix=f"pma_{row.lookup}",
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
    )
