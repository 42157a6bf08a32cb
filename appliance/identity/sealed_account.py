"""The one account with a password while single sign-on is on: for the day on which the identity provider is lost.

Sealed, its password lies in an envelope and nobody has used it. The first login breaks the seal: it is audited, logged,
and shown to everybody who manages accounts until it is sealed again; and the password ends an hour later.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import delete, select, update

from appliance.audit import Event, record
from appliance.foundation import Clock, new_id
from appliance.identity.models import BreakGlassRow, SessionRow, UserRow
from appliance.identity.passwords import Passwords
from appliance.identity.rights import RightsCache, changing_rights
from appliance.identity.secrets import fingerprint, random_text
from appliance.identity.settings import IdentitySettings
from appliance.identity.sso.errors import LocalLoginOff
from appliance.identity.throttle import forget_tries
from appliance.identity.values import BREAK_GLASS
from appliance.storage import Database

log = structlog.get_logger(__name__)

WORKS = timedelta(hours=1)
"""After the seal is broken."""
SECRET_LENGTH = 32


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is shown once."""

    password: str
    until: datetime | None


class SealedAccount:
    def __init__(
        self,
        database: Database,
        clock: Clock,
        passwords: Passwords,
        rights: RightsCache,
        settings: IdentitySettings,
    ) -> None:
        self._database = database
        self._clock = clock
        self._passwords = passwords
        self._rights = rights
        self._settings = settings

    async def seal(self) -> Envelope:
        """A new password for the envelope; the one before is dead, and so are the account's sessions."""
        return await self._renew("break_glass_account.sealed", opened_at=None)

    async def open(self) -> Envelope:
        """A password that works at once and for an hour, when the envelope is not at hand."""
        log.error("the break-glass account was opened", account=BREAK_GLASS)
        return await self._renew("break_glass_account.opened", opened_at=self._clock.now())

    async def is_open(self) -> bool:
        """Whether it was used or opened since it was sealed last."""
        row = await self._row()
        return row is not None and row.opened_at is not None

    async def check(self, email: str) -> bool:
        """Before a password is looked at: whether it is this account's.

        Raises LocalLoginOff: passwords are off for everybody else, and for this account an hour after its seal broke.
        """
        if email.strip().lower() != BREAK_GLASS:
            if self._settings.mode == "oidc":
                raise LocalLoginOff("Passwords of the appliance are switched off.")
            return False
        row = await self._row()
        if row is None or (row.opened_at is not None and row.opened_at + WORKS <= self._clock.now()):
            raise LocalLoginOff(
                "The break-glass account is not sealed.",
                remedy="On the appliance's machine: 'appliance identity break-glass open'.",
            )
        return True

    async def used(self, token: str) -> None:
        """Note a login, loudly; its session ends with the password."""
        now = self._clock.now()
        log.error("the break-glass account is in use", account=BREAK_GLASS)
        async with changing_rights(self._database, self._rights) as session:
            row = await session.get(BreakGlassRow, 1)
            if row is not None:
                row.opened_at = row.opened_at or now
                ends = row.opened_at + WORKS
                mine = update(SessionRow).where(SessionRow.token_hash == fingerprint(token))
                await session.execute(mine.values(expires_at=ends))
            user_id = await session.scalar(select(UserRow.id).where(UserRow.email == BREAK_GLASS))
            await record(session, Event("break_glass_account.used", f"user:{user_id}", actor=f"user:{user_id}"))

    async def _renew(self, action: str, opened_at: datetime | None) -> Envelope:
        secret = random_text(SECRET_LENGTH)
        hashed = await self._passwords.hash(secret)
        async with changing_rights(self._database, self._rights) as session:
            user = await session.scalar(select(UserRow).where(UserRow.email == BREAK_GLASS))
            if user is None:
                user = UserRow(
                    id=new_id(), email=BREAK_GLASS, name="Break-glass account", roles="", created_at=self._clock.now()
                )
                session.add(user)
            user.roles, user.password_hash = "administrator,user", hashed
            user.disabled, user.must_change_password = False, False
            await forget_tries(session, user.email)
            await session.flush()
            await session.execute(delete(SessionRow).where(SessionRow.user_id == user.id))
            await session.merge(BreakGlassRow(id=1, sealed_at=self._clock.now(), opened_at=opened_at))
            await record(session, Event(action, f"user:{user.id}"))
        return Envelope(secret, None if opened_at is None else opened_at + WORKS)

    async def _row(self) -> BreakGlassRow | None:
        async with self._database.read() as session:
            return await session.get(BreakGlassRow, 1)
