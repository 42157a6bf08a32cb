"""Queries of conversations. Each one names the owner, so a foreign id finds nothing."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from sqlalchemy import func, select, update

from appliance.answers import AnswerFailed, AnswerFinished
from appliance.answers.wire import citation_reply
from appliance.audit import Event, record
from appliance.chat.models import ConversationRow, TurnRow
from appliance.foundation import Clock, NotFound, new_id
from appliance.storage import Database

TITLE_CHARACTERS = 80


class ConversationRepository:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def create(self, user_id: UUID) -> ConversationRow:
        now = self._clock.now()
        row = ConversationRow(id=new_id(), user_id=user_id, title="", created_at=now, updated_at=now)
        async with self._database.write() as session:
            session.add(row)
        return row

    async def newest(self, user_id: UUID) -> Sequence[ConversationRow]:
        """Newest first, at most 500."""
        query = (
            select(ConversationRow)
            .where(ConversationRow.user_id == user_id)
            .order_by(ConversationRow.updated_at.desc())
            .limit(500)
        )
        async with self._database.read() as session:
            return (await session.scalars(query)).all()

    async def get(self, user_id: UUID, conversation_id: UUID) -> ConversationRow:
        """Raises NotFound, also for somebody else's."""
        async with self._database.read() as session:
            row = await session.get(ConversationRow, conversation_id)
        if row is None or row.user_id != user_id:
            raise NotFound("There is no such conversation.")
        return row

    async def owner_of(self, conversation_id: UUID) -> tuple[UUID, str] | None:
        """(owner, title), for explaining access: the caller of this decides who may know. None: there is none."""
        async with self._database.read() as session:
            row = await session.get(ConversationRow, conversation_id)
        return None if row is None else (row.user_id, row.title)

    async def turns(self, conversation_id: UUID) -> Sequence[TurnRow]:
        """In order. The caller has checked whose conversation it is."""
        query = select(TurnRow).where(TurnRow.conversation_id == conversation_id).order_by(TurnRow.ordinal)
        async with self._database.read() as session:
            return (await session.scalars(query)).all()

    async def rename(self, user_id: UUID, conversation_id: UUID, title: str) -> ConversationRow:
        await self.get(user_id, conversation_id)
        async with self._database.write() as session:
            row = await session.get_one(ConversationRow, conversation_id)
            row.title = title[:200]
        return row

    async def delete(self, user_id: UUID, conversation_id: UUID) -> None:
        row = await self.get(user_id, conversation_id)
        async with self._database.write() as session:
            await session.delete(row)
            await record(session, Event("conversation.deleted", f"conversation:{conversation_id}"))

    async def add_turn(self, conversation_id: UUID, question: str, assistant_id: str) -> TurnRow:
        """Keep the question before anything is done about it."""
        now = self._clock.now()
        async with self._database.write() as session:
            conversation = await session.get_one(ConversationRow, conversation_id)
            last = await session.scalar(
                select(func.max(TurnRow.ordinal)).where(TurnRow.conversation_id == conversation_id)
            )
            row = TurnRow(
                id=new_id(),
                conversation_id=conversation_id,
                ordinal=0 if last is None else last + 1,
                question=question,
                state="running",
                citations=[],
                searched=[],
                assistant_id=assistant_id,
                created_at=now,
            )
            session.add(row)
            conversation.updated_at = now
            conversation.title = conversation.title or " ".join(question.split())[:TITLE_CHARACTERS]
        return row

    async def finish(self, turn_id: UUID, event: AnswerFinished) -> None:
        citations = [msgspec.to_builtins(citation_reply(c)) for c in event.citations]
        await self._set(
            turn_id,
            state="finished",
            answer=event.text,
            grounding=event.grounding,
            citations=citations,
            searched=list(event.searched_collections),
        )

    async def fail(self, turn_id: UUID, text: str, event: AnswerFailed) -> None:
        await self._set(turn_id, state="failed", answer=text, error_code=event.code, error_message=event.message)

    async def stop(self, turn_id: UUID, text: str) -> None:
        await self._set(turn_id, state="stopped", answer=text)

    async def end_orphans(self, message: str) -> None:
        """Turns that a crash cut off: they keep their question and say what happened."""
        async with self._database.write() as session:
            await session.execute(
                update(TurnRow)
                .where(TurnRow.state == "running")
                .values(state="failed", error_code="interrupted", error_message=message)
            )

    async def _set(self, turn_id: UUID, **values: object) -> None:
        async with self._database.write() as session:
            await session.execute(update(TurnRow).where(TurnRow.id == turn_id).values(**values))
