"""From what the shelf knows to OpenAI's objects."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from appliance.documents import GIVEN_UP
from appliance.library import AttributeValue, CollectionInfo, DocumentInfo, DocumentState
from appliance.openai_api.ids import public_id
from appliance.openai_api.vector_stores.repository import FileBatch, StoreNote
from appliance.openai_api.vector_stores.wire import (
    ExpiresAfter,
    FileBatchReply,
    FileCounts,
    FileStatus,
    LastError,
    StoreFile,
    VectorStore,
)

STATES: Mapping[FileStatus, tuple[DocumentState, ...]] = {
    "in_progress": ("queued", "processing"),
    "completed": ("indexed", "partial"),
    "failed": ("refused",),
    "cancelled": (),
}
STATUS: Mapping[str, FileStatus] = {state: status for status, states in STATES.items() for state in states}


def key_of(document: DocumentInfo) -> UUID:
    """The id under which a document is a file of a store."""
    return document.file_id or document.id


def status_of(document: DocumentInfo) -> FileStatus:
    return STATUS.get(document.latest.state, "in_progress")


def vector_store(collection: CollectionInfo, note: StoreNote, now: datetime) -> VectorStore:
    counts = collection.counts
    renamed = note.assigned_name != collection.name
    expired = note.expires_at is not None and note.expires_at <= now
    days = note.expires_after_days
    return VectorStore(
        id=public_id("vs", collection.id),
        created_at=_seconds(collection.created_at),
        name=collection.name if renamed else note.given_name,
        description=collection.description,
        usage_bytes=counts.size_bytes,
        file_counts=FileCounts(
            in_progress=counts.processing,
            completed=counts.indexed + counts.partial,
            failed=counts.refused,
            total=counts.total,
        ),
        status="expired" if expired else "in_progress" if counts.processing else "completed",
        expires_after=None if days is None else ExpiresAfter("last_active_at", days),
        expires_at=None if note.expires_at is None else _seconds(note.expires_at),
        last_active_at=None if note.last_active_at is None else _seconds(note.last_active_at),
        metadata=dict(note.labels),
    )


def store_file(document: DocumentInfo, attributes: Mapping[str, AttributeValue]) -> StoreFile:
    latest = document.latest
    error = None
    if latest.state == "refused":
        error = LastError("server_error" if latest.reason == GIVEN_UP else "invalid_file", latest.reason)
    return StoreFile(
        id=public_id("file", key_of(document)),
        created_at=_seconds(document.created_at),
        vector_store_id=public_id("vs", document.collection_id),
        status=status_of(document),
        usage_bytes=latest.size_bytes,
        attributes=dict(attributes),
        last_error=error,
        note=latest.reason if latest.state == "partial" else None,
    )


def cancelled_file(batch: FileBatch, file_id: UUID) -> StoreFile:
    """A file that was taken back before it was in the store."""
    return StoreFile(
        id=public_id("file", file_id),
        created_at=_seconds(batch.created_at),
        vector_store_id=public_id("vs", batch.collection_id),
        status="cancelled",
        usage_bytes=0,
        attributes={},
    )


def file_batch(batch: FileBatch, documents: Iterable[DocumentInfo]) -> FileBatchReply:
    """Files that were deleted from the store since count no more."""
    taken_back = {file_id for file_id, cancelled in batch.files if cancelled}
    found: Counter[FileStatus] = Counter(status_of(d) for d in documents if key_of(d) not in taken_back)
    counts = FileCounts(
        in_progress=found["in_progress"],
        completed=found["completed"],
        failed=found["failed"],
        cancelled=len(taken_back),
        total=found.total() + len(taken_back),
    )
    status: FileStatus = "completed"
    if batch.cancelled:
        status = "cancelled"
    elif counts.in_progress:
        status = "in_progress"
    elif counts.failed and counts.failed == counts.total:
        status = "failed"
    return FileBatchReply(
        id=public_id("vsfb", batch.id),
        created_at=_seconds(batch.created_at),
        vector_store_id=public_id("vs", batch.collection_id),
        status=status,
        file_counts=counts,
    )


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
