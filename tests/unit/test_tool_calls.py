"""Calls of functions, without an engine: plans, forms, and what is read out of an answer."""

import json
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.inference import Catalogue
from appliance.openai_api.chat_completions.forms import BuiltCalls, JsonForm, NativeCalls
from appliance.openai_api.chat_completions.prepare import once_more, prepare
from appliance.openai_api.chat_completions.schemas import Checker
from appliance.openai_api.chat_completions.tools import CallChecker, CallScanner, call_format, plan_for, with_tools
from appliance.openai_api.chat_completions.wire import ChatCompletionRequest
from appliance.openai_api.errors import AnswerUnfit, UnsupportedSchema, UnsupportedValue
from appliance.openai_api.served import ServedModel

WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "unit": {"enum": ["celsius", "fahrenheit"]}},
    "required": ["city", "unit"],
    "additionalProperties": False,
}
TREE = {
    "type": "object",
    "properties": {"root": {"$ref": "#/$defs/node"}},
    "required": ["root"],
    "$defs": {
        "node": {"type": "object", "properties": {"below": {"type": "array", "items": {"$ref": "#/$defs/node"}}}}
    },
}
PLAIN = ServedModel("small", "chat", 4096)
MADE_FOR_TOOLS = ServedModel("large", "chat", 4096, ("tools",))


