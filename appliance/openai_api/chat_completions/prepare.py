"""From a caller's request to the engine's: what is dropped, renamed and bound, and the form of the answer."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

from msgspec import UNSET
from msgspec.structs import replace

from appliance.openai_api.chat_completions.forms import BuiltCalls, Form, JsonForm, NativeCalls
from appliance.openai_api.chat_completions.schemas import Checker, closed, is_held, refuse_unheld
from appliance.openai_api.chat_completions.tools import CallChecker, ToolPlan, call_format, plan_for, with_tools
from appliance.openai_api.chat_completions.wire import (
    AllowedToolChoice,
    ChatCompletionRequest,
    JsonSchema,
    ResponseFormat,
    Tool,
)
from appliance.openai_api.errors import UnsupportedValue
from appliance.openai_api.fields import CHAT, dropped
from appliance.openai_api.served import ServedModel

DROPPED = dropped(CHAT)
LIVELY_TEMPERATURE = 0.7
"""For a second try: what was unfit at temperature 0 would be written again, word for word."""


class Prepared(NamedTuple):
    """One per request: a tuple is made in a quarter of a frozen record's time."""

    request: ChatCompletionRequest
    format: dict[str, Any] | None = None
    """Takes the place of `response_format`."""
    form: Callable[[], Form] | None = None
    """None: the bytes pass as they are."""


def prepare(request: ChatCompletionRequest, model: ServedModel) -> Prepared:
    """The request for the engine; changes the one that is given.

    Raises:
        UnsupportedValue: fields contradict each other, or the model cannot do it.
        UnsupportedSchema: a schema is none, or has a keyword that decoding cannot hold.
    """
    for name in DROPPED:
        setattr(request, name, UNSET)
    request.service_tier = UNSET
    if request.max_completion_tokens:
        if request.max_tokens and request.max_tokens != request.max_completion_tokens:
            raise UnsupportedValue("'max_tokens' is the older name of 'max_completion_tokens'.", param="max_tokens")
        request.max_tokens, request.max_completion_tokens = request.max_completion_tokens, UNSET
    told = "tools" in model.abilities
    plan = plan_for(request)
    if plan is not None:
        _refuse_unheld_tools(request.tools or [])
        return _native(request, plan) if told else _built(request, plan)
    if not told and (request.tools or any(m.tool_calls or m.role == "tool" for m in request.messages)):
        request.messages = with_tools(request, None)
        request.tools = request.tool_choice = UNSET
    return Prepared(request, form=_json_form(request.response_format))


def once_more(request: ChatCompletionRequest, model: ServedModel) -> Prepared:
    """The same for a second try: livelier, and with calls in our own form, which holds with every engine."""
    temperature, seed = request.temperature, request.seed
    if isinstance(temperature, float | int) and temperature < LIVELY_TEMPERATURE:
        request.temperature = LIVELY_TEMPERATURE
    if isinstance(seed, int):
        request.seed = seed + 1 if seed < 2**62 else 0
    plain = dataclasses.replace(model, abilities=()) if request.tools else model
    return prepare(request, plain)


def _native(request: ChatCompletionRequest, plan: ToolPlan) -> Prepared:
    """The engine's own parser makes the calls; decoding holds arguments only of tools that are called strict."""
    request.tools = [_strict(t) for t in plan.tools] if plan.forced else list(plan.tools)
    if isinstance(request.tool_choice, AllowedToolChoice):
        request.tool_choice = "required" if plan.forced else "auto"
    if plan.forced:
        request.response_format = UNSET
    if plan.forced or any(t.function.strict for t in plan.tools):
        checker = CallChecker(plan)
        return Prepared(request, form=lambda: NativeCalls(checker))
    return Prepared(request, form=_json_form(request.response_format))


def _built(request: ChatCompletionRequest, plan: ToolPlan) -> Prepared:
    """We tell the tools, bind the answer to the form of calls, and read them out of it."""
    asked = request.response_format
    if not plan.forced and isinstance(asked, ResponseFormat) and asked.type != "text":
        raise UnsupportedValue(
            f"'{request.model}' cannot choose between a call and a format.",
            remedy="Leave out tools or response_format, or name a model with the ability 'tools'.",
            param="response_format",
        )
    checker = CallChecker(plan)
    request.messages = with_tools(request, plan)
    request.tools = request.tool_choice = request.parallel_tool_calls = request.response_format = UNSET
    return Prepared(request, call_format(plan), lambda: BuiltCalls(checker, forced=plan.forced))


def _strict(tool: Tool) -> Tool:
    parameters = tool.function.parameters
    held = not parameters or is_held(parameters)
    return Tool(tool.type, replace(tool.function, strict=True)) if held else tool


def _refuse_unheld_tools(tools: list[Tool]) -> None:
    for at, tool in enumerate(tools):
        if tool.function.strict and tool.function.parameters:
            refuse_unheld(tool.function.parameters, f"tools[{at}].function.parameters")


def _json_form(asked: Any) -> Callable[[], Form] | None:
    if not isinstance(asked, ResponseFormat) or asked.type == "text":
        return None
    checker = _json_checker(asked)
    return lambda: JsonForm(checker)


def _json_checker(asked: ResponseFormat) -> Checker:
    if asked.type == "json_object":
        return Checker({"type": "object"})
    given = asked.json_schema
    if not isinstance(given, JsonSchema) or given.schema is UNSET:
        raise UnsupportedValue("There is no schema.", param="response_format.json_schema.schema")
    place = "response_format.json_schema.schema"
    refuse_unheld(given.schema, place)
    checker = Checker(given.schema)
    asked.json_schema = replace(given, schema=closed(given.schema))
    return checker
