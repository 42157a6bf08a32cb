"""What may be asked of `/v1/chat/completions`, and what an assistant answers.

Fields that only an engine's internals know (`chat_template`, `chat_template_kwargs`, `cache_salt`, `priority`,
`kv_transfer_params`, `prompt_embeds`, media options, raw grammars …) are not here, so they are refused by name.
"""

from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

Text = Annotated[str, Meta(max_length=2_000_000)]


class ImageUrl(Struct, forbid_unknown_fields=True):
    url: Annotated[str, Meta(max_length=30_000_000)]
    detail: Literal["auto", "low", "high"] | UnsetType = UNSET


class TextPart(Struct, forbid_unknown_fields=True, tag="text", tag_field="type"):
    text: Text


class ImagePart(Struct, forbid_unknown_fields=True, tag="image_url", tag_field="type"):
    image_url: ImageUrl


class FunctionCall(Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(max_length=200)]
    arguments: Text


class ToolCall(Struct, forbid_unknown_fields=True):
    id: Annotated[str, Meta(max_length=200)]
    function: FunctionCall
    type: Literal["function"] = "function"


class Message(Struct):
    """Unknown fields of a message are dropped: clients send back our own replies with `annotations` and the like."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Text | list[TextPart | ImagePart] | None = None
    name: Annotated[str, Meta(max_length=200)] | UnsetType = UNSET
    tool_calls: Annotated[list[ToolCall], Meta(max_length=128)] | None | UnsetType = UNSET
    tool_call_id: Annotated[str, Meta(max_length=200)] | UnsetType = UNSET


class FunctionSpec(Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(max_length=200)]
    description: Text | UnsetType = UNSET
    parameters: dict[str, Any] | UnsetType = UNSET
    strict: bool | None | UnsetType = UNSET


class Tool(Struct, forbid_unknown_fields=True):
    type: Literal["function"]
    function: FunctionSpec


class NamedFunction(Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(max_length=200)]


class NamedToolChoice(Struct, forbid_unknown_fields=True):
    type: Literal["function"]
    function: NamedFunction


class JsonSchema(Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(max_length=200)]
    schema: dict[str, Any]
    description: Text | UnsetType = UNSET
    strict: bool | None | UnsetType = UNSET


class ResponseFormat(Struct, forbid_unknown_fields=True):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | UnsetType = UNSET


class StreamOptions(Struct, forbid_unknown_fields=True):
    include_usage: bool = False


class ChatCompletionRequest(Struct, forbid_unknown_fields=True):
    model: Annotated[str, Meta(min_length=1, max_length=200)]
    messages: Annotated[list[Message], Meta(min_length=1, max_length=2000)]
    stream: bool = False
    stream_options: StreamOptions | None | UnsetType = UNSET
    max_tokens: Annotated[int, Meta(ge=1, le=1_000_000)] | None | UnsetType = UNSET
    max_completion_tokens: Annotated[int, Meta(ge=1, le=1_000_000)] | None | UnsetType = UNSET
    temperature: Annotated[float, Meta(ge=0, le=2)] | None | UnsetType = UNSET
    top_p: Annotated[float, Meta(gt=0, le=1)] | None | UnsetType = UNSET
    n: Annotated[int, Meta(ge=1, le=4)] | None | UnsetType = UNSET
    stop: Annotated[str, Meta(max_length=500)] | list[str] | None | UnsetType = UNSET
    seed: int | None | UnsetType = UNSET
    presence_penalty: Annotated[float, Meta(ge=-2, le=2)] | None | UnsetType = UNSET
    frequency_penalty: Annotated[float, Meta(ge=-2, le=2)] | None | UnsetType = UNSET
    logprobs: bool | None | UnsetType = UNSET
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None | UnsetType = UNSET
    tools: Annotated[list[Tool], Meta(max_length=128)] | None | UnsetType = UNSET
    tool_choice: Literal["none", "auto", "required"] | NamedToolChoice | None | UnsetType = UNSET
    parallel_tool_calls: bool | None | UnsetType = UNSET
    response_format: ResponseFormat | None | UnsetType = UNSET
    user: Annotated[str, Meta(max_length=500)] | None | UnsetType = UNSET
    metadata: dict[str, str] | None | UnsetType = UNSET
    store: bool | None | UnsetType = UNSET


class UrlCitation(Struct):
    """OpenAI's citation, with what it does not have a place for: the page and the quoted words."""

    url: str
    title: str
    start_index: int
    end_index: int
    document_id: UUID
    version: int
    page: int | None
    quote: str


class Annotation(Struct):
    url_citation: UrlCitation
    type: Literal["url_citation"] = "url_citation"


class AnswerMessage(Struct):
    content: str
    annotations: list[Annotation]
    role: Literal["assistant"] = "assistant"
    refusal: None = None


class Choice(Struct):
    message: AnswerMessage
    finish_reason: str
    index: int = 0
    logprobs: None = None


class UsageReply(Struct):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatCompletion(Struct):
    id: str
    created: int
    model: str
    choices: list[Choice]
    usage: UsageReply
    object: Literal["chat.completion"] = "chat.completion"


class Delta(Struct, omit_defaults=True):
    role: Literal["assistant"] | UnsetType = UNSET
    content: str | UnsetType = UNSET
    annotations: list[Annotation] | UnsetType = UNSET


class ChunkChoice(Struct):
    delta: Delta
    finish_reason: str | None = None
    index: int = 0
    logprobs: None = None


class ChatCompletionChunk(Struct):
    id: str
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: UsageReply | None | UnsetType = UNSET
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
