"""From a messages request to a chat request. Pure."""

from collections.abc import Sequence
from typing import Literal, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from appliance.foundation import InvalidInput
from appliance.openai_api.chat_completions import wire as chat
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
    Tool,
    ToolChoice,
    ToolResultBlock,
    ToolUseBlock,
)

T = TypeVar("T")


def chat_request(request: MessagesRequest) -> chat.ChatCompletionRequest:
    """The chat request of a message.

    Raises:
        InvalidInput: a tool's result without its call, a tool choice without its tool, or a schema that is no object's.
    """
    tools = tools_of(request)
    return SampledChat(
        model=request.model,
        messages=messages_of(request),
        stream=request.stream,
        stream_options=chat.StreamOptions(include_usage=True) if request.stream else UNSET,
        max_completion_tokens=request.max_tokens,
        temperature=_or_unset(request.temperature),
        top_p=_or_unset(request.top_p),
        top_k=_or_unset(request.top_k),
        stop=request.stop_sequences or UNSET,
        tools=tools or UNSET,
        tool_choice=_choice(request, tools) if tools else UNSET,
        parallel_tool_calls=False
        if tools and getattr(request.tool_choice, "disable_parallel_tool_use", False)
        else UNSET,
        response_format=_format(request),
    )


def messages_of(request: CountRequest) -> list[chat.Message]:
    """Chat messages in order, with one system message at the head. Raises InvalidInput."""
    head = [_joined(request.system), *(_joined(m.content) for m in request.messages if m.role == "system")]
    system = "\n\n".join(part for part in head if part)
    said: list[chat.Message] = [chat.Message("system", content=system)] if system else []
    calls: set[str] = set()
    for place, message in enumerate(request.messages):
        if message.role == "assistant":
            said.append(_assistant(message, calls))
        elif message.role == "user":
            said += _user(message, calls, f"messages.{place}")
    return said


def tools_of(request: CountRequest) -> list[chat.Tool]:
    """Raises InvalidInput for a schema that is no object's."""
    return [_tool(tool, f"tools.{place}") for place, tool in enumerate(request.tools)]


def _choice(
    request: CountRequest, tools: Sequence[chat.Tool]
) -> Literal["none", "auto", "required"] | chat.NamedToolChoice:
    choice = request.tool_choice
    if isinstance(choice, ToolChoice):
        if choice.name not in {t.function.name for t in tools}:
            raise InvalidInput(f"tool_choice: there is no tool '{choice.name}' in tools.")
        return chat.NamedToolChoice(chat.NamedFunction(choice.name))
    if isinstance(choice, AnyChoice):
        return "required"
    return "none" if isinstance(choice, NoneChoice) else "auto"


def _assistant(message: MessageParam, calls: set[str]) -> chat.Message:
    """Text and calls in one message, as the engine made them; what was thought stays out."""
    blocks = [message.content] if isinstance(message.content, str) else message.content
    made = [b for b in blocks if isinstance(b, ToolUseBlock)]
    calls.update(b.id for b in made)
    tool_calls = [chat.ToolCall(b.id, chat.FunctionCall(b.name, msgspec.json.encode(b.input).decode())) for b in made]
    text = _joined(message.content)
    return chat.Message("assistant", content=text or (None if made else ""), tool_calls=tool_calls or UNSET)


def _user(message: MessageParam, calls: set[str], where: str) -> list[chat.Message]:
    """The results of tools come first, each a message of its own; then what the user says."""
    if isinstance(message.content, str):
        return [chat.Message("user", content=message.content)]
    said = []
    for block in message.content:
        if isinstance(block, ToolResultBlock):
            if block.tool_use_id not in calls:
                raise InvalidInput(f"{where}: there is no tool_use before the result of '{block.tool_use_id}'.")
            text = _joined(block.content)
            said.append(
                chat.Message(
                    "tool", content=f"Error: {text}" if block.is_error else text, tool_call_id=block.tool_use_id
                )
            )
    pictures = [i for b in message.content for i in _pictures(b)]
    text = _joined(message.content)
    if pictures:
        words = [chat.TextPart(text)] if text else []
        said.append(chat.Message("user", content=[*pictures, *words]))
    elif text or not said:
        said.append(chat.Message("user", content=text))
    return said


def _pictures(block: Block) -> list[chat.ImagePart]:
    """Also those of a tool's result: the tool's own message takes text only."""
    inside = block.content if isinstance(block, ToolResultBlock) and isinstance(block.content, list) else [block]
    found = [b.source for b in inside if isinstance(b, ImageBlock)]
    return [chat.ImagePart(chat.ImageUrl(f"data:{s.media_type};base64,{s.data}")) for s in found]


def _joined(content: str | Sequence[object]) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(b.text for b in content if isinstance(b, TextBlock))


def _tool(tool: Tool, where: str) -> chat.Tool:
    if tool.input_schema.get("type") != "object":
        raise InvalidInput(f"{where}.input_schema: its type must be 'object'.")
    spec = chat.FunctionSpec(
        tool.name, description=tool.description, parameters=tool.input_schema, strict=_or_unset(tool.strict)
    )
    return chat.Tool("function", spec)


def _format(request: CountRequest) -> chat.ResponseFormat | UnsetType:
    asked = request.output_config.format if request.output_config else None
    return (
        UNSET
        if asked is None
        else chat.ResponseFormat("json_schema", chat.JsonSchema("output", asked.schema, strict=True))
    )


def _or_unset(value: T | None) -> T | UnsetType:
    return UNSET if value is None else value
