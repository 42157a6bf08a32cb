"""Sessions that began at the provider, in the database."""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.audit import Event, record
from appliance.foundation import Clock
from appliance.identity.models import SessionRow, UserRow
from appliance.identity.oidc.claims import Claims
from appliance.identity.rights import RightsCache, changing_rights
from appliance.identity.secrets import fingerprint, random_text
from appliance.identity.sso.models import SeenLogoutRow, SsoSessionRow
from appliance.identity.sso.sealing import Seal
from appliance.storage import Database

PURPOSE = "refresh token"


@dataclass(frozen=True, slots=True)
class Due:
    """A session about which the provider is to be asked."""

    token_hash: str
    user_id: UUID
    subject: str
    refresh: str = field(repr=False)


class SsoSessions:
    def __init__(
        self,
        database: Database,
        clock: Clock,
        rights: RightsCache,
        seal: Seal,
        *,
        longest: timedelta,
        interval_s: float,
    ) -> None:
        self._database = database
        self._clock = clock
        self._rights = rights
        self._seal = seal
        self._longest = longest
        self._interval_s = interval_s

    async def open(
        self, user_id: UUID, claims: Claims, refresh: str, *, instead_of: str | None, stepped_up: bool = False
    ) -> str:
        """A new session; the token for its cookie. The one of `instead_of`, a token, is over with it."""
        token, now = random_text(43), self._clock.now()
        async with changing_rights(self._database, self._rights) as session:
            if instead_of is not None:
                await session.execute(delete(SessionRow).where(SessionRow.token_hash == fingerprint(instead_of)))
            session.add(
                SessionRow(
                    token_hash=fingerprint(token),
                    user_id=user_id,
                    created_at=now,
                    seen_at=now,
                    expires_at=now + self._longest,
                )
            )
            await session.flush()
            session.add(
                SsoSessionRow(
                    token_hash=fingerprint(token),
                    subject=claims.subject,
                    sid=claims.sid,
                    acr=claims.acr[:255],
                    proved_at=claims.auth_time or claims.issued_at,
                    refresh=self._sealed(fingerprint(token), refresh),
                    due_at=self._next(now),
                )
            )
            action = "session.stepped_up" if stepped_up else "login.succeeded"
            details: dict[str, Any] = {"way": "oidc", "acr": claims.acr}
            await record(session, Event(action, f"user:{user_id}", details=details, actor=f"user:{user_id}"))
        return token

    async def take_refresh(self, token: str) -> str:
        """The refresh token of a session; empty when there is none."""
        async with self._database.read() as session:
            row = await session.get(SsoSessionRow, fingerprint(token))
        return "" if row is None else self._opened(row)

    async def due(self, *, used_after: datetime, at_most: int) -> list[Due]:
        """Sessions in use whose time has come, moved on, so that no other gateway asks about them as well."""
        now, taken = self._clock.now(), []
        query = (
            select(SsoSessionRow, SessionRow.user_id)
            .join(SessionRow, SessionRow.token_hash == SsoSessionRow.token_hash)
            .where(SsoSessionRow.due_at <= now, SsoSessionRow.refresh != "", SessionRow.seen_at >= used_after)
            .order_by(SsoSessionRow.due_at)
            .limit(at_most)
        )
        async with self._database.read() as session:
            rows = [(row, user_id) for row, user_id in await session.execute(query)]
        if not rows:
            return []
        async with self._database.write() as session:
            for row, user_id in rows:
                mine = update(SsoSessionRow).where(
                    SsoSessionRow.token_hash == row.token_hash, SsoSessionRow.due_at == row.due_at
                )
                moved = await session.execute(mine.values(due_at=self._next(now)))
                refresh = self._opened(row)
                if moved.rowcount == 1 and refresh:  # type: ignore[attr-defined]
                    taken.append(Due(row.token_hash, user_id, row.subject, refresh))
        return taken

    async def renewed(self, due: Due, refresh: str) -> None:
        """Keep what the provider gave in place of the used token."""
        query = update(SsoSessionRow).where(SsoSessionRow.token_hash == due.token_hash)
        async with self._database.write() as session:
            await session.execute(query.values(refresh=self._sealed(due.token_hash, refresh)))

    async def end(self, which: ColumnElement[bool], why: str) -> int:
        """Close sessions; how many."""
        query = (
            select(SsoSessionRow.token_hash, SessionRow.user_id)
            .join(SessionRow, SessionRow.token_hash == SsoSessionRow.token_hash)
            .where(which)
        )
        async with changing_rights(self._database, self._rights) as session:
            found = list(await session.execute(query))
            await self._end(session, found, why)
        return len(found)

    async def end_once(self, jti: str, until: datetime, which: ColumnElement[bool]) -> int | None:
        """Close sessions for a logout token; None when the token was acted on before."""
        now = self._clock.now()
        query = (
            select(SsoSessionRow.token_hash, SessionRow.user_id)
            .join(SessionRow, SessionRow.token_hash == SsoSessionRow.token_hash)
            .where(which)
        )
        try:
            async with changing_rights(self._database, self._rights) as session:
                await session.execute(delete(SeenLogoutRow).where(SeenLogoutRow.expires_at < now))
                session.add(SeenLogoutRow(jti_hash=fingerprint(jti), expires_at=until))
                await session.flush()
                found = list(await session.execute(query))
                await self._end(session, found, "back-channel logout")
        except IntegrityError:
            return None
        return len(found)

    async def withdraw(self, issuer: str, subject: str, why: str) -> bool:
        """Shut the account of somebody whom the provider has shut: sessions, keys and tokens; whether there was one."""
        is_theirs = (UserRow.issuer == issuer, UserRow.subject == subject, UserRow.withdrawn.is_(False))
        async with self._database.read() as session:
            user_id = await session.scalar(select(UserRow.id).where(*is_theirs))
        if user_id is None:
            return False
        async with changing_rights(self._database, self._rights) as session:
            await session.execute(update(UserRow).where(*is_theirs).values(withdrawn=True, claims_at=self._clock.now()))
            await session.execute(delete(SessionRow).where(SessionRow.user_id == user_id))
            await record(session, Event("user.disabled", f"user:{user_id}", details={"why": why}))
        return True

    async def _end(self, session: AsyncSession, found: list[Any], why: str) -> None:
        for token_hash, user_id in found:
            await session.execute(delete(SessionRow).where(SessionRow.token_hash == token_hash))
            await record(session, Event("session.ended", f"user:{user_id}", details={"why": why}))

    def _next(self, now: datetime) -> datetime:
        """Spread a little, so that those who logged in together are not asked about together for ever."""
        return now + timedelta(seconds=self._interval_s * random.uniform(0.85, 1.0))  # noqa: S311 - no secret

    def _sealed(self, token_hash: str, refresh: str) -> str:
        return self._seal.seal(f"{PURPOSE} {token_hash}", refresh.encode()) if refresh else ""

    def _opened(self, row: SsoSessionRow) -> str:
        content = self._seal.open(f"{PURPOSE} {row.token_hash}", row.refresh) if row.refresh else None
        return "" if content is None else content.decode()
