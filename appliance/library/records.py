"""What the shelf tells the rooms above: plain records, no table rows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from appliance.inference.port import EmbeddingProfile
from appliance.library.attributes import Attributes
from appliance.storage import StoredFile

DocumentState = Literal["queued", "processing", "indexed", "partial", "refused", "retired"]


@dataclass(frozen=True, slots=True)
class StateCounts:
    total: int = 0
    indexed: int = 0
    partial: int = 0
    refused: int = 0
    processing: int = 0
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class CollectionInfo:
    id: UUID
    name: str
    description: str
    owner_id: UUID
    readers: frozenset[str]
    """Principals' names: `everyone`, `user:<id>`, `group:<id>`; the owner is always among them."""
    profile: EmbeddingProfile
    created_at: datetime
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
    created_at: datetime
    file_id: UUID | None = None
    """The program's uploaded file that it was made from; None when it came another way."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """Bytes that are in the file store, and the path under which they are to become a document."""

    path: str
    stored: StoredFile
    file_id: UUID | None = None
    attributes: Attributes | None = None
    """None leaves those that a document of this path has."""


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
