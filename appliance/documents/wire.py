"""Requests and replies about collections and documents."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Description = Annotated[str, Meta(max_length=2000)]


class Reader(Struct, forbid_unknown_fields=True):
    kind: Literal["user", "group", "everyone"]
    id: UUID | None = None
    name: str | None = None


class Owner(Struct):
    id: UUID
    name: str


class Counts(Struct):
    total: int
    indexed: int
    partial: int
    refused: int
    processing: int


class Collection(Struct):
    id: UUID
    name: str
    description: str
    owner: Owner
    readers: list[Reader]
    can_write: bool
    counts: Counts
    embedding_model: str


class CollectionCreate(Struct, forbid_unknown_fields=True):
    name: Name
    description: Description = ""
    readers: Annotated[list[Reader], Meta(max_length=500)] = []


class CollectionChange(Struct, forbid_unknown_fields=True):
    name: Name | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    readers: Annotated[list[Reader], Meta(max_length=500)] | UnsetType = UNSET


class Version(Struct):
    number: int
    state: str
    created_at: datetime
    size_bytes: int
    sha256: str
    passage_count: int


class Document(Struct):
    id: UUID
    collection_id: UUID
    name: str
    path: str
    media_type: str
    state: str
    reason: str
    stage: str
    percent: int
    version_number: int
    page_count: int
    passage_count: int
    size_bytes: int
    updated_at: datetime
    versions: list[Version] | UnsetType = UNSET


class DocumentPage(Struct):
    total: int
    items: list[Document]


class Uploaded(Struct):
    document: Document
    outcome: Literal["queued", "unchanged"]


class PageBlock(Struct, omit_defaults=True):
    kind: str
    text: str
    heading_path: list[str]
    box: tuple[float, float, float, float] | None = None


class SourcePage(Struct):
    document_id: UUID
    version_number: int
    page: int
    page_count: int
    blocks: list[PageBlock]
    has_image: bool


class PassageCollection(Struct):
    id: UUID
    name: str


class PassageReply(Struct):
    id: UUID
    text: str
    page: int | None
    page_end: int | None
    heading_path: list[str]
    boxes: list[tuple[int, tuple[float, float, float, float]]]
    document: Document
    collection: PassageCollection
    version_number: int
    is_current: bool
