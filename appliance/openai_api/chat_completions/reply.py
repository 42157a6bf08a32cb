"""What an assistant answers to `/v1/chat/completions`, in OpenAI's shapes."""

from typing import Literal
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType


class UrlCitation(Struct):
    """OpenAI's citation, with what it does not have a place for: the page and the quoted words."""

    url: str
    title: str
    start_index: int
    end_index: int
    document_id: UUID
    version: int
    page: int | None
    quote: str


class Annotation(Struct):
    url_citation: UrlCitation
    type: Literal["url_citation"] = "url_citation"


class AnswerMessage(Struct):
    content: str
    annotations: list[Annotation]
    role: Literal["assistant"] = "assistant"
    refusal: None = None


class Choice(Struct):
    message: AnswerMessage
    finish_reason: str
    index: int = 0
    logprobs: None = None


class UsageReply(Struct):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatCompletion(Struct):
    id: str
    created: int
    model: str
    choices: list[Choice]
    usage: UsageReply
    object: Literal["chat.completion"] = "chat.completion"


class Delta(Struct, omit_defaults=True):
    role: Literal["assistant"] | UnsetType = UNSET
    content: str | UnsetType = UNSET
    annotations: list[Annotation] | UnsetType = UNSET


class ChunkChoice(Struct):
    delta: Delta
    finish_reason: str | None = None
    index: int = 0
    logprobs: None = None


class ChatCompletionChunk(Struct):
    id: str
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: UsageReply | None | UnsetType = UNSET
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
