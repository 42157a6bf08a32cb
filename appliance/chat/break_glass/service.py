"""Asking, approving, reading; each step with its event in the same transaction."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.audit import Event, record
from appliance.chat.break_glass.errors import (
    AlreadyDecided,
    NotApproved,
    OwnConversations,
    PersonNeeded,
    SecondPersonNeeded,
)
from appliance.chat.break_glass.models import BreakGlassRow
from appliance.chat.models import ConversationRow, TurnRow
from appliance.foundation import Clock, NotFound, new_id
from appliance.identity import People, Principal
from appliance.storage import Database

LAPSE = timedelta(hours=24)
"""A request that nobody decided about in this time can no longer be approved."""
LISTED = 500


@dataclass(frozen=True, slots=True)
class Request:
    id: UUID
    person_id: UUID
    asked_by: UUID
    reason: str
    minutes: int
    asked_at: datetime
    state: str
    """requested, lapsed, approved, refused, ended or over."""
    decided_by: UUID | None
    until: datetime | None
    read_count: int
    seen: bool


class BreakGlass:
    """Who may call what is declared by the routes; that two persons are needed is decided here."""

    def __init__(self, database: Database, clock: Clock, people: People) -> None:
        self._database = database
        self._clock = clock
        self._people = people

    async def ask(self, caller: Principal, person_id: UUID, reason: str, minutes: int) -> Request:
        """Raises PersonNeeded, OwnConversations, NotFound."""
        _be_a_person(caller)
        person = await self._people.get(person_id)
        if person.id == caller.user_id or person.kind != "person":
            raise OwnConversations("These are no conversations of another person.")
        row = BreakGlassRow(
            id=new_id(),
            person_id=person_id,
            asked_by=caller.user_id,
            reason=reason.strip(),
            minutes=minutes,
            asked_at=self._clock.now(),
            state="requested",
            read_count=0,
        )
        digest = hashlib.sha256(row.reason.encode()).hexdigest()
        async with self._database.write() as session:
            session.add(row)
            await record(session, _event("requested", row, minutes=minutes, reason_sha256=digest))
        return self._shown(row)

    async def all(self) -> list[Request]:
        """The newest first, at most 500."""
        query = select(BreakGlassRow).order_by(BreakGlassRow.asked_at.desc()).limit(LISTED)
        async with self._database.read() as session:
            return [self._shown(row) for row in await session.scalars(query)]

    async def decide(self, caller: Principal, request_id: UUID, *, approve: bool) -> Request:
        """Approve or refuse. From an approval on, the time runs and the person has a notice.

        Raises:
            NotFound, PersonNeeded.
            SecondPersonNeeded: the caller asked for it, or it is about them.
            AlreadyDecided: also when it has lapsed.
        """
        _be_a_person(caller)
        now = self._clock.now()
        async with self._database.write() as session:
            row = await _locked(session, request_id)
            if caller.user_id in (row.asked_by, row.person_id):
                raise SecondPersonNeeded("Whoever asked, or is asked about, cannot decide about it.")
            if row.state != "requested" or now - row.asked_at > LAPSE:
                raise AlreadyDecided("Nobody can decide about this request any more.")
            row.state, row.decided_by, row.decided_at = ("approved" if approve else "refused"), caller.user_id, now
            if approve:
                row.until = now + timedelta(minutes=row.minutes)
            await record(session, _event(row.state, row, asked_by=f"user:{row.asked_by}", minutes=row.minutes))
        return self._shown(row)

    async def end(self, caller: Principal, request_id: UUID) -> Request:
        """End an open one before its time; anybody with the permission may. Raises NotFound, NotApproved."""
        _be_a_person(caller)
        async with self._database.write() as session:
            row = await _locked(session, request_id)
            self._refuse_closed(row)
            row.state, row.until = "ended", self._clock.now()
            await record(session, _event("ended", row))
        return self._shown(row)

    async def conversations(self, caller: Principal, request_id: UUID) -> Sequence[ConversationRow]:
        """The person's, newest first. Raises NotFound, NotApproved, PersonNeeded."""
        async with self._database.write() as session:
            row = await self._open(session, caller, request_id)
            await record(session, _event("listed", row))
        query = select(ConversationRow).where(ConversationRow.user_id == row.person_id)
        async with self._database.read() as session:
            found = await session.scalars(query.order_by(ConversationRow.updated_at.desc()).limit(LISTED))
            return found.all()

    async def conversation(
        self, caller: Principal, request_id: UUID, conversation_id: UUID
    ) -> tuple[ConversationRow, Sequence[TurnRow]]:
        """One of the person's, with its turns in order. Raises NotFound, NotApproved, PersonNeeded."""
        async with self._database.write() as session:
            row = await self._open(session, caller, request_id)
            found = await session.get(ConversationRow, conversation_id)
            if found is None or found.user_id != row.person_id:
                raise NotFound("There is no such conversation.")
            row.read_count += 1
            await record(session, _event("read", row, thing=f"conversation:{conversation_id}"))
        query = select(TurnRow).where(TurnRow.conversation_id == conversation_id).order_by(TurnRow.ordinal)
        async with self._database.read() as session:
            return found, (await session.scalars(query)).all()

    async def notices(self, person: Principal) -> list[Request]:
        """What was approved about the caller, newest first, whether it is over or not."""
        query = (
            select(BreakGlassRow)
            .where(BreakGlassRow.person_id == person.user_id, BreakGlassRow.state.in_(("approved", "ended")))
            .order_by(BreakGlassRow.decided_at.desc())
            .limit(LISTED)
        )
        async with self._database.read() as session:
            return [self._shown(row) for row in await session.scalars(query)]

    async def seen(self, person: Principal, request_id: UUID) -> None:
        """The person has read the notice. Raises NotFound, also for somebody else's."""
        async with self._database.write() as session:
            row = await session.get(BreakGlassRow, request_id, with_for_update=True)
            if row is None or row.person_id != person.user_id or row.state not in ("approved", "ended"):
                raise NotFound("There is no such notice.")
            row.seen_at = row.seen_at or self._clock.now()

    async def names(self, requests: Sequence[Request]) -> dict[UUID, str]:
        """Of everybody who is in them."""
        ids = {i for r in requests for i in (r.person_id, r.asked_by, r.decided_by) if i is not None}
        return await self._people.names(ids)

    async def _open(self, session: AsyncSession, caller: Principal, request_id: UUID) -> BreakGlassRow:
        _be_a_person(caller)
        row = await _locked(session, request_id)
        if row.asked_by != caller.user_id:
            raise NotApproved("Only whoever asked may read.")
        self._refuse_closed(row)
        return row

    def _refuse_closed(self, row: BreakGlassRow) -> None:
        if row.state != "approved" or row.until is None or row.until <= self._clock.now():
            raise NotApproved("The request is not approved, or its time is over.")

    def _shown(self, row: BreakGlassRow) -> Request:
        now, state = self._clock.now(), row.state
        if state == "requested" and now - row.asked_at > LAPSE:
            state = "lapsed"
        elif state == "approved" and row.until is not None and row.until <= now:
            state = "over"
        return Request(
            id=row.id,
            person_id=row.person_id,
            asked_by=row.asked_by,
            reason=row.reason,
            minutes=row.minutes,
            asked_at=row.asked_at,
            state=state,
            decided_by=row.decided_by,
            until=row.until,
            read_count=row.read_count,
            seen=row.seen_at is not None,
        )


def _be_a_person(caller: Principal) -> None:
    if caller.via == "operator" or caller.kind != "person" or caller.key_scope.is_narrow:
        raise PersonNeeded("This needs a person who answers for it.")


async def _locked(session: AsyncSession, request_id: UUID) -> BreakGlassRow:
    row = await session.get(BreakGlassRow, request_id, with_for_update=True)
    if row is None:
        raise NotFound("There is no such request.")
    return row


def _event(verb: str, row: BreakGlassRow, *, thing: str = "", **more: str | int) -> Event:
    person = f"user:{row.person_id}"
    details = {"request": str(row.id), **more}
    behalf = person if verb in ("listed", "read") else None
    return Event(f"break_glass.{verb}", thing or person, details=details, on_behalf_of=behalf)
