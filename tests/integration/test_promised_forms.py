"""Calls and JSON that were promised: built, checked, asked for again, or an honest error."""

import json
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.fakes.engine import FakeEngine
from tests.support.gateway import CHAT_MODEL, TOOLS_MODEL, Client, Gateway

pytestmark = pytest.mark.any_database

WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": WEATHER}}
CALL = '[{"name": "get_weather", "parameters": {"city": "Berlin am Meer", "days": 3}}]'
ASKED: dict[str, Any] = {
    "model": CHAT_MODEL,
    "messages": [{"role": "user", "content": "Weather?"}],
    "tools": [TOOL],
    "tool_choice": "required",
}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "weather", "strict": True, "schema": WEATHER}}


@pytest.fixture(scope="session")
async def caller(running_gateway: Gateway) -> AsyncIterator[Client]:
    person = await running_gateway.person(f"forms-{uuid.uuid4().hex}@x.test")
    client = await running_gateway.with_key(person)
    yield client
    await client.aclose()
    await person.aclose()


@contextmanager
def answering(engine: FakeEngine, text: str) -> Iterator[None]:
    former, engine.answer = engine.answer, text
    engine.chats.clear()
    try:
        yield
    finally:
        engine.answer = former


async def streamed(client: Client, body: dict[str, Any]) -> list[Any]:
    async with client.stream("POST", "/v1/chat/completions", json={**body, "stream": True}) as reply:
        if reply.status_code != 200:  # nothing had been sent yet
            return [json.loads(await reply.aread())]
        lines = [line.removeprefix("data: ") async for line in reply.aiter_lines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"] + ["[DONE]"] * ("[DONE]" in lines)


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "get_weather"}}])
async def test_a_forced_call_is_made_of_the_answer(caller: Client, engine: FakeEngine, choice: Any) -> None:
    with answering(engine, CALL):
        reply = await caller.ok("POST", "/v1/chat/completions", {**ASKED, "tool_choice": choice})
    (made,) = reply["choices"]
    assert made["finish_reason"] == "tool_calls"
    assert made["message"]["content"] is None
    (call,) = made["message"]["tool_calls"]
    assert call["function"]["name"] == "get_weather"
    assert json.loads(call["function"]["arguments"]) == {"city": "Berlin am Meer", "days": 3}
    (sent,) = engine.chats
    assert not {"tools", "tool_choice", "structured_outputs"} & set(sent)
    assert sent["response_format"]["type"] == "json_schema"
    assert "get_weather" in sent["messages"][0]["content"]


async def test_a_forced_call_comes_in_pieces(caller: Client, engine: FakeEngine) -> None:
    with answering(engine, CALL):
        events = await streamed(caller, {**ASKED, "stream_options": {"include_usage": True}})
    assert events[-1] == "[DONE]"
    assert events[-2]["usage"]["completion_tokens"] > 0
    choices = [e["choices"][0] for e in events[:-2]]
    deltas = [c["delta"]["tool_calls"][0] for c in choices if c["delta"].get("tool_calls")]
    assert deltas[0]["function"] == {"name": "get_weather", "arguments": ""}
    assert len(deltas) > 3
    assert json.loads("".join(d["function"].get("arguments", "") for d in deltas))["days"] == 3
    assert choices[-1]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("text", ["Sunny.", '["Berlin"]', '[{"name": "get_weather", "parameters": {"town": "B"}}]'])
async def test_what_does_not_fit_is_asked_for_again_and_then_told(
    caller: Client, engine: FakeEngine, text: str
) -> None:
    with answering(engine, text):
        reply = await caller.post("/v1/chat/completions", json={**ASKED, "temperature": 0})
        assert [c["temperature"] for c in engine.chats] == [0, 0.7]
        events = await streamed(caller, ASKED)
    assert (reply.status_code, reply.json()["error"]["code"]) == (503, "answer_unfit")
    assert events[-1]["error"]["code"] == "answer_unfit"
    assert not any(e["choices"][0].get("finish_reason") for e in events[:-1])


