"""What may be asked of `/v1/responses`. A field that is not here is refused by name."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from appliance.openai_api.responses.items import InputItem, Name, Text

Metadata = Annotated[
    dict[Annotated[str, Meta(max_length=64)], Annotated[str, Meta(max_length=512)]], Meta(max_length=16)
]
Include = Literal[
    "file_search_call.results",
    "message.output_text.logprobs",
    "message.input_image.image_url",
    "reasoning.encrypted_content",
]


class FunctionTool(Struct, forbid_unknown_fields=True, tag="function", tag_field="type"):
    name: Name
    parameters: dict[str, Any] | None = None
    strict: bool | None = None
    description: Text | None = None


class FileSearchTool(Struct, forbid_unknown_fields=True, tag="file_search", tag_field="type"):
    vector_store_ids: Annotated[list[Name], Meta(min_length=1, max_length=32)]
    """Collections as `vs_…`; all of them must be readable by the caller."""
    max_num_results: Annotated[int, Meta(ge=1, le=50)] = 8


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
    name: Name
    schema: dict[str, Any]
    description: Text | None = None
    strict: bool | None = None


class TextConfig(Struct, forbid_unknown_fields=True, frozen=True):
    format: TextFormat | JsonObjectFormat | JsonSchemaFormat = TextFormat()
    verbosity: Literal["low", "medium", "high"] | None = "medium"
    """Dropped: no open model knows it."""


class Reasoning(Struct, forbid_unknown_fields=True):
    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"] | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None
    """Dropped: the reasoning itself comes as `content` of the reasoning item."""
    generate_summary: Literal["auto", "concise", "detailed"] | None = None


class StreamOptions(Struct, forbid_unknown_fields=True):
    include_obfuscation: bool = False
    """Dropped: streams are not padded."""


FunctionOrSearch = FunctionTool | FileSearchTool
ToolChoice = Literal["none", "auto", "required"] | NamedFunction | FileSearchChoice | AllowedTools


class InputTokensRequest(Struct, forbid_unknown_fields=True):
    """What a prompt is made of."""

    model: Annotated[str, Meta(min_length=1, max_length=200)]
    input: Text | Annotated[list[InputItem], Meta(max_length=2000)] = ""
    instructions: Text | None = None
    previous_response_id: Name | None = None
    tools: Annotated[list[FunctionOrSearch], Meta(max_length=128)] = []
    tool_choice: ToolChoice = "auto"
    parallel_tool_calls: bool | None = True
    text: TextConfig = TextConfig()
    reasoning: Reasoning | None = None
    truncation: Literal["auto", "disabled"] | None = "disabled"


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
    prompt_cache_key: Name | None = None
    prompt_cache_options: dict[str, Any] | None = None
    """Dropped, as all about the cache: it is the engine's own, and finds equal beginnings by itself."""
    prompt_cache_retention: Literal["in_memory", "24h"] | None = None
    safety_identifier: Name | None = None
    user: Annotated[str, Meta(max_length=500)] | None = None
    service_tier: Literal["auto", "default", "flex", "priority", "fast"] | None = None
    """`flex` gives way to interactive work; the others are all the same."""