def tool(name: str, parameters: Any = None, **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": parameters, **more}}


def asked(**more: Any) -> ChatCompletionRequest:
    body = {"model": "m", "messages": [{"role": "user", "content": "Weather in Berlin?"}], **more}
    return msgspec.convert(body, ChatCompletionRequest)


TOOLS = [tool("get_weather", WEATHER, description="Of a city"), tool("walk", TREE)]
NAMED = {"type": "function", "function": {"name": "walk"}}
ALLOWED = {"mode": "required", "tools": [{"type": "function", "function": {"name": "walk"}}]}


@pytest.mark.parametrize(
    ("choice", "forced", "names"),
    [
        ("auto", False, ["get_weather", "walk"]),
        (None, False, ["get_weather", "walk"]),
        ("required", True, ["get_weather", "walk"]),
        (NAMED, True, ["walk"]),
        ({"type": "allowed_tools", "allowed_tools": ALLOWED}, True, ["walk"]),
    ],
)
def test_the_choice_says_which_functions_may_be_called(choice: Any, forced: bool, names: list[str]) -> None:
    plan = plan_for(asked(tools=TOOLS, tool_choice=choice))
    assert plan is not None
    assert plan.forced is forced
    assert list(plan.parameters()) == names


def test_no_choice_without_tools_and_no_tool_without_a_name_of_its_own() -> None:
    assert plan_for(asked()) is None
    assert plan_for(asked(tools=TOOLS, tool_choice="none")) is None
    for body in (
        {"tool_choice": "required"},
        {"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "fly"}}},
        {"tools": [TOOLS[0], TOOLS[0]]},
    ):
        with pytest.raises(UnsupportedValue):
            plan_for(asked(**body))


def test_the_form_of_forced_calls_is_a_schema_that_holds_every_tool() -> None:
    plan = plan_for(asked(tools=TOOLS, tool_choice="required"))
    assert plan is not None
    schema = (call_format(plan) or {})["json_schema"]["schema"]
    fits = jsonschema_rs.validator_for(schema).is_valid
    assert fits([{"name": "get_weather", "parameters": {"city": "Berlin", "unit": "celsius"}}])
    assert fits([{"name": "walk", "parameters": {"root": {"below": [{"below": []}]}}}])
    assert not fits([])
    assert not fits(["Berlin"])
    assert not fits([{"name": "get_weather", "parameters": {"city": "Berlin", "unit": "kelvin"}}])
    assert not fits([{"name": "walk", "parameters": {"root": {"below": [1]}}}])


def test_what_a_schema_leaves_open_has_an_end() -> None:
    plan = plan_for(asked(tools=TOOLS, tool_choice=NAMED))
    assert plan is not None
    schema = (call_format(plan) or {})["json_schema"]["schema"]
    assert schema["$defs"]["t0_node"]["properties"]["below"]["maxItems"] == 30
    named_type = tool("t", {"type": "object", "properties": {"type": {"type": "string"}, "maxItems": {"enum": [1]}}})
    plan = plan_for(asked(tools=[named_type], tool_choice="required"))
    assert plan is not None
    parameters = (call_format(plan) or {})["json_schema"]["schema"]["items"]["properties"]["parameters"]
    assert parameters["additionalProperties"] is False
    assert parameters["properties"] == {"type": {"type": "string", "maxLength": 1000}, "maxItems": {"enum": [1]}}


def test_one_call_only_when_parallel_calls_are_off() -> None:
    plan = plan_for(asked(tools=TOOLS, tool_choice="required", parallel_tool_calls=False))
    assert plan is not None
    assert (call_format(plan) or {})["json_schema"]["schema"]["maxItems"] == 1
    both = plan_for(asked(tools=TOOLS, tool_choice="required", parallel_tool_calls=True))
    assert both is not None
    assert (call_format(both) or {})["json_schema"]["schema"]["maxItems"] > 1
    two = [("get_weather", '{"city": "B", "unit": "celsius"}')] * 2
    assert CallChecker(plan).complaint(two) == "more than one function was called"
    assert not CallChecker(both).complaint(two)


names = st.sampled_from(["get_weather", "walk"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)
)
calls = st.lists(st.tuples(names, st.dictionaries(st.text(), values)), max_size=3)


@settings(max_examples=40, deadline=None)
@given(calls, st.lists(st.integers(1, 9), min_size=1), st.booleans())
def test_calls_are_read_from_any_portions(made: list[tuple[str, Any]], cuts: list[int], spaced: bool) -> None:
    indent = 2 if spaced else None
    text = json.dumps([{"name": n, "parameters": p} for n, p in made], indent=indent)
    scanner = CallScanner(forced=True)
    pieces = [p for part in portions(text, cuts) for p in scanner.feed(part)]
    assert [(n, json.loads(a)) for n, a in scanner.calls] == made
    joined = ["".join(p.text for p in pieces if p.index == i) for i in range(len(made))]
    assert joined == [a for _, a in scanner.calls]


@settings(max_examples=40, deadline=None)
@given(calls, st.lists(st.integers(1, 9), min_size=1), st.text(alphabet="a<tool_cl> \n"))
def test_text_around_marked_calls_stays(made: list[tuple[str, Any]], cuts: list[int], before: str) -> None:
    if "<tool_call>" in before:
        return
    marked = [f'<tool_call>\n{{"name": "{n}", "arguments": {json.dumps(a)}}}\n</tool_call>' for n, a in made]
    scanner = CallScanner(forced=False)
    pieces = [p for part in portions(before + "\n".join(marked), cuts) for p in scanner.feed(part)]
    pieces += scanner.finish()
    assert [(n, json.loads(a)) for n, a in scanner.calls] == made
    assert "".join(p.text for p in pieces if p.index < 0).strip() == before.strip()


def portions(text: str, cuts: list[int]) -> list[str]:
    """The text in pieces of these lengths, over and over."""
    found, at, turn = [], 0, 0
    while at < len(text):
        found.append(text[at : at + cuts[turn % len(cuts)]])
        at, turn = at + cuts[turn % len(cuts)], turn + 1
    return found


def test_a_model_without_tools_is_told_them_and_what_was_called() -> None:
    request = asked(
        tools=TOOLS,
        messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Weather?"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"B"}'}}
                ],
            },
            {"role": "tool", "tool_call_id": "1", "content": "18 degrees"},
        ],
    )
    system, _, called, result = with_tools(request, plan_for(request))
    assert str(system.content).startswith("Be brief.")
    assert '"name":"get_weather","description":"Of a city"' in str(system.content)
    assert called.content == '<tool_call>\n{"name": "get_weather", "arguments": {"city":"B"}}\n</tool_call>'
    assert not called.tool_calls
    assert (result.role, result.content) == ("user", "<tool_response>\n18 degrees\n</tool_response>")


def test_a_model_made_for_tools_is_held_to_the_arguments_when_it_must_call() -> None:
    prepared = prepare(asked(tools=TOOLS, tool_choice="required"), MADE_FOR_TOOLS)
    assert prepared.format is None
    assert [t.function.strict for t in prepared.request.tools or ()] == [True, True]
    assert prepared.form is not None
    free = prepare(asked(tools=TOOLS), MADE_FOR_TOOLS)
    assert free.form is None, "nothing was promised: the bytes pass"


