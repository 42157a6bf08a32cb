"""Requests and replies of conversations and questions."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from appliance.chat.models import ConversationRow, TurnRow

Question = Annotated[str, Meta(min_length=1, max_length=20_000)]
Ids = Annotated[list[UUID], Meta(max_length=200)]


class AskRequest(Struct, forbid_unknown_fields=True):
    question: Question
    assistant_id: Annotated[str, Meta(max_length=100)] | None = None
    collection_ids: Ids | None = None


class SearchRequest(Struct, forbid_unknown_fields=True):
    query: Question
    collection_ids: Ids | None = None
    limit: Annotated[int, Meta(ge=1, le=50)] = 10


class Title(Struct, forbid_unknown_fields=True):
    title: Annotated[str, Meta(min_length=1, max_length=200)]


class NewConversation(Struct, forbid_unknown_fields=True):
    """Nothing to say yet."""


class Conversation(Struct):
    id: UUID
    title: str
    updated_at: datetime


class TurnError(Struct):
    code: str
    message: str


class TurnReply(Struct):
    id: UUID
    question: str
    answer: str
    state: str
    grounding: str
    citations: list[dict[str, Any]]
    searched: list[str]
    assistant_id: str
    created_at: datetime
    error: TurnError | UnsetType = UNSET


class ConversationWithTurns(Struct):
    id: UUID
    title: str
    updated_at: datetime
    turns: list[TurnReply]


class TurnStarted(Struct):
    id: UUID
    conversation_id: UUID


class Named(Struct):
    id: UUID
    name: str


class FoundDocument(Struct):
    id: UUID
    name: str
    version_number: int


class FoundPassage(Struct):
    passage_id: UUID
    score: float
    text: str
    page: int | None
    heading_path: list[str]
    document: FoundDocument
    collection: Named


class SearchReply(Struct):
    items: list[FoundPassage]
    searched: list[Named]


class AssistantReply(Struct):
    id: str
    name: str
    description: str
    model_id: str
    kind: str
    starters: list[str]


def conversation_reply(row: ConversationRow) -> Conversation:
    return Conversation(id=row.id, title=row.title, updated_at=row.updated_at)


def turn_reply(row: TurnRow) -> TurnReply:
    error = TurnError(code=row.error_code, message=row.error_message) if row.error_code else UNSET
    return TurnReply(
        id=row.id,
        question=row.question,
        answer=row.answer,
        state=row.state,
        grounding=row.grounding,
        citations=row.citations,
        searched=row.searched,
        assistant_id=row.assistant_id,
        created_at=row.created_at,
        error=error,
    )
