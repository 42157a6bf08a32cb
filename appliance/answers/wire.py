"""Answer events as they travel to the web UI and the command line (`docs/reference/http-api.md`)."""

from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from appliance.answers.events import (
    AnswerEvent,
    AnswerFailed,
    AnswerFinished,
    Citation,
    PassagesFound,
    StageChanged,
    TokenDelta,
)


class CitationReply(Struct):
    number: int
    passage_id: UUID
    document_id: UUID
    version_number: int
    document_name: str
    collection_id: UUID
    collection_name: str
    page: int | None
    heading_path: list[str]
    quote: str


class StageEvent(Struct):
    stage: str
    detail: str


class PassagesEvent(Struct):
    count: int
    searched: list[str]


class TokenEvent(Struct):
    text: str


class UsageReply(Struct):
    prompt_tokens: int
    completion_tokens: int


class FinishedEvent(Struct):
    text: str
    citations: list[CitationReply]
    grounding: str
    finish_reason: str
    usage: UsageReply
    searched: list[str]


class FailedEvent(Struct):
    code: str
    message: str
    retry_after_s: float | UnsetType = UNSET


def event_reply(event: AnswerEvent) -> tuple[str, Struct]:
    """(event name, data) of one event."""
    match event:
        case StageChanged():
            return "stage", StageEvent(stage=event.stage, detail=event.detail)
        case PassagesFound():
            return "passages", PassagesEvent(count=event.count, searched=list(event.searched_collections))
        case TokenDelta():
            return "token", TokenEvent(text=event.text)
        case AnswerFinished():
            return "finished", _finished(event)
        case AnswerFailed():
            wait = UNSET if event.retry_after_s is None else event.retry_after_s
            return "failed", FailedEvent(code=event.code, message=event.message, retry_after_s=wait)


def citation_reply(citation: Citation) -> CitationReply:
    return CitationReply(
        number=citation.number,
        passage_id=citation.passage_id,
        document_id=citation.document_id,
        version_number=citation.version_number,
        document_name=citation.document_name,
        collection_id=citation.collection_id,
        collection_name=citation.collection_name,
        page=citation.page,
        heading_path=list(citation.heading_path),
        quote=citation.quote,
    )


def _finished(event: AnswerFinished) -> FinishedEvent:
    return FinishedEvent(
        text=event.text,
        citations=[citation_reply(c) for c in event.citations],
        grounding=event.grounding,
        finish_reason=event.finish_reason,
        usage=UsageReply(prompt_tokens=event.prompt_tokens, completion_tokens=event.completion_tokens),
        searched=list(event.searched_collections),
    )