def test_a_schema_that_decoding_cannot_hold_is_still_checked() -> None:
    odd = {"type": "object", "properties": {"a": {"type": "array", "uniqueItems": True}}}
    prepared = prepare(asked(tools=[tool("odd", odd)], tool_choice="required"), MADE_FOR_TOOLS)
    assert [t.function.strict for t in prepared.request.tools or ()] != [True]
    with pytest.raises(UnsupportedSchema) as refused:
        prepare(asked(tools=[tool("odd", odd, strict=True)]), MADE_FOR_TOOLS)
    assert refused.value.param == "tools[0].function.parameters.properties.a.uniqueItems"


def test_the_second_try_is_livelier_and_in_our_own_form() -> None:
    again = once_more(asked(tools=TOOLS, tool_choice="required", temperature=0, seed=7), MADE_FOR_TOOLS)
    assert again.format is not None
    assert again.request.temperature == 0.7
    assert again.request.seed == 8


def checker() -> CallChecker:
    plan = plan_for(asked(tools=TOOLS, tool_choice="required"))
    assert plan is not None
    return CallChecker(plan)


def test_a_bare_string_is_no_call() -> None:
    choice = {
        "index": 0,
        "message": {"tool_calls": [{"function": {"name": "get_weather", "arguments": '"Berlin"'}}]},
        "finish_reason": "stop",
    }
    with pytest.raises(AnswerUnfit):
        NativeCalls(checker()).whole(choice)
    NativeCalls(checker()).whole({**choice, "finish_reason": "length"})  # cut off, and said so


def test_an_answer_in_our_form_becomes_calls() -> None:
    text = '[\n{"name": "get_weather"\n,"parameters": {"city": "Berlin", "unit": "celsius"}}]'
    choice: dict[str, Any] = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    BuiltCalls(checker(), forced=True).whole(choice)
    (call,) = choice["message"]["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {"city": "Berlin", "unit": "celsius"}
    assert choice["message"]["content"] is None
    assert choice["finish_reason"] == "tool_calls"


def test_a_stream_in_our_form_becomes_calls() -> None:
    text = '[{"name": "get_weather", "parameters": {"city": "Berlin", "unit": "celsius"}}]'
    form = BuiltCalls(checker(), forced=True)
    made = form.feed({"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None})
    for part in portions(text, [5]):
        made += form.feed({"index": 0, "delta": {"content": part}, "finish_reason": None})
    made += form.feed({"index": 0, "delta": {"content": ""}, "finish_reason": "stop"})
    assert made[0]["delta"]["role"] == "assistant"
    deltas = [c for choice in made for c in choice["delta"].get("tool_calls", [])]
    assert deltas[0]["function"] == {"name": "get_weather", "arguments": ""}
    assert deltas[0]["id"].startswith("call_")
    assert json.loads("".join(d["function"].get("arguments", "") for d in deltas)) == {
        "city": "Berlin",
        "unit": "celsius",
    }
    assert [c["finish_reason"] for c in made if c["finish_reason"]] == ["tool_calls"]


def test_an_engine_is_asked_for_the_named_properties_only() -> None:
    inner = {"type": "object", "properties": {"properties": {"type": "string"}}}
    schema = {"type": "object", "properties": {"a": inner, "free": {"type": "object"}}}
    form = {"type": "json_schema", "json_schema": {"name": "s", "schema": schema}}
    sent = msgspec.to_builtins(prepare(asked(response_format=form), PLAIN).request.response_format)
    found = sent["json_schema"]["schema"]
    assert found["additionalProperties"] is False
    assert found["properties"]["a"] == {**inner, "additionalProperties": False}
    assert found["properties"]["free"] == {"type": "object"}


def test_json_that_does_not_fit_is_refused_unless_it_was_cut_off() -> None:
    form = JsonForm(Checker(WEATHER))
    choice = {"index": 0, "message": {"content": '{"city": "Berlin"}'}, "finish_reason": "stop"}
    with pytest.raises(AnswerUnfit):
        form.whole(choice)
    form.whole({**choice, "finish_reason": "length"})
    form.whole({**choice, "message": {"content": '{"city": "Berlin", "unit": "celsius"}'}})


def test_a_model_has_the_ability_when_its_engine_has_the_parser() -> None:
    for entry in Catalogue.load().all():
        parses = "--tool-call-parser" in entry.engine_args and "--enable-auto-tool-choice" in entry.engine_args
        assert parses == ("tools" in entry.abilities), entry.id