async def test_a_model_without_tools_may_call_or_answer(caller: Client, engine: FakeEngine) -> None:
    free = {**ASKED, "tool_choice": "auto"}
    with answering(engine, "It is sunny."):
        plain = (await caller.ok("POST", "/v1/chat/completions", free))["choices"][0]
        text = "".join(e["choices"][0]["delta"].get("content") or "" for e in (await streamed(caller, free))[:-1])
    assert (plain["message"]["content"], plain["finish_reason"]) == ("It is sunny.", "stop")
    assert "tool_calls" not in plain["message"]
    assert text == "It is sunny."
    marked = 'I look. <tool_call>\n{"name": "get_weather", "arguments": {"city": "Berlin"}}\n</tool_call>'
    with answering(engine, marked):
        called = (await caller.ok("POST", "/v1/chat/completions", free))["choices"][0]
        events = await streamed(caller, free)
    assert called["message"]["content"] == "I look."
    assert called["message"]["tool_calls"][0]["function"]["arguments"] == '{"city": "Berlin"}'
    deltas = [e["choices"][0]["delta"] for e in events[:-1]]
    assert "".join(d.get("content") or "" for d in deltas).strip() == "I look."
    pieces = [d["tool_calls"][0]["function"] for d in deltas if d.get("tool_calls")]
    assert pieces[0]["name"] == "get_weather"
    assert "".join(p["arguments"] for p in pieces) == '{"city": "Berlin"}'


async def test_json_that_was_promised_fits_or_is_an_error(caller: Client, engine: FakeEngine) -> None:
    body = {"model": CHAT_MODEL, "messages": ASKED["messages"], "response_format": SCHEMA}
    with answering(engine, '{"city": "Berlin"}'):
        good = await caller.ok("POST", "/v1/chat/completions", body)
        assert good["choices"][0]["message"]["content"] == '{"city": "Berlin"}'
        assert (await streamed(caller, body))[-1] == "[DONE]"
    with answering(engine, '{"town": "Berlin"}'):
        assert (await caller.post("/v1/chat/completions", json=body)).json()["error"]["code"] == "answer_unfit"
        assert (await streamed(caller, body))[-1]["error"]["code"] == "answer_unfit"
    with answering(engine, "no JSON at all"):
        loose = {**body, "response_format": {"type": "json_object"}}
        assert (await caller.post("/v1/chat/completions", json=loose)).json()["error"]["code"] == "answer_unfit"


async def test_tools_and_a_format_cannot_be_promised_together_without_the_ability(caller: Client) -> None:
    body = {**ASKED, "tool_choice": "auto", "response_format": SCHEMA}
    error = (await caller.post("/v1/chat/completions", json=body)).json()["error"]
    assert (error["code"], error["param"]) == ("unsupported_value", "response_format")


def native(arguments: str) -> list[dict[str, Any]]:
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": ""}}
    return [{"tool_calls": [call]}, {"tool_calls": [{"index": 0, "function": {"arguments": arguments}}]}]


@pytest.fixture
def parsing(engine: FakeEngine) -> Iterator[FakeEngine]:
    """The stand-in as an engine with a parser of its own."""
    engine.chats.clear()
    yield engine
    engine.deltas, engine.finish = [], "stop"


async def test_an_engine_that_parses_is_bound_and_checked(caller: Client, parsing: FakeEngine) -> None:
    parsing.deltas, parsing.finish = native('{"city": "Berlin"}'), "tool_calls"
    whole = await caller.ok("POST", "/v1/chat/completions", {**ASKED, "model": TOOLS_MODEL})
    assert whole["choices"][0]["message"]["tool_calls"][0]["id"] == "call_1"
    assert (await streamed(caller, {**ASKED, "model": TOOLS_MODEL}))[-1] == "[DONE]"
    for sent in parsing.chats:
        assert sent["tools"][0]["function"]["strict"] is True
        assert sent["tool_choice"] == "required"
    parsing.chats.clear()
    await caller.ok("POST", "/v1/chat/completions", {**ASKED, "model": TOOLS_MODEL, "tool_choice": "auto"})
    assert "strict" not in parsing.chats[0]["tools"][0]["function"]


async def test_a_bare_string_for_arguments_is_never_passed_on(caller: Client, parsing: FakeEngine) -> None:
    parsing.deltas, parsing.finish = native('"Berlin"'), "tool_calls"
    reply = await caller.post("/v1/chat/completions", json={**ASKED, "model": TOOLS_MODEL})
    assert (reply.status_code, reply.json()["error"]["code"]) == (503, "answer_unfit")
    assert [c.get("response_format", {}).get("type") for c in parsing.chats] == [None, "json_schema"]
    events = await streamed(caller, {**ASKED, "model": TOOLS_MODEL})
    assert events[-1]["error"]["code"] == "answer_unfit"
    assert not any(c["finish_reason"] for e in events[:-1] for c in e["choices"])
