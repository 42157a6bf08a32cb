"""Conversations of the web UI: a turn is written in the background and kept, whoever reads along."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from uuid import UUID

import structlog

from appliance.answers import (
    AnswerEvent,
    AnswerFailed,
    AnswerFinished,
    Answers,
    Assistants,
    HistoryTurn,
    Turn,
    TurnMeter,
    metered_turn,
)
from appliance.chat.live import LiveTurn
from appliance.chat.models import ConversationRow, TurnRow
from appliance.chat.repository import ConversationRepository
from appliance.foundation import ApplianceError, DefectError, NotFound
from appliance.identity import Leases, Principal
from appliance.storage import DatabaseUnavailable
from appliance.usage import Usage

log = structlog.get_logger(__name__)

HISTORY_TURNS = 6
IN_LEDGER = "chat"
"""The endpoint under which the ledger has what was asked in the web UI."""
STOPPED = "stopped"
INTERRUPTED = "The appliance was restarted while this was written. Ask once more."


@dataclass(frozen=True, slots=True)
class ChatSettings:
    desertion_grace_s: float = 10.0
    """How long an answer goes on without a reader, so that a reload can pick it up; then the engine is stopped."""


class ChatService:
    """Every call names the owner; somebody else's conversation does not exist for them."""

    def __init__(
        self,
        repository: ConversationRepository,
        answers: Answers,
        assistants: Assistants,
        usage: Usage,
        settings: ChatSettings,
        leases: Leases,
    ) -> None:
        self._repository = repository
        self._answers = answers
        self._assistants = assistants
        self._usage = usage
        self._settings = settings
        self._leases = leases
        self._live: dict[UUID, LiveTurn] = {}

    async def start(self) -> None:
        await self._repository.end_orphans(INTERRUPTED)

    async def stop(self) -> None:
        """End all turns that are being written; each keeps what it has."""
        tasks = [live.task for live in self._live.values() if live.task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def create(self, caller: Principal) -> ConversationRow:
        return await self._repository.create(caller.user_id)

    async def conversations(self, caller: Principal) -> Sequence[ConversationRow]:
        return await self._repository.newest(caller.user_id)

    async def conversation(self, caller: Principal, conversation_id: UUID) -> tuple[ConversationRow, list[TurnRow]]:
        """With all turns; one that is being written shows what it has so far. Raises NotFound."""
        row = await self._repository.get(caller.user_id, conversation_id)
        turns = list(await self._repository.turns(conversation_id))
        for turn in turns:
            live = self._live.get(turn.id)
            if live is not None and turn.state == "running":
                turn.answer = live.text()
                live.looked_at_s = time.monotonic()
        return row, turns

    async def rename(self, caller: Principal, conversation_id: UUID, title: str) -> ConversationRow:
        return await self._repository.rename(caller.user_id, conversation_id, title)

    async def delete(self, caller: Principal, conversation_id: UUID) -> None:
        _, turns = await self.conversation(caller, conversation_id)
        for turn in turns:
            await self._cancel(turn.id)
        await self._repository.delete(caller.user_id, conversation_id)

    async def ask(
        self,
        caller: Principal,
        conversation_id: UUID,
        *,
        question: str,
        assistant_id: str | None,
        collection_ids: Sequence[UUID] | None,
    ) -> LiveTurn:
        """Keep the question and start writing the answer.

        Raises:
            NotFound: for the conversation or the assistant.
            LimitExceeded: a limit of the caller is reached; the question is not kept.
        """
        await self._repository.get(caller.user_id, conversation_id)
        assistant = self._assistants.get(assistant_id)
        history = [
            HistoryTurn(question=t.question, answer=t.answer)
            for t in list(await self._repository.turns(conversation_id))[-HISTORY_TURNS:]
            if t.state == "finished"
        ]
        turn = Turn(
            question=question,
            assistant=assistant,
            history=tuple(history),
            collection_ids=None if collection_ids is None else tuple(collection_ids),
        )
        meter = await metered_turn(self._usage, self._answers, caller, turn, IN_LEDGER)
        try:
            row = await self._repository.add_turn(conversation_id, question, assistant.id)
        except BaseException:  # whatever it is, the turn does not begin
            meter.settle()
            raise
        live = LiveTurn(turn_id=row.id, user_id=caller.user_id)
        self._live[row.id] = live
        live.task = asyncio.create_task(self._write(live, caller, meter))
        return live

    async def stop_turn(self, caller: Principal, conversation_id: UUID, turn_id: UUID) -> None:
        """Stop means stop: the engine is told at once. A turn that has ended already is fine. Raises NotFound."""
        _, turns = await self.conversation(caller, conversation_id)
        if all(t.id != turn_id for t in turns):
            raise NotFound("There is no such turn.")
        await self._cancel(turn_id)

    async def _cancel(self, turn_id: UUID) -> None:
        live = self._live.get(turn_id)
        if live is not None and live.task is not None and not live.done:
            live.task.cancel()
            await asyncio.wait({live.task})

    async def _write(self, live: LiveTurn, caller: Principal, meter: TurnMeter) -> None:
        watcher = asyncio.create_task(self._leave_when_deserted(live))
        try:
            with self._leases.held(caller):
                end = await self._tell(live, self._answers.answer(caller.scope(), meter.turn), meter)
        except ApplianceError as error:  # the caller's rights were taken back
            end = AnswerFailed(code=error.code, message=error.sentence())
        except asyncio.CancelledError:
            end = AnswerFailed(code=STOPPED, message="The answer was stopped.")
        except Exception:  # a defect must end the turn for its reader too
            log.exception("turn broke")
            end = AnswerFailed(code=DefectError.code, message="Something broke on our side. Your question is kept.")
        finally:
            meter.settle()
            watcher.cancel()
        try:
            await self._end(live, end)
        finally:
            live.finish()
            self._live.pop(live.turn_id, None)

    async def _tell(
        self, live: LiveTurn, answer: AsyncGenerator[AnswerEvent], meter: TurnMeter
    ) -> AnswerFinished | AnswerFailed:
        """Hand on what comes, but not the end, which is kept first."""
        async with aclosing(answer) as events:
            async for event in events:
                meter.see(event)
                if isinstance(event, AnswerFinished | AnswerFailed):
                    return event
                live.add(event)
        raise DefectError("The answer has no end.")

    async def _end(self, live: LiveTurn, end: AnswerFinished | AnswerFailed) -> None:
        """Keep it, then tell it. Without a database the reader is told at once, and it is kept when one is there again:
        until then it lives here, and whoever opens the conversation sees the text as if it were still being written.
        """
        while True:
            try:
                await self._keep(live, end)
                break
            except DatabaseUnavailable as error:
                log.warning("the end of a turn waits for the database")
                if not live.done:
                    live.add(end)
                    live.finish()
                await asyncio.sleep(error.retry_after_s)
        if not live.done:
            live.add(end)

    async def _keep(self, live: LiveTurn, end: AnswerFinished | AnswerFailed) -> None:
        if isinstance(end, AnswerFinished):
            await self._repository.finish(live.turn_id, end)
        elif end.code == STOPPED:
            await self._repository.stop(live.turn_id, live.text())
        else:
            await self._repository.fail(live.turn_id, live.text(), end)

    async def _leave_when_deserted(self, live: LiveTurn) -> None:
        """Nobody reads for a while: stop the engine. A peer that goes on wastes the firm's GPU."""
        live.deserted.set()
        while True:
            await live.deserted.wait()
            left_s = live.looked_at_s + self._settings.desertion_grace_s - time.monotonic()
            if left_s > 0:
                await asyncio.sleep(left_s)
            elif live.task is not None:
                live.task.cancel()
                return
