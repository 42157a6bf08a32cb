"""The response object and the other replies of `/v1/responses`."""

from typing import Literal

from msgspec import Struct

from appliance.openai_api.responses.items import OutputItem
from appliance.openai_api.responses.wire import FunctionOrSearch, Metadata, Reasoning, TextConfig, ToolChoice

ResponseStatus = Literal["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]


ErrorKind = Literal["server_error", "rate_limit_exceeded", "invalid_prompt"]


class ResponseError(Struct):
    code: ErrorKind
    message: str


class IncompleteDetails(Struct):
    reason: Literal["max_output_tokens", "content_filter"]


class InputTokensDetails(Struct):
    cached_tokens: int = 0
    cache_write_tokens: int = 0


class OutputTokensDetails(Struct):
    reasoning_tokens: int = 0


class ResponseUsage(Struct):
    input_tokens: int
    output_tokens: int
    total_tokens: int
    input_tokens_details: InputTokensDetails
    output_tokens_details: OutputTokensDetails


class ResponseObject(Struct):
    """A response as it is now; the same fields in events, replies and the store."""

    id: str
    created_at: int
    """Seconds since 1970, UTC."""
    model: str
    status: ResponseStatus
    output: list[OutputItem]
    tools: list[FunctionOrSearch]
    tool_choice: ToolChoice
    text: TextConfig
    parallel_tool_calls: bool
    instructions: str | None
    previous_response_id: str | None
    store: bool
    background: bool
    max_output_tokens: int | None
    max_tool_calls: int | None
    metadata: Metadata
    temperature: float | None
    top_p: float | None
    top_logprobs: int | None
    truncation: Literal["auto", "disabled"]
    reasoning: Reasoning
    prompt_cache_key: str | None
    safety_identifier: str | None
    user: str | None
    service_tier: Literal["default", "flex"] = "default"
    error: ResponseError | None = None
    incomplete_details: IncompleteDetails | None = None
    usage: ResponseUsage | None = None
    completed_at: int | None = None
    object: Literal["response"] = "response"


class DeletedResponse(Struct):
    id: str
    object: Literal["response"] = "response"
    deleted: bool = True


class InputTokensReply(Struct):
    input_tokens: int
    object: Literal["response.input_tokens"] = "response.input_tokens"
