"""Passages and collections as retrieval sees them."""

from dataclasses import dataclass, field
from uuid import UUID

from appliance.inference.port import EmbeddingProfile


@dataclass(frozen=True, slots=True)
class ReadableCollection:
    """A collection that a scope may read."""

    id: UUID
    name: str
    profile: EmbeddingProfile


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage of a published version, as an answer may use it."""

    id: UUID
    document_id: UUID
    version_id: UUID
    version_number: int
    document_name: str
    collection_id: UUID
    collection_name: str
    page: int | None
    page_end: int | None
    heading_path: tuple[str, ...]
    text: str = field(repr=False)
    ordinal: int


@dataclass(frozen=True, slots=True)
class PassageText:
    """A passage before it is kept: what a chunker made of a version."""

    ordinal: int
    text: str = field(repr=False)
    page: int | None = None
    page_end: int | None = None
    heading_path: tuple[str, ...] = ()
    boxes: tuple[tuple[int, tuple[float, float, float, float]], ...] = ()
    """(page, (left, top, right, bottom)) as shares of the page."""


@dataclass(frozen=True, slots=True)
class PassageView:
    """A passage for the reader who follows a citation; `is_current` is False once a newer version is published."""

    passage: Passage
    boxes: tuple[tuple[int, tuple[float, float, float, float]], ...]
    is_current: bool
