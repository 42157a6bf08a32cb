"""What the request says about tools, in one value."""

from dataclasses import dataclass
from typing import Any

from msgspec import UNSET

from appliance.openai_api.chat_completions.wire import (
    AllowedToolChoice,
    ChatCompletionRequest,
    NamedToolChoice,
    Tool,
)
from appliance.openai_api.errors import UnsupportedValue

MOST_CALLS = 8
"""Calls in one answer in our own form; an engine's own parser may make more."""

NO_PARAMETERS: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}


@dataclass(frozen=True, slots=True)
class ToolPlan:
    tools: tuple[Tool, ...]
    """Those that may be called; never empty."""
    forced: bool
    """A call must be made."""
    most_calls: int
    """In one answer."""
    several: bool = False
    """Asked for by name. In our own form there is one call otherwise: small models repeat themselves."""

    def parameters(self) -> dict[str, dict[str, Any]]:
        """The schema of each function's arguments; a function without parameters takes none."""
        return {t.function.name: parameters_of(t) for t in self.tools}


def parameters_of(tool: Tool) -> dict[str, Any]:
    """The schema of the arguments, which are an object whatever the caller says."""
    given = tool.function.parameters
    if given is UNSET or not given:
        return NO_PARAMETERS
    return {"type": "object", **given}


def plan_for(request: ChatCompletionRequest) -> ToolPlan | None:
    """None when no function may be called.

    Raises:
        UnsupportedValue: the choice names a function that is not among the tools, or there are none to choose from.
    """
    tools = tuple(request.tools or ())
    choice = request.tool_choice or ("auto" if tools else "none")
    if choice == "none":
        return None
    if not tools:
        if choice == "auto":
            return None
        raise UnsupportedValue("'tool_choice' asks for a call, but there are no tools.", param="tool_choice")
    _refuse_twins(tools)
    several = request.parallel_tool_calls is True
    most = 1 if request.parallel_tool_calls is False else MOST_CALLS
    if isinstance(choice, NamedToolChoice):
        return ToolPlan(_named(tools, [choice.function.name]), forced=True, most_calls=1)
    if isinstance(choice, AllowedToolChoice):
        names = [t.function.name for t in choice.allowed_tools.tools]
        return ToolPlan(
            _named(tools, names), forced=choice.allowed_tools.mode == "required", most_calls=most, several=several
        )
    return ToolPlan(tools, forced=choice == "required", most_calls=most, several=several)


def _named(tools: tuple[Tool, ...], names: list[str]) -> tuple[Tool, ...]:
    known = {t.function.name for t in tools}
    for name in names:
        if name not in known:
            raise UnsupportedValue(f"'tool_choice' names '{name}', which is not among the tools.", param="tool_choice")
    return tuple(t for t in tools if t.function.name in names)


def _refuse_twins(tools: tuple[Tool, ...]) -> None:
    names = [t.function.name for t in tools]
    for at, name in enumerate(names):
        if name in names[:at]:
            raise UnsupportedValue(f"Two tools are called '{name}'.", param=f"tools[{at}].function.name")
