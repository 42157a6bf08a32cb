"""The typed events of one turn. Every door renders the same stream its own way."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Citation:
    """Ties a stretch of the answer to the passage that supports it."""

    number: int
    """From 1, the mark `[n]` in the answer."""
    passage_id: UUID
    document_id: UUID
    version_id: UUID
    version_number: int
    document_name: str
    collection_id: UUID
    collection_name: str
    page: int | None
    heading_path: tuple[str, ...]
    quote: str
    """The sentence or row of the passage that supports the answer, verbatim."""


@dataclass(frozen=True, slots=True)
class StageChanged:
    """Shown while the reader waits: searching 3 collections, reading 8 passages."""

    stage: Literal["searching", "reading", "writing"]
    detail: str


@dataclass(frozen=True, slots=True)
class PassagesFound:
    count: int
    searched_collections: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TokenDelta:
    text: str


@dataclass(frozen=True, slots=True)
class AnswerFinished:
    """The last event of a good turn. `text` is the whole answer, `citations` only what supports it."""

    text: str
    citations: tuple[Citation, ...]
    grounding: Literal["grounded", "not_in_documents", "no_search", "unsupported"]
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    searched_collections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AnswerFailed:
    """The last event of a broken turn: what happened and the way out; the question is kept."""

    code: str
    message: str
    retry_after_s: float | None = None


AnswerEvent = StageChanged | PassagesFound | TokenDelta | AnswerFinished | AnswerFailed
