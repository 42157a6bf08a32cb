"""What may be asked of `/v1/responses`. A field that is not here is refused by name."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from appliance.openai_api.responses.items import InputItem, Name, Text
from appliance.openai_api.vector_stores.wire import Filter, RankingOptions

Metadata = Annotated[
    dict[Annotated[str, Meta(max_length=64)], Annotated[str, Meta(max_length=512)]], Meta(max_length=16)
]
FunctionName = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_.-]{1,64}$")]
Refused = None | UnsetType
"""Null is as good as absent; everything else is refused with the reason that `fields` gives."""
Include = Literal[
    "file_search_call.results",
    "message.output_text.logprobs",
    "message.input_image.image_url",
    "reasoning.encrypted_content",
]


class FunctionTool(Struct, forbid_unknown_fields=True, tag="function", tag_field="type"):
    name: FunctionName
    parameters: dict[str, Any] | None = None
    strict: bool | None = None
    description: Text | None = None


class FileSearchTool(Struct, forbid_unknown_fields=True, tag="file_search", tag_field="type"):
    vector_store_ids: Annotated[list[Name], Meta(min_length=1, max_length=32)]
    """Collections as `vs_…`; all of them must be readable by the caller."""
    max_num_results: Annotated[int, Meta(ge=1, le=50)] = 8
    filters: Filter | None = None
    ranking_options: RankingOptions | None = None


class NamedFunction(Struct, forbid_unknown_fields=True, tag="function", tag_field="type"):
    name: Name


class FileSearchChoice(Struct, forbid_unknown_fields=True, tag="file_search", tag_field="type"):
    """The search runs anyway when the tool is there; no function is called."""


class AllowedTool(Struct, forbid_unknown_fields=True):
    type: Literal["function", "file_search"]
    name: Name | UnsetType = UNSET


class AllowedTools(Struct, forbid_unknown_fields=True, tag="allowed_tools", tag_field="type"):
    mode: Literal["auto", "required"]
    tools: Annotated[list[AllowedTool], Meta(min_length=1, max_length=128)]


class TextFormat(Struct, forbid_unknown_fields=True, frozen=True, tag="text", tag_field="type"):
    """Plain text, the default."""


class JsonObjectFormat(Struct, forbid_unknown_fields=True, tag="json_object", tag_field="type"):
    """Some JSON object."""


class JsonSchemaFormat(Struct, forbid_unknown_fields=True, tag="json_schema", tag_field="type"):
    name: Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
    schema: dict[str, Any]
    description: Text | None = None
    strict: bool | None = None


class TextConfig(Struct, forbid_unknown_fields=True, frozen=True):
    format: TextFormat | JsonObjectFormat | JsonSchemaFormat = TextFormat()
    verbosity: Literal["low", "medium", "high"] | None = "medium"
    """Dropped: no open model knows it."""


class Reasoning(Struct, forbid_unknown_fields=True):
    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None
    """Dropped: the reasoning itself comes as `content` of the reasoning item."""
    generate_summary: Literal["auto", "concise", "detailed"] | None = None


class StreamOptions(Struct, forbid_unknown_fields=True):
    include_obfuscation: bool = False
    """Dropped: streams are not padded."""


FunctionOrSearch = FunctionTool | FileSearchTool
ToolChoice = Literal["none", "auto", "required"] | NamedFunction | FileSearchChoice | AllowedTools


class InputTokensRequest(Struct, forbid_unknown_fields=True):
    """What a prompt is made of: for `/v1/responses/input_tokens`, and the part of a request that says it."""

    model: Annotated[str, Meta(min_length=1, max_length=200)]
    input: Text | Annotated[list[InputItem], Meta(max_length=2000)] | None = None
    instructions: Text | None = None
    previous_response_id: Name | None = None
    tools: Annotated[list[FunctionOrSearch], Meta(max_length=128)] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    text: TextConfig | None = None
    reasoning: Reasoning | None = None
    truncation: Literal["auto", "disabled"] | None = None
    conversation: Refused = UNSET


class ResponsesRequest(InputTokensRequest, forbid_unknown_fields=True):
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    store: bool | None = True
    background: bool | None = False
    include: Annotated[list[Include], Meta(max_length=8)] | None = None
    max_output_tokens: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    max_tool_calls: Annotated[int, Meta(ge=1, le=128)] | None = None
    metadata: Metadata | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(gt=0, le=1)] | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    service_tier: Literal["auto", "default", "flex", "priority", "fast"] | None = None

    prompt_cache_key: Annotated[str, Meta(max_length=500)] | None = None
    prompt_cache_options: dict[str, Any] | None = None
    prompt_cache_retention: Annotated[str, Meta(max_length=500)] | None = None
    safety_identifier: Annotated[str, Meta(max_length=500)] | None = None
    user: Annotated[str, Meta(max_length=500)] | None = None

    access_programs: Refused = UNSET
    background_options: Refused = UNSET
    context_management: Refused = UNSET
    image: Refused = UNSET
    moderation: Refused = UNSET
    prompt: Refused = UNSET
