"""Questions, conversations and search over HTTP."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any
from uuid import UUID

from litestar import Controller, Request, delete, get, patch, post
from litestar.response import Stream

from appliance.answers import AnswerEvent, Answers, Assistants, Turn, metered_events, metered_turn
from appliance.answers.wire import event_reply
from appliance.audit import Audit
from appliance.chat.live import LiveTurn
from appliance.chat.service import IN_LEDGER, ChatService
from appliance.chat.wire import (
    AskRequest,
    AssistantReply,
    Conversation,
    ConversationWithTurns,
    FoundDocument,
    FoundPassage,
    Named,
    NewConversation,
    SearchReply,
    SearchRequest,
    Title,
    TurnStarted,
    conversation_reply,
    turn_reply,
)
from appliance.edge import event_stream, sse
from appliance.identity import Permission, Principal, require_assistant, requires, requires_whole_account
from appliance.retrieval import Retrieval, searched
from appliance.usage import Usage

Call = Request[Principal, Any, Any]


class AskController(Controller):
    path = "/api"
    guards = [requires(Permission.MODELS_USE)]  # noqa: RUF012 - the framework's declaration style

    @get("/assistants")
    async def list_assistants(self, assistants: Assistants) -> list[AssistantReply]:
        return [
            AssistantReply(
                id=a.id,
                name=a.name,
                description=a.description,
                model_id=a.model_id,
                kind=a.kind,
                starters=list(a.starters),
            )
            for a in assistants.all()
        ]

    @post("/search", guards=[requires(Permission.COLLECTIONS_READ)], status_code=200)
    async def search(self, request: Call, data: SearchRequest, retrieval: Retrieval, audit: Audit) -> SearchReply:
        found = await retrieval.search(
            request.user.scope(), data.query, collection_ids=data.collection_ids, limit=data.limit
        )
        await audit.record_alone(searched(p.passage for p in found.passages))
        items = [
            FoundPassage(
                passage_id=p.passage.id,
                score=p.score,
                text=p.passage.text,
                page=p.passage.page,
                heading_path=list(p.passage.heading_path),
                document=FoundDocument(
                    id=p.passage.document_id,
                    name=p.passage.document_name,
                    version_number=p.passage.version_number,
                ),
                collection=Named(id=p.passage.collection_id, name=p.passage.collection_name),
            )
            for p in found.passages
        ]
        return SearchReply(items=items, searched=[Named(id=c.id, name=c.name) for c in found.searched])

    @post("/ask", status_code=200)
    async def ask(
        self, request: Call, data: AskRequest, answers: Answers, assistants: Assistants, usage: Usage
    ) -> Stream:
        """Answer once and keep nothing. When the caller leaves, the engine is stopped."""
        assistant = assistants.get(data.assistant_id)
        require_assistant(request.user, assistant.id)
        turn = Turn(
            question=data.question,
            assistant=assistant,
            history=(),
            collection_ids=None if data.collection_ids is None else tuple(data.collection_ids),
        )
        meter = await metered_turn(usage, answers, request.user, turn, IN_LEDGER)
        events = answers.answer(request.user.scope(), meter.turn)
        return event_stream(_rendered(metered_events(meter, events)))


class ConversationController(Controller):
    path = "/api/conversations"
    guards = [requires(Permission.CHATS_KEEP), requires_whole_account]  # noqa: RUF012 - the framework's declaration style

    @get()
    async def newest(self, request: Call, chat: ChatService) -> list[Conversation]:
        return [conversation_reply(row) for row in await chat.conversations(request.user)]

    @post()
    async def create(self, request: Call, data: NewConversation, chat: ChatService) -> Conversation:  # noqa: ARG002 - read so that a body with other fields is refused
        return conversation_reply(await chat.create(request.user))

    @get("/{conversation_id:uuid}")
    async def one(self, request: Call, conversation_id: UUID, chat: ChatService) -> ConversationWithTurns:
        row, turns = await chat.conversation(request.user, conversation_id)
        return ConversationWithTurns(
            id=row.id, title=row.title, updated_at=row.updated_at, turns=[turn_reply(t) for t in turns]
        )

    @patch("/{conversation_id:uuid}")
    async def rename(self, request: Call, conversation_id: UUID, data: Title, chat: ChatService) -> Conversation:
        return conversation_reply(await chat.rename(request.user, conversation_id, data.title))

    @delete("/{conversation_id:uuid}")
    async def remove(self, request: Call, conversation_id: UUID, chat: ChatService) -> None:
        await chat.delete(request.user, conversation_id)

    @post("/{conversation_id:uuid}/turns", status_code=200)
    async def ask(self, request: Call, conversation_id: UUID, data: AskRequest, chat: ChatService) -> Stream:
        live = await chat.ask(
            request.user,
            conversation_id,
            question=data.question,
            assistant_id=data.assistant_id,
            collection_ids=data.collection_ids,
        )
        return event_stream(_turn_events(live, conversation_id))

    @post("/{conversation_id:uuid}/turns/{turn_id:uuid}/stop", status_code=204)
    async def stop_turn(self, request: Call, conversation_id: UUID, turn_id: UUID, chat: ChatService) -> None:
        await chat.stop_turn(request.user, conversation_id, turn_id)


async def _turn_events(live: LiveTurn, conversation_id: UUID) -> AsyncIterator[bytes]:
    async with live.reading() as events:
        yield sse("turn", TurnStarted(id=live.turn_id, conversation_id=conversation_id))
        async for event in events:
            yield sse(*event_reply(event))


async def _rendered(events: AsyncGenerator[AnswerEvent]) -> AsyncIterator[bytes]:
    async with aclosing(events) as source:
        async for event in source:
            yield sse(*event_reply(event))
