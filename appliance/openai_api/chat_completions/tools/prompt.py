"""Tools for a model whose chat template knows none: told in the system message, calls and results as text."""

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from appliance.openai_api.chat_completions.tools.plan import ToolPlan, parameters_of
from appliance.openai_api.chat_completions.wire import ChatCompletionRequest, Message, TextPart, Tool

FORCED = 'Answer with a JSON array of calls only, like [{{"name": "{name}", "parameters": {{…}}}}].'
FREE = (
    "To call a function, write\n<tool_call>\n"
    '{"name": function name, "arguments": {…}}\n</tool_call>\n'
    "Call one only when it is needed; otherwise answer in plain text."
)


def with_tools(request: ChatCompletionRequest, plan: ToolPlan | None) -> list[Message]:
    """The messages with everything about tools as text; without a plan, only what was called earlier is told."""
    messages = [_told(m) for m in request.messages]
    if plan is None:
        return messages
    how = FORCED.format(name=plan.tools[0].function.name) if plan.forced else FREE
    text = "You can call functions. They are, one a line:\n" + "\n".join(map(_line, plan.tools)) + f"\n{how}"
    if messages and messages[0].role in ("system", "developer"):
        first = messages[0]
        return [replace(first, content=f"{_text(first)}\n\n{text}"), *messages[1:]]
    return [Message(role="system", content=text), *messages]


def _line(tool: Tool) -> str:
    described = {
        "name": tool.function.name,
        "description": tool.function.description or "",
        "parameters": parameters_of(tool),
    }
    return msgspec.json.encode(described).decode()


def _told(message: Message) -> Message:
    if message.role == "tool":
        return Message(role="user", content=f"<tool_response>\n{_text(message)}\n</tool_response>")
    if message.role == "assistant" and message.tool_calls:
        calls = [
            f'<tool_call>\n{{"name": {msgspec.json.encode(c.function.name).decode()}, '
            f'"arguments": {c.function.arguments}}}\n</tool_call>'
            for c in message.tool_calls
        ]
        return replace(message, content="\n".join(filter(None, [_text(message), *calls])), tool_calls=UNSET)
    return message


def _text(message: Message) -> str:
    if isinstance(message.content, str):
        return message.content
    return "\n".join(p.text for p in message.content or [] if isinstance(p, TextPart))
