"""What may be sent to `/v1/batches`, and what it answers."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from appliance.openai_api.batches.values import BatchInfo, Endpoint, Status
from appliance.openai_api.ids import public_id
from appliance.openai_api.vector_stores.wire import Metadata


class OutputExpiresAfter(Struct, forbid_unknown_fields=True):
    anchor: Literal["created_at"]
    seconds: Annotated[int, Meta(ge=3600, le=2_592_000)]


class BatchCreate(Struct, forbid_unknown_fields=True):
    input_file_id: Annotated[str, Meta(max_length=100)]
    endpoint: Endpoint
    completion_window: Literal["24h"]
    metadata: Metadata | None = None
    output_expires_after: OutputExpiresAfter | None = None


class BatchError(Struct):
    code: str
    message: str
    line: int | None
    param: str | None


class BatchErrors(Struct):
    data: list[BatchError]
    object: Literal["list"] = "list"


class RequestCounts(Struct):
    total: int
    completed: int
    failed: int


class InputDetails(Struct, frozen=True):
    cached_tokens: int = 0


class OutputDetails(Struct, frozen=True):
    reasoning_tokens: int = 0


class BatchUsage(Struct):
    """What the results say that they used; engines do not tell the details, so these stay 0."""

    input_tokens: int
    output_tokens: int
    total_tokens: int
    input_tokens_details: InputDetails = InputDetails()
    output_tokens_details: OutputDetails = OutputDetails()


class Batch(Struct):
    id: str
    endpoint: str
    model: str | None
    errors: BatchErrors | None
    input_file_id: str
    status: Status
    output_file_id: str | None
    error_file_id: str | None
    created_at: int
    in_progress_at: int | None
    expires_at: int
    finalizing_at: int | None
    completed_at: int | None
    failed_at: int | None
    expired_at: int | None
    cancelling_at: int | None
    cancelled_at: int | None
    request_counts: RequestCounts
    usage: BatchUsage
    metadata: dict[str, str]
    completion_window: Literal["24h"] = "24h"
    object: Literal["batch"] = "batch"


def batch(info: BatchInfo) -> Batch:
    errors = [BatchError(e.code, e.message, e.line, e.param) for e in info.errors]
    return Batch(
        id=public_id("batch", info.id),
        endpoint=info.endpoint,
        model=info.model or None,
        errors=BatchErrors(errors) if errors else None,
        input_file_id=public_id("file", info.input_file_id),
        status=info.status,
        output_file_id=None if info.output_file_id is None else public_id("file", info.output_file_id),
        error_file_id=None if info.error_file_id is None else public_id("file", info.error_file_id),
        created_at=int(info.created_at.timestamp()),
        expires_at=int(info.expires_at.timestamp()),
        request_counts=RequestCounts(info.total, info.completed, info.failed),
        usage=BatchUsage(info.input_tokens, info.output_tokens, info.input_tokens + info.output_tokens),
        metadata=info.labels,
        in_progress_at=_seconds(info.moments.in_progress_at),
        finalizing_at=_seconds(info.moments.finalizing_at),
        completed_at=_seconds(info.moments.completed_at),
        failed_at=_seconds(info.moments.failed_at),
        expired_at=_seconds(info.moments.expired_at),
        cancelling_at=_seconds(info.moments.cancelling_at),
        cancelled_at=_seconds(info.moments.cancelled_at),
    )


def _seconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())
