"""From a request and the items before it to a chat request. Pure."""

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Literal, TypeVar

from msgspec import UNSET, UnsetType

from appliance.foundation import InvalidInput
from appliance.openai_api.chat_completions.wire import (
    ChatCompletionRequest,
    FunctionCall,
    FunctionSpec,
    ImagePart,
    ImageUrl,
    JsonSchema,
    Message,
    NamedFunction,
    NamedToolChoice,
    RefusalPart,
    ResponseFormat,
    StreamOptions,
    TextPart,
    Tool,
    ToolCall,
)
from appliance.openai_api.errors import UnsupportedValue
from appliance.openai_api.responses import wire
from appliance.openai_api.responses.items import InputImage, InputItem, InputText, OutputText, Refusal

T = TypeVar("T")
ChatChoice = Literal["none", "auto", "required"] | NamedToolChoice

NAMES = (
    (re.compile(r"^messages\b.*"), "input"),
    (re.compile(r"^response_format\.json_schema\b"), "text.format"),
    (re.compile(r"^response_format\b"), "text.format"),
    (re.compile(r"^tools\b.*?(?=$|\.parameters)"), "tools"),
    (re.compile(r"^max_(completion_)?tokens$"), "max_output_tokens"),
    (re.compile(r"^reasoning_effort$"), "reasoning.effort"),
)
"""What a chat request calls a field, and a response; places in lists are not the same."""

SENT_BACK = frozenset({"reasoning", "file_search_call"})
"""Items that clients send back and that no chat template has a place for; what was said about them follows anyway."""


def items_of(asked: str | Sequence[InputItem] | None) -> list[InputItem]:
    """The input as items; a bare text is the user's message. Raises InvalidInput for an item that lacks something."""
    if asked is None:
        return []
    if isinstance(asked, str):
        return [InputItem(role="user", content=asked)]
    for place, item in enumerate(asked):
        _check(item, f"input[{place}]")
    return list(asked)


def prompt_of(request: wire.InputTokensRequest, items: Sequence[InputItem]) -> ChatCompletionRequest:
    """The chat request as far as the prompt goes.

    Args:
        request: What was asked.
        items: Everything said so far, oldest first, with the input of this request at the end.

    Raises:
        InvalidInput: a tool's result without its call, a tool choice without its tool, or nothing to answer.
    """
    tools, choice = tools_of(request)
    return ChatCompletionRequest(
        model=request.model,
        messages=messages_of(items, instructions=request.instructions or ""),
        tools=tools or UNSET,
        tool_choice=choice if tools else UNSET,
        parallel_tool_calls=_or_unset(request.parallel_tool_calls) if tools else UNSET,
        response_format=_format(request.text.format) if request.text else UNSET,
        reasoning_effort=_or_unset(request.reasoning.effort) if request.reasoning else UNSET,
    )


def chat_request(request: wire.ResponsesRequest, items: Sequence[InputItem]) -> ChatCompletionRequest:
    """The whole chat request of a response. Raises what `prompt_of` raises."""
    chat = prompt_of(request, items)
    chat.stream = bool(request.stream)
    chat.stream_options = StreamOptions(include_usage=True) if request.stream else UNSET
    chat.max_completion_tokens = _or_unset(request.max_output_tokens)
    chat.temperature = _or_unset(request.temperature)
    chat.top_p = _or_unset(request.top_p)
    if "message.output_text.logprobs" in (request.include or ()) or request.top_logprobs:
        chat.logprobs, chat.top_logprobs = True, request.top_logprobs or 0
    return chat


def tools_of(request: wire.InputTokensRequest) -> tuple[list[Tool], ChatChoice]:
    """Functions that the model may call now, and which it must. Raises InvalidInput for a choice without its tool."""
    functions = [t for t in request.tools or () if isinstance(t, wire.FunctionTool)]
    choice = request.tool_choice or "auto"
    if isinstance(choice, wire.AllowedTools):
        names = {tool.name for tool in choice.tools if tool.type == "function"}
        _must_have(names, {f.name for f in functions})
        functions = [f for f in functions if f.name in names]
        choice = choice.mode
    if isinstance(choice, wire.FileSearchChoice):
        _must_have({"file_search"}, {t.__struct_config__.tag for t in request.tools or ()})
        return [], "none"
    if isinstance(choice, wire.NamedFunction):
        _must_have({choice.name}, {f.name for f in functions})
        return [_tool(f) for f in functions], NamedToolChoice(NamedFunction(choice.name))
    return [_tool(f) for f in functions], choice


