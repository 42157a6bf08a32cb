"""What may be asked of `/v1/messages`, and what it answers. A field that is not here is refused by name."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from appliance.openai_api.chat_completions.wire import ChatCompletionRequest

Text = Annotated[str, Meta(max_length=2_000_000)]
Name = Annotated[str, Meta(max_length=200)]
Refused = None | UnsetType
"""Null is as good as absent; everything else is refused with the reason that `fields` gives."""


class CacheControl(Struct, forbid_unknown_fields=True):
    """Dropped: the engine finds equal beginnings by itself."""

    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] | UnsetType = UNSET


class TextBlock(Struct, forbid_unknown_fields=True, tag="text", tag_field="type"):
    text: Text
    cache_control: CacheControl | None = None
    citations: list[Any] | None = None
    """Dropped: clients send back our own blocks."""


class ImageSource(Struct, forbid_unknown_fields=True, tag="base64", tag_field="type"):
    """The appliance fetches nothing that a caller names: pictures come inside the request."""

    media_type: Literal["image/jpeg", "image/png", "image/gif", "image/webp"]
    data: Annotated[str, Meta(max_length=30_000_000)]


class ImageBlock(Struct, forbid_unknown_fields=True, tag="image", tag_field="type"):
    source: ImageSource
    cache_control: CacheControl | None = None


class ThinkingBlock(Struct, forbid_unknown_fields=True, tag="thinking", tag_field="type"):
    """Dropped when it is sent back: chat templates leave out what was thought in earlier turns."""

    thinking: Text
    signature: Text = ""


class RedactedThinkingBlock(Struct, forbid_unknown_fields=True, tag="redacted_thinking", tag_field="type"):
    data: Text


class ToolUseBlock(Struct, forbid_unknown_fields=True, tag="tool_use", tag_field="type"):
    id: Name
    name: Name
    input: dict[str, Any]
    cache_control: CacheControl | None = None
    caller: dict[str, Any] | None = None
    toolset_name: None = None


class ToolResultBlock(Struct, forbid_unknown_fields=True, tag="tool_result", tag_field="type"):
    tool_use_id: Name
    content: Text | Annotated[list[TextBlock | ImageBlock], Meta(max_length=200)] = ""
    is_error: bool = False
    cache_control: CacheControl | None = None
    toolset_name: None = None


Block = TextBlock | ImageBlock | ThinkingBlock | RedactedThinkingBlock | ToolUseBlock | ToolResultBlock


class MessageParam(Struct, forbid_unknown_fields=True):
    role: Literal["user", "assistant", "system"]
    content: Text | Annotated[list[Block], Meta(max_length=2000)]


class Tool(Struct, forbid_unknown_fields=True):
    """A function of the caller's. `input_schema` is a JSON schema of an object."""

    name: Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]{1,128}$")]
    input_schema: dict[str, Any]
    description: Text | UnsetType = UNSET
    type: Literal["custom"] | None = None
    strict: bool | None = None
    cache_control: CacheControl | None = None
    input_examples: list[dict[str, Any]] | UnsetType = UNSET
    """Dropped."""


class AutoChoice(Struct, forbid_unknown_fields=True, tag="auto", tag_field="type"):
    disable_parallel_tool_use: bool = False


class AnyChoice(Struct, forbid_unknown_fields=True, tag="any", tag_field="type"):
    disable_parallel_tool_use: bool = False


class ToolChoice(Struct, forbid_unknown_fields=True, tag="tool", tag_field="type"):
    name: Name
    disable_parallel_tool_use: bool = False


class NoneChoice(Struct, forbid_unknown_fields=True, tag="none", tag_field="type"):
    pass


class ThinkingEnabled(Struct, forbid_unknown_fields=True, tag="enabled", tag_field="type"):
    budget_tokens: Annotated[int, Meta(ge=1, le=1_000_000)]
    """Counts as the model's own bound only: engines know none for thinking alone."""
    display: Literal["summarized", "omitted"] | None = None


class ThinkingAdaptive(Struct, forbid_unknown_fields=True, tag="adaptive", tag_field="type"):
    display: Literal["summarized", "omitted"] | None = None


class ThinkingDisabled(Struct, forbid_unknown_fields=True, tag="disabled", tag_field="type"):
    pass


class JsonFormat(Struct, forbid_unknown_fields=True, tag="json_schema", tag_field="type"):
    schema: dict[str, Any]


class OutputConfig(Struct, forbid_unknown_fields=True):
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: JsonFormat | None = None


class RequestMetadata(Struct, forbid_unknown_fields=True):
    """Dropped: the caller is known by the key."""

    user_id: Annotated[str, Meta(max_length=500)] | None = None


class CountRequest(Struct, forbid_unknown_fields=True):
    """`/v1/messages/count_tokens`: what a prompt is made of."""

    model: Annotated[str, Meta(min_length=1, max_length=200)]
    messages: Annotated[list[MessageParam], Meta(min_length=1, max_length=2000)]
    system: Text | Annotated[list[TextBlock], Meta(max_length=200)] | None = None
    tools: Annotated[list[Tool], Meta(max_length=128)] | None = None
    tool_choice: AutoChoice | AnyChoice | ToolChoice | NoneChoice | None = None
    thinking: ThinkingEnabled | ThinkingAdaptive | ThinkingDisabled | None = None
    output_config: OutputConfig | None = None
    cache_control: CacheControl | None = None

    speed: Refused = UNSET
    user_profile_id: Refused = UNSET
    workspace_id: Refused = UNSET


class MessagesRequest(CountRequest, forbid_unknown_fields=True, kw_only=True):
    max_tokens: Annotated[int, Meta(ge=1, le=1_000_000)]
    stream: bool | None = False
    stop_sequences: Annotated[list[Annotated[str, Meta(min_length=1, max_length=500)]], Meta(max_length=4)] | None = (
        None
    )
    temperature: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_p: Annotated[float, Meta(gt=0, le=1)] | None = None
    top_k: Annotated[int, Meta(ge=1, le=1000)] | None = None
    metadata: RequestMetadata | None = None
    service_tier: Literal["auto", "standard_only"] | None = None

    container: Refused = UNSET
    diagnostics: Refused = UNSET
    inference_geo: Refused = UNSET


class SampledChat(ChatCompletionRequest, kw_only=True):
    """A chat request with what only this endpoint lets through."""

    top_k: int | UnsetType = UNSET


StopReason = Literal["end_turn", "max_tokens", "stop_sequence", "tool_use", "refusal"]


class TextReply(Struct, tag="text", tag_field="type"):
    text: str
    citations: None = None


class ThinkingReply(Struct, tag="thinking", tag_field="type"):
    thinking: str
    signature: str = ""


class ToolUseReply(Struct, tag="tool_use", tag_field="type"):
    id: str
    name: str
    input: dict[str, Any]


ReplyBlock = TextReply | ThinkingReply | ToolUseReply


class Usage(Struct):
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_creation_input_tokens: int = 0


class Message(Struct):
    id: str
    model: str
    content: list[ReplyBlock]
    usage: Usage
    stop_reason: StopReason | None = None
    stop_sequence: str | None = None
    role: Literal["assistant"] = "assistant"
    type: Literal["message"] = "message"


class CountReply(Struct):
    input_tokens: int
