"""What may be asked of `/v1/chat/completions`.

Fields that only an engine's internals know (`chat_template`, `chat_template_kwargs`, `cache_salt`, `priority`,
`kv_transfer_params`, `prompt_embeds`, media options, raw grammars …) are not here, so they are refused by name.
What becomes of each field that the specification knows: `openai_api/fields`.
"""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

Text = Annotated[str, Meta(max_length=2_000_000)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Line = Annotated[str, Meta(max_length=500)] | None | UnsetType
"""Of fields that are dropped."""
Stop = Annotated[str, Meta(max_length=500)] | Annotated[list[Annotated[str, Meta(max_length=500)]], Meta(max_length=4)]
Refused = None | UnsetType
"""Null is as good as absent; everything else is refused with the reason that `fields` gives."""


class ImageUrl(Struct):
    url: Annotated[str, Meta(max_length=30_000_000)]
    detail: Literal["auto", "low", "high"] | UnsetType = UNSET


class TextPart(Struct, tag="text", tag_field="type"):
    """Unknown fields of a part are dropped: marks for other services' caches stand there."""

    text: Text


class ImagePart(Struct, tag="image_url", tag_field="type"):
    image_url: ImageUrl


class RefusalPart(Struct, tag="refusal", tag_field="type"):
    refusal: Text


class FunctionCall(Struct):
    name: Name
    arguments: Text


class ToolCall(Struct):
    id: Annotated[str, Meta(max_length=200)]
    function: FunctionCall
    type: Literal["function"] = "function"


class Message(Struct):
    """Unknown fields of a message are dropped: clients send back our own replies with `annotations` and the like."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Text | Annotated[list[TextPart | ImagePart | RefusalPart], Meta(max_length=1000)] | None = None
    name: Annotated[str, Meta(max_length=200)] | None | UnsetType = UNSET
    tool_calls: Annotated[list[ToolCall], Meta(max_length=128)] | None | UnsetType = UNSET
    tool_call_id: Annotated[str, Meta(max_length=200)] | None | UnsetType = UNSET
    refusal: Text | None | UnsetType = UNSET
    reasoning: Text | None | UnsetType = UNSET
    """What a model thought, as engines call it; `reasoning_content` is the older name."""
    reasoning_content: Text | None | UnsetType = UNSET


class FunctionSpec(Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_.-]{1,64}$")]
    description: Text | None | UnsetType = UNSET
    parameters: dict[str, Any] | None | UnsetType = UNSET
    strict: bool | None | UnsetType = UNSET


class Tool(Struct):
    type: Literal["function"]
    function: FunctionSpec


class NamedFunction(Struct):
    name: Name


class NamedTool(Struct):
    type: Literal["function"]
    function: NamedFunction


class NamedToolChoice(Struct, tag="function", tag_field="type"):
    function: NamedFunction


class AllowedTools(Struct):
    mode: Literal["auto", "required"]
    tools: Annotated[list[NamedTool], Meta(min_length=1, max_length=128)]


class AllowedToolChoice(Struct, tag="allowed_tools", tag_field="type"):
    allowed_tools: AllowedTools


class JsonSchema(Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
    schema: dict[str, Any] | UnsetType = UNSET
    description: Text | None | UnsetType = UNSET
    strict: bool | None | UnsetType = UNSET


class ResponseFormat(Struct, forbid_unknown_fields=True):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | UnsetType = UNSET


class StreamOptions(Struct, forbid_unknown_fields=True):
    include_usage: bool | None = False
    include_obfuscation: bool | None | UnsetType = UNSET


def asks_for_usage(options: StreamOptions | None | UnsetType) -> bool:
    """Whether the usage event of a stream is wanted."""
    return isinstance(options, StreamOptions) and bool(options.include_usage)


class ChatCompletionRequest(Struct, forbid_unknown_fields=True):
    model: Name
    messages: Annotated[list[Message], Meta(min_length=1, max_length=2000)]
    stream: bool | None = False
    stream_options: StreamOptions | None | UnsetType = UNSET
    max_tokens: Annotated[int, Meta(ge=1, le=1_000_000)] | None | UnsetType = UNSET
    max_completion_tokens: Annotated[int, Meta(ge=1, le=1_000_000)] | None | UnsetType = UNSET
    temperature: Annotated[float, Meta(ge=0, le=2)] | None | UnsetType = UNSET
    top_p: Annotated[float, Meta(gt=0, le=1)] | None | UnsetType = UNSET
    n: Annotated[int, Meta(ge=1, le=4)] | None | UnsetType = UNSET
    stop: Stop | None | UnsetType = UNSET
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None | UnsetType = UNSET
    presence_penalty: Annotated[float, Meta(ge=-2, le=2)] | None | UnsetType = UNSET
    frequency_penalty: Annotated[float, Meta(ge=-2, le=2)] | None | UnsetType = UNSET
    logprobs: bool | None | UnsetType = UNSET
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None | UnsetType = UNSET
    tools: Annotated[list[Tool], Meta(max_length=128)] | None | UnsetType = UNSET
    tool_choice: Literal["none", "auto", "required"] | NamedToolChoice | AllowedToolChoice | None | UnsetType = UNSET
    parallel_tool_calls: bool | None | UnsetType = UNSET
    response_format: ResponseFormat | None | UnsetType = UNSET
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None | UnsetType = UNSET
    service_tier: Literal["auto", "default", "flex", "scale", "priority", "fast"] | None | UnsetType = UNSET

    metadata: Annotated[dict[str, Any], Meta(max_length=64)] | None | UnsetType = UNSET
    modalities: list[Literal["text"]] | None | UnsetType = UNSET
    prediction: dict[str, Any] | None | UnsetType = UNSET
    prompt_cache_key: Line = UNSET
    prompt_cache_options: dict[str, Any] | None | UnsetType = UNSET
    prompt_cache_retention: Line = UNSET
    safety_identifier: Line = UNSET
    store: bool | None | UnsetType = UNSET
    user: Line = UNSET
    verbosity: Line = UNSET

    audio: Refused = UNSET
    function_call: Refused = UNSET
    functions: Refused = UNSET
    logit_bias: Refused = UNSET
    moderation: Refused = UNSET
    web_search_options: Refused = UNSET