def search_of(request: wire.InputTokensRequest) -> wire.FileSearchTool | None:
    """The search that comes before the answer, if any. Raises UnsupportedValue for more than one."""
    found = [t for t in request.tools or () if isinstance(t, wire.FileSearchTool)]
    if len(found) > 1:
        raise UnsupportedValue("There are several file_search tools.", remedy="Name all stores in one.", param="tools")
    choice = request.tool_choice
    allowed = not isinstance(choice, wire.AllowedTools) or any(t.type == "file_search" for t in choice.tools)
    if not found or choice == "none" or isinstance(choice, wire.NamedFunction) or not allowed:
        return None
    return found[0]


def messages_of(items: Sequence[InputItem], *, instructions: str = "") -> list[Message]:
    """Chat messages in order, with one system message at the head: not every chat template takes one elsewhere.

    Raises:
        InvalidInput: a tool's result without its call, or nothing to answer.
    """
    head = [instructions, *(_text(i.content) for i in items if i.role in ("system", "developer"))]
    system = "\n\n".join(part for part in head if part)
    said: list[Message] = []
    calls: set[str] = set()
    for item in items:
        if item.type in SENT_BACK or item.role in ("system", "developer"):
            continue
        if item.type == "function_call":
            _call(said, item)
            calls.add(str(item.call_id))
        elif item.type == "function_call_output":
            if item.call_id not in calls:
                raise InvalidInput(
                    f"There is no function_call before the output with call_id '{item.call_id}'.", param="input"
                )
            said.append(Message("tool", content=_text(item.output), tool_call_id=item.call_id))
        else:
            said.append(Message(item.role or "user", content=_content(item.content)))
    if not said and not system:
        raise InvalidInput("There is nothing to answer.", remedy="Send 'input', a text or items.", param="input")
    return [Message("system", content=system), *said] if system else said


def last_question(items: Sequence[InputItem]) -> str:
    """The text of the user's last message; empty when there is none."""
    asked = [_text(i.content) for i in items if i.type == "message" and i.role == "user"]
    return asked[-1] if asked else ""


def field_of(param: str) -> str:
    """The place of an error in the chat request, as a place in the request of a response."""
    for chat_name, name in NAMES:
        param = chat_name.sub(name, param)
    return param


def _check(item: InputItem, where: str) -> None:
    needs = {
        "message": ("role", "content"),
        "function_call": ("call_id", "name", "arguments"),
        "function_call_output": ("call_id", "output"),
    }
    for field in needs.get(item.type, ()):
        if getattr(item, field) in (UNSET, None):
            raise InvalidInput(f"{where} is a {item.type} without '{field}'.", param=f"{where}.{field}")


def _call(said: list[Message], item: InputItem) -> None:
    """Calls that follow each other, or a text, belong to one message of the assistant, as the engine made them."""
    call = ToolCall(str(item.call_id), FunctionCall(str(item.name), str(item.arguments)))
    if said and said[-1].role == "assistant":
        calls = said[-1].tool_calls or []
        said[-1].tool_calls = [*calls, call]
    else:
        said.append(Message("assistant", tool_calls=[call]))


def _content(content: object) -> str | list[TextPart | ImagePart | RefusalPart]:
    """Text as one string, unless there are pictures."""
    parts = content if isinstance(content, list) else []
    if not any(isinstance(p, InputImage) for p in parts):
        return _text(content)
    return list(_parts(parts))


def _parts(parts: Sequence[object]) -> Iterator[TextPart | ImagePart]:
    for part in parts:
        if isinstance(part, InputImage):
            yield ImagePart(ImageUrl(part.image_url, part.detail))
        elif isinstance(part, InputText | OutputText):
            yield TextPart(part.text)


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    found = []
    for part in content if isinstance(content, list) else []:
        if isinstance(part, InputText | OutputText):
            found.append(part.text)
        elif isinstance(part, Refusal):
            found.append(part.refusal)
    return "\n".join(found)


def _tool(function: wire.FunctionTool) -> Tool:
    return Tool(
        "function",
        FunctionSpec(
            function.name,
            description=_or_unset(function.description),
            parameters=_or_unset(function.parameters),
            strict=_or_unset(function.strict),
        ),
    )


def _format(asked: wire.TextFormat | wire.JsonObjectFormat | wire.JsonSchemaFormat) -> ResponseFormat | UnsetType:
    if isinstance(asked, wire.JsonSchemaFormat):
        schema = JsonSchema(asked.name, asked.schema, _or_unset(asked.description), _or_unset(asked.strict))
        return ResponseFormat("json_schema", schema)
    return ResponseFormat("json_object") if isinstance(asked, wire.JsonObjectFormat) else UNSET


def _must_have(wanted: AbstractSet[object], there: AbstractSet[object]) -> None:
    missing = sorted(str(w) for w in wanted - there)
    if missing:
        raise InvalidInput(f"tool_choice names a tool that is not in tools: {', '.join(missing)}.", param="tool_choice")


def _or_unset(value: T | None) -> T | UnsetType:
    """Fields that nobody set stay out of the engine's request."""
    return UNSET if value is None else value
