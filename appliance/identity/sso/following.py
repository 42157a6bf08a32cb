"""Follows what changes in a Keycloak realm, so that it counts here without anybody coming back.

The events say only whom something happened to; how it is now is asked anew. So an event that is read twice, late, or
out of order does no harm.
"""

import asyncio
import secrets
from collections.abc import Iterable
from datetime import timedelta

import structlog
from sqlalchemy import ColumnElement, or_, select, true, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from appliance.foundation import Clock, NotAllowed
from appliance.identity.directory import Accounts
from appliance.identity.models import UserRow
from appliance.identity.oidc.errors import ProviderUnavailable
from appliance.identity.people import read_kind
from appliance.identity.sso.directory_api import DirectoryApi, Happened
from appliance.identity.sso.models import FollowingRow
from appliance.identity.sso.rounds import Rounds
from appliance.identity.sso.sessions import SsoSessions
from appliance.identity.values import Kind
from appliance.storage import Database

log = structlog.get_logger(__name__)

LEASE_S = 8.0
"""A gateway that does not read for so long is followed by another one."""
OVERLAP_MS = 3000
"""Read again: an event becomes visible a moment after its time."""
AT_ONCE = 8


class Following:
    """One task from `start` to `stop`; of several gateways one reads at a time."""

    def __init__(
        self,
        api: DirectoryApi,
        sessions: SsoSessions,
        accounts: Accounts,
        database: Database,
        clock: Clock,
        *,
        issuer: str,
        interval_s: float,
    ) -> None:
        self._api = api
        self._sessions = sessions
        self._accounts = accounts
        self._database = database
        self._clock = clock
        self._issuer = issuer
        self._interval_s = interval_s
        self._rounds = Rounds(database, clock, issuer=issuer, interval_s=interval_s)
        self._holder = secrets.token_hex(16)
        self._acted: set[Happened] = set()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._keep_reading())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    async def look(self) -> int:
        """Read what is new, and act on it; how many accounts were looked at. Raises ProviderUnavailable."""
        seen_ms = await self._hold()
        if seen_ms is None:
            return 0
        events = await self._api.events(seen_ms - OVERLAP_MS)
        fresh = [event for event in events if event not in self._acted]
        known = await self._rounds.due() | await self._concerned(fresh)
        gate = asyncio.Semaphore(AT_ONCE)
        await asyncio.gather(*(self._bring_up_to_date(subject, kind, gate) for subject, kind in known.items()))
        self._acted = set(events)
        if events:
            await self._note(max(seen_ms, events[-1].at_ms))
        return len(known)

    async def _keep_reading(self) -> None:
        down = False
        while True:
            try:
                await self.look()
                down = False
            except ProviderUnavailable as error:
                if not down:  # once an outage, not once a second
                    log.warning("the realm is not followed", reason=error.message)
                down = True
            except (SQLAlchemyError, OSError) as error:
                log.warning("changes of the realm cannot be written", reason=type(error).__name__)
            await asyncio.sleep(self._interval_s)

    async def _bring_up_to_date(self, subject: str, kind: Kind, gate: asyncio.Semaphore) -> None:
        async with gate:
            who = await (self._api.program if kind == "service" else self._api.person)(subject)
            if who is None:
                await self._sessions.withdraw(self._issuer, subject, "shut or removed at the identity provider")
                return
            try:
                await self._accounts.admit(who)
            except NotAllowed as refused:
                log.info("somebody is not let in any more", reason=refused.code)

    async def _concerned(self, events: Iterable[Happened]) -> dict[str, Kind]:
        """Subjects that have an account here, which following makes none of, and whether they are programs.

        An event of a group may be about everybody; one of a client names none of its accounts, so it is about all
        programs, which are few.
        """
        abouts = {event.about for event in events}
        named = UserRow.subject.in_({event.subject for event in events if event.subject})
        which: list[ColumnElement[bool]] = [named]
        if "client" in abouts:
            which.append(UserRow.kind == "service")
        if "group" in abouts:
            which = [true()]
        query = select(UserRow.subject, UserRow.kind).where(UserRow.issuer == self._issuer, or_(*which))
        async with self._database.read() as session:
            return {subject: read_kind(kind) for subject, kind in await session.execute(query) if subject}

    async def _hold(self) -> int | None:
        """The time of the last event that was read, when it is this gateway's turn to read."""
        now = self._clock.now()
        until = now + timedelta(seconds=LEASE_S)
        free = or_(FollowingRow.holder == self._holder, FollowingRow.held_until < now)
        try:
            async with self._database.write() as session:
                row = await session.get(FollowingRow, 1)
                if row is None:
                    now_ms = int(now.timestamp() * 1000)
                    session.add(FollowingRow(id=1, seen_ms=now_ms, holder=self._holder, held_until=until))
                    return now_ms
                mine = update(FollowingRow).where(FollowingRow.id == 1, free)
                taken = await session.execute(mine.values(holder=self._holder, held_until=until))
                return row.seen_ms if taken.rowcount == 1 else None  # type: ignore[attr-defined]
        except IntegrityError:  # another gateway made the row at the same time
            return None

    async def _note(self, seen_ms: int) -> None:
        async with self._database.write() as session:
            mine = update(FollowingRow).where(FollowingRow.id == 1, FollowingRow.holder == self._holder)
            await session.execute(mine.values(seen_ms=seen_ms))
