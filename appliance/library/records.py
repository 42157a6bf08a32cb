"""What the shelf tells the rooms above: plain records, no table rows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from appliance.inference.port import EmbeddingProfile

DocumentState = Literal["queued", "processing", "indexed", "partial", "refused", "retired"]


@dataclass(frozen=True, slots=True)
class StateCounts:
    total: int = 0
    indexed: int = 0
    partial: int = 0
    refused: int = 0
    processing: int = 0


@dataclass(frozen=True, slots=True)
class CollectionInfo:
    id: UUID
    name: str
    description: str
    owner_id: UUID
    readers: frozenset[str]
    """Principals' names: `everyone`, `user:<id>`, `group:<id>`; the owner is always among them."""
    profile: EmbeddingProfile
    counts: StateCounts = StateCounts()


@dataclass(frozen=True, slots=True)
class VersionInfo:
    id: UUID
    number: int
    state: DocumentState
    reason: str
    stage: str
    percent: int
    sha256: str
    size_bytes: int
    media_type: str
    page_count: int
    passage_count: int
    blocks_sha256: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DocumentInfo:
    """A document as its latest version stands; `published` is the version that answers use."""

    id: UUID
    collection_id: UUID
    name: str
    path: str
    latest: VersionInfo
    published: VersionInfo | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Registration:
    document_id: UUID
    version_id: UUID
    outcome: Literal["queued", "unchanged"]


@dataclass(frozen=True, slots=True)
class IngestTask:
    """What a worker needs to know about one version."""

    version_id: UUID
    document_id: UUID
    collection_id: UUID
    name: str
    sha256: str
    profile: EmbeddingProfile


@dataclass(frozen=True, slots=True)
class QueuedVersion:
    """A version that waits for its workflow."""

    version_id: UUID
    attempt: int


@dataclass(frozen=True, slots=True)
class Leftover:
    """Points in the index that no answer may use."""

    version_id: UUID
    profile: EmbeddingProfile
    sha256: str
    blocks_sha256: str | None
    deleted: bool
    """The whole document is gone: its passages and bytes go too."""
