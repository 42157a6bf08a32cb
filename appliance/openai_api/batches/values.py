"""Batches as this room's parts hand them to each other."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

Status = Literal["validating", "failed", "in_progress", "finalizing", "completed", "expired", "cancelling", "cancelled"]
Ending = Literal["completed", "expired", "cancelled"]
Endpoint = Literal["/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses"]

ACTIVE: tuple[Status, ...] = ("validating", "in_progress", "finalizing", "cancelling")


@dataclass(frozen=True, slots=True)
class InputError:
    """Why an input cannot run, by line from 1; None: the file as a whole."""

    code: str
    message: str
    line: int | None = None
    param: str | None = None


@dataclass(frozen=True, slots=True)
class NewBatch:
    owner_id: UUID
    key_id: UUID | None
    endpoint: Endpoint
    input_file_id: UUID
    input_sha256: str
    labels: dict[str, str]
    output_expires_after_s: int | None


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a batch, until it is taken away or runs out."""

    batch_id: UUID
    token: str


@dataclass(frozen=True, slots=True)
class Moments:
    """When a batch came into its states; None: it did not."""

    in_progress_at: datetime | None
    finalizing_at: datetime | None
    completed_at: datetime | None
    failed_at: datetime | None
    expired_at: datetime | None
    cancelling_at: datetime | None
    cancelled_at: datetime | None


@dataclass(frozen=True, slots=True)
class BatchInfo:
    id: UUID
    owner_id: UUID
    key_id: UUID | None
    endpoint: Endpoint
    model: str
    input_file_id: UUID
    input_sha256: str
    labels: dict[str, str]
    status: Status
    ending: Ending
    errors: tuple[InputError, ...]
    output_expires_after_s: int | None
    output_file_id: UUID | None
    error_file_id: UUID | None
    total: int
    completed: int
    failed: int
    input_tokens: int
    output_tokens: int
    created_at: datetime
    expires_at: datetime
    moments: Moments


@dataclass(frozen=True, slots=True)
class LineResult:
    """What became of one line: a line of the output or the error file, without its newline."""

    line: int
    good: bool
    text: bytes = field(repr=False)
    input_tokens: int = 0
    output_tokens: int = 0
