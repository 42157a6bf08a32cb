"""From a messages request to a chat request. Pure."""

from collections.abc import Sequence
from typing import Literal, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from appliance.foundation import InvalidInput
from appliance.openai_api.chat_completions import wire
from appliance.openai_api.messages.wire import (
    AnyChoice,
    Block,
    CountRequest,
    ImageBlock,
    MessageParam,
    MessagesRequest,
    NoneChoice,
    SampledChat,
    TextBlock,
    ThinkingDisabled,
    Tool,
    ToolChoice,
    ToolResultBlock,
    ToolUseBlock,
)

T = TypeVar("T")
Effort = Literal["none", "low", "medium", "high", "xhigh", "max"]


def prompt_of(request: CountRequest) -> SampledChat:
    """The chat request as far as the prompt goes.

    Raises:
        InvalidInput: a tool's result without its call, a tool choice without its tool, or a schema that is no object's.
    """
    tools = [_tool(tool, f"tools.{place}") for place, tool in enumerate(request.tools or ())]
    alone = getattr(request.tool_choice, "disable_parallel_tool_use", False)
    return SampledChat(
        model=request.model,
        messages=messages_of(request),
        tools=tools or UNSET,
        tool_choice=_choice(request, tools) if tools else UNSET,
        parallel_tool_calls=False if tools and alone else UNSET,
        response_format=_format(request),
        reasoning_effort=_effort(request),
    )


def chat_request(request: MessagesRequest) -> SampledChat:
    """The whole chat request of a message. Raises what `prompt_of` raises."""
    chat = prompt_of(request)
    chat.stream = bool(request.stream)
    chat.stream_options = wire.StreamOptions(include_usage=True) if request.stream else UNSET
    chat.max_completion_tokens = request.max_tokens
    chat.temperature = _or_unset(request.temperature)
    chat.top_p = _or_unset(request.top_p)
    chat.top_k = _or_unset(request.top_k)
    chat.stop = request.stop_sequences or UNSET
    return chat


def messages_of(request: CountRequest) -> list[wire.Message]:
    """Chat messages in order, with one system message at the head. Raises InvalidInput."""
    head = [_joined(request.system or ""), *(_joined(m.content) for m in request.messages if m.role == "system")]
    system = "\n\n".join(part for part in head if part)
    said: list[wire.Message] = [wire.Message("system", content=system)] if system else []
    calls: set[str] = set()
    for place, message in enumerate(request.messages):
        if message.role == "assistant":
            said.append(_assistant(message, calls))
        elif message.role == "user":
            said += _user(message, calls, f"messages.{place}")
    return said


def _choice(
    request: CountRequest, tools: Sequence[wire.Tool]
) -> Literal["none", "auto", "required"] | wire.NamedToolChoice:
    choice = request.tool_choice
    if isinstance(choice, ToolChoice):
        if choice.name not in {t.function.name for t in tools}:
            raise InvalidInput(f"tool_choice: there is no tool '{choice.name}' in tools.")
        return wire.NamedToolChoice(wire.NamedFunction(choice.name))
    if isinstance(choice, AnyChoice):
        return "required"
    return "none" if isinstance(choice, NoneChoice) else "auto"


def _assistant(message: MessageParam, calls: set[str]) -> wire.Message:
    """Text and calls in one message, as the engine made them; what was thought stays out."""
    blocks = [message.content] if isinstance(message.content, str) else message.content
    made = [b for b in blocks if isinstance(b, ToolUseBlock)]
    calls.update(b.id for b in made)
    tool_calls = [wire.ToolCall(b.id, wire.FunctionCall(b.name, msgspec.json.encode(b.input).decode())) for b in made]
    text = _joined(message.content)
    return wire.Message("assistant", content=text or (None if made else ""), tool_calls=tool_calls or UNSET)


def _user(message: MessageParam, calls: set[str], where: str) -> list[wire.Message]:
    """The results of tools come first, each a message of its own; then what the user says."""
    if isinstance(message.content, str):
        return [wire.Message("user", content=message.content)]
    said = []
    for block in message.content:
        if isinstance(block, ToolResultBlock):
            if block.tool_use_id not in calls:
                raise InvalidInput(f"{where}: there is no tool_use before the result of '{block.tool_use_id}'.")
            text = _joined(block.content)
            said.append(
                wire.Message(
                    "tool", content=f"Error: {text}" if block.is_error else text, tool_call_id=block.tool_use_id
                )
            )
    pictures = [i for b in message.content for i in _pictures(b)]
    text = _joined(message.content)
    if pictures:
        words = [wire.TextPart(text)] if text else []
        said.append(wire.Message("user", content=[*pictures, *words]))
    elif text or not said:
        said.append(wire.Message("user", content=text))
    return said


def _pictures(block: Block) -> list[wire.ImagePart]:
    """Also those of a tool's result: the tool's own message takes text only."""
    inside = block.content if isinstance(block, ToolResultBlock) and isinstance(block.content, list) else [block]
    found = [b.source for b in inside if isinstance(b, ImageBlock)]
    return [wire.ImagePart(wire.ImageUrl(f"data:{s.media_type};base64,{s.data}")) for s in found]


def _joined(content: str | Sequence[object]) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(b.text for b in content if isinstance(b, TextBlock))


def _tool(tool: Tool, where: str) -> wire.Tool:
    if tool.input_schema.get("type") != "object":
        raise InvalidInput(f"{where}.input_schema: its type must be 'object'.")
    spec = wire.FunctionSpec(
        tool.name, description=tool.description, parameters=tool.input_schema, strict=_or_unset(tool.strict)
    )
    return wire.Tool("function", spec)


def _format(request: CountRequest) -> wire.ResponseFormat | UnsetType:
    asked = request.output_config.format if request.output_config else None
    return (
        UNSET
        if asked is None
        else wire.ResponseFormat("json_schema", wire.JsonSchema("output", asked.schema, strict=True))
    )


def _effort(request: CountRequest) -> Effort | UnsetType:
    """Thinking that is turned off counts before an effort that is asked for."""
    if isinstance(request.thinking, ThinkingDisabled):
        return "none"
    return _or_unset(request.output_config.effort) if request.output_config else UNSET


def _or_unset(value: T | None) -> T | UnsetType:
    return UNSET if value is None else value
