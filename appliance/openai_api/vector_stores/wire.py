"""What may be sent to `/v1/vector_stores` and below, and what it answers."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

PLAIN = r"^[^\x00]*$"
"""PostgreSQL keeps no text with a zero byte."""
Key = Annotated[str, Meta(min_length=1, max_length=64, pattern=PLAIN)]
Label = Annotated[str, Meta(max_length=512, pattern=PLAIN)]
Metadata = Annotated[dict[Key, Label], Meta(max_length=16)]
Value = Annotated[str, Meta(max_length=512, pattern=PLAIN)] | bool | int | float
AttributeMap = Annotated[dict[Key, Value], Meta(max_length=16)]
StoreName = Annotated[str, Meta(max_length=256, pattern=PLAIN)]
FileId = Annotated[str, Meta(max_length=100)]
Query = Annotated[str, Meta(min_length=1, max_length=4096)]
FilesAtOnce = Meta(min_length=1, max_length=2000)

FileStatus = Literal["in_progress", "completed", "failed", "cancelled"]


class ExpiresAfter(Struct, forbid_unknown_fields=True):
    anchor: Literal["last_active_at"]
    days: Annotated[int, Meta(ge=1, le=365)]


class AutoChunking(Struct, forbid_unknown_fields=True, tag="auto", tag_field="type"):
    pass


class StaticSizes(Struct, forbid_unknown_fields=True):
    max_chunk_size_tokens: Annotated[int, Meta(ge=100, le=4096)]
    chunk_overlap_tokens: Annotated[int, Meta(ge=0, le=2048)]


class StaticChunking(Struct, forbid_unknown_fields=True, tag="static", tag_field="type"):
    static: StaticSizes


Chunking = AutoChunking | StaticChunking
"""Accepted, so that programs need no change; passages follow a document's structure whatever is asked for."""


class StoreCreate(Struct, forbid_unknown_fields=True):
    name: StoreName | None = None
    description: Annotated[str, Meta(max_length=2000, pattern=PLAIN)] | None = None
    file_ids: Annotated[list[FileId], Meta(max_length=2000)] | None = None
    metadata: Metadata | None = None
    expires_after: ExpiresAfter | None = None
    chunking_strategy: Chunking | None = None


class StoreUpdate(Struct, forbid_unknown_fields=True):
    name: StoreName | None | UnsetType = UNSET
    metadata: Metadata | None | UnsetType = UNSET
    expires_after: ExpiresAfter | None | UnsetType = UNSET


class FileAttach(Struct, forbid_unknown_fields=True):
    file_id: FileId
    attributes: AttributeMap | None = None
    chunking_strategy: Chunking | None = None


class FileUpdate(Struct, forbid_unknown_fields=True):
    attributes: AttributeMap | None


class FileBatchCreate(Struct, forbid_unknown_fields=True):
    file_ids: Annotated[list[FileId], FilesAtOnce] | None = None
    files: Annotated[list[FileAttach], FilesAtOnce] | None = None
    attributes: AttributeMap | None = None
    chunking_strategy: Chunking | None = None


class Filter(Struct, forbid_unknown_fields=True):
    """A comparison or several filters together; which fields belong to which `type` is checked in `filters.py`."""

    type: Literal["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin", "and", "or"]
    key: Key | UnsetType = UNSET
    value: Value | Annotated[list[Value], Meta(min_length=1, max_length=100)] | UnsetType = UNSET
    filters: "Annotated[list[Filter], Meta(min_length=1, max_length=100)] | UnsetType" = UNSET


class RankingOptions(Struct, forbid_unknown_fields=True):
    ranker: Literal["none", "auto", "default-2024-11-15"] | None = None
    score_threshold: Annotated[float, Meta(ge=0, le=1)] | None = None


class SearchRequest(Struct, forbid_unknown_fields=True):
    query: Query | Annotated[list[Query], Meta(min_length=1, max_length=10)]
    max_num_results: Annotated[int, Meta(ge=1, le=50)] | None = None
    filters: Filter | None = None
    ranking_options: RankingOptions | None = None
    rewrite_query: bool | None = None


class FileCounts(Struct):
    in_progress: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    total: int = 0


class VectorStore(Struct):
    id: str
    created_at: int
    name: str
    description: str
    usage_bytes: int
    file_counts: FileCounts
    status: Literal["expired", "in_progress", "completed"]
    expires_after: ExpiresAfter | None
    expires_at: int | None
    last_active_at: int | None
    metadata: dict[str, str]
    object: Literal["vector_store"] = "vector_store"


class StoreDeleted(Struct):
    id: str
    deleted: bool = True
    object: Literal["vector_store.deleted"] = "vector_store.deleted"


class LastError(Struct):
    code: Literal["server_error", "unsupported_file", "invalid_file"]
    message: str


class OtherChunking(Struct, frozen=True):
    type: Literal["other"] = "other"


class StoreFile(Struct):
    id: str
    created_at: int
    vector_store_id: str
    status: FileStatus
    usage_bytes: int
    attributes: dict[str, str | bool | int | float]
    last_error: LastError | None = None
    note: str | None = None
    """What could not be read of a file that is in the store otherwise; OpenAI has no place for it."""
    chunking_strategy: OtherChunking = OtherChunking()
    object: Literal["vector_store.file"] = "vector_store.file"


class StoreFileDeleted(Struct):
    id: str
    deleted: bool = True
    object: Literal["vector_store.file.deleted"] = "vector_store.file.deleted"


class FileBatchReply(Struct):
    id: str
    created_at: int
    vector_store_id: str
    status: FileStatus
    file_counts: FileCounts
    object: Literal["vector_store.files_batch"] = "vector_store.files_batch"


class TextContent(Struct):
    text: str
    type: Literal["text"] = "text"


class FileContent(Struct):
    file_id: str
    filename: str
    attributes: dict[str, str | bool | int | float]
    data: list[TextContent]
    has_more: bool = False
    next_page: None = None
    object: Literal["vector_store.file_content.page"] = "vector_store.file_content.page"


class SearchResult(Struct):
    """One passage. `passage_id` and `page` are more than OpenAI's: they lead to the place in the source."""

    file_id: str
    filename: str
    score: float
    attributes: dict[str, str | bool | int | float]
    content: list[TextContent]
    passage_id: str
    page: int | None


class SearchPage(Struct):
    search_query: list[str]
    data: list[SearchResult]
    has_more: bool = False
    next_page: None = None
    object: Literal["vector_store.search_results.page"] = "vector_store.search_results.page"
