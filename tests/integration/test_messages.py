"""`/v1/messages`: Anthropic's shapes over the same engines."""

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tests.fakes.engine import ANSWER, FakeEngine
from tests.support.gateway import CHAT_MODEL, EMBED_MODEL, Client, Gateway

pytestmark = pytest.mark.any_database

VERSION = {"anthropic-version": "2023-06-01"}
PATH = "/v1/messages"
WEATHER = {
    "name": "weather",
    "description": "Says the weather.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


@pytest.fixture(scope="session")
async def person(running_gateway: Gateway) -> AsyncIterator[Client]:
    client = await running_gateway.person(f"messenger-{uuid.uuid4().hex}@x.test")
    key = await running_gateway.with_key(client)
    key.headers.update(VERSION)
    yield key
    await client.aclose()


@pytest.fixture
def says(engine: FakeEngine) -> Iterator[FakeEngine]:
    engine.chats.clear()
    yield engine
    engine.deltas, engine.finish, engine.answer = [], "stop", ANSWER
    engine.delay_s, engine.break_after = 0.0, None


def asked(**more: Any) -> dict[str, Any]:
    base = {"model": CHAT_MODEL, "max_tokens": 50, "messages": [{"role": "user", "content": "Tell me something."}]}
    return base | more


async def test_a_message(person: Client, says: FakeEngine) -> None:
    reply = await person.post(PATH, json=asked(system="Be brief.", temperature=0.5, top_k=7))
    made = reply.json()
    assert reply.headers["request-id"] == reply.headers["x-request-id"]
    assert (made["type"], made["role"], made["stop_reason"]) == ("message", "assistant", "end_turn")
    assert made["content"] == [{"type": "text", "text": ANSWER, "citations": None}]
    assert made["usage"]["input_tokens"] == 7
    told = says.chats[-1]
    assert told["messages"][0] == {"role": "system", "content": "Be brief."}
    assert (told["max_tokens"], told["temperature"], told["top_k"]) == (50, 0.5, 7)


async def test_a_streamed_message_is_the_plain_one(person: Client, says: FakeEngine) -> None:
    events = await person.events("POST", PATH, asked(stream=True))
    assert [name for name, _ in events] == [data["type"] for _, data in events]
    text = "".join(d["delta"]["text"] for n, d in events if n == "content_block_delta")
    assert text == ANSWER
    names = [name for name, _ in events]
    assert names[:3] == ["message_start", "ping", "content_block_start"]
    assert names[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert events[-2][1]["usage"]["input_tokens"] == 7
    assert events[-2][1]["delta"] == {"stop_reason": "end_turn", "stop_sequence": None}


async def test_a_tool_goes_round(person: Client, says: FakeEngine) -> None:
    says.answer = '<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo"}}\n</tool_call>'
    plain = await person.ok("POST", PATH, asked(tools=[WEATHER], tool_choice={"type": "auto"}))
    assert plain["stop_reason"] == "tool_use"
    call = plain["content"][0]
    assert (call["type"], call["name"], call["input"]) == ("tool_use", "weather", {"city": "Oslo"})
    events = await person.events("POST", PATH, asked(tools=[WEATHER], stream=True))
    partial = "".join(d["delta"]["partial_json"] for n, d in events if n == "content_block_delta")
    assert json.loads(partial) == {"city": "Oslo"}
    says.answer = ANSWER
    result = {"type": "tool_result", "tool_use_id": call["id"], "content": "Rain."}
    messages = [*asked()["messages"], {"role": "assistant", "content": plain["content"]}]
    last = await person.ok(
        "POST", PATH, asked(messages=[*messages, {"role": "user", "content": [result]}], tools=[WEATHER])
    )
    assert last["content"][0]["text"] == ANSWER
    assert "Rain." in json.dumps(says.chats[-1]["messages"])


async def test_a_forced_tool_is_called(person: Client, says: FakeEngine) -> None:
    says.answer = json.dumps([{"name": "weather", "parameters": {"city": "Oslo"}}])
    for choice in ({"type": "any"}, {"type": "tool", "name": "weather"}):
        plain = await person.ok("POST", PATH, asked(tools=[WEATHER], tool_choice=choice))
        assert plain["stop_reason"] == "tool_use"
        assert plain["content"][0]["input"] == {"city": "Oslo"}
        assert says.chats[-1]["response_format"]["type"] == "json_schema"


async def test_tokens_are_counted_by_the_engine(person: Client) -> None:
    few = await person.ok("POST", f"{PATH}/count_tokens", {k: v for k, v in asked().items() if k != "max_tokens"})
    counted = {k: v for k, v in asked(tools=[WEATHER], system="Be brief.").items() if k != "max_tokens"}
    more = await person.ok("POST", f"{PATH}/count_tokens", counted)
    assert 0 < few["input_tokens"] < more["input_tokens"]


@pytest.mark.parametrize(
    ("body", "status", "kind", "word"),
    [
        (asked(container="c"), 400, "invalid_request_error", "container"),
        (asked(chat_template="x"), 400, "invalid_request_error", "chat_template"),
        (
            {"model": CHAT_MODEL, "messages": [{"role": "user", "content": "Hi."}]},
            400,
            "invalid_request_error",
            "max_tokens",
        ),
        (asked(model="nothing"), 404, "not_found_error", "nothing"),
        (asked(model=EMBED_MODEL), 400, "invalid_request_error", EMBED_MODEL),
        (asked(tools=[{"type": "web_search_20250305", "name": "web_search"}]), 400, "invalid_request_error", "tools"),
        (
            asked(tools=[WEATHER], tool_choice={"type": "tool", "name": "f"}),
            400,
            "invalid_request_error",
            "tool_choice",
        ),
        (asked(messages=[]), 400, "invalid_request_error", "messages"),
    ],
)
async def test_errors_have_anthropic_s_shape(
    person: Client, says: FakeEngine, body: dict[str, Any], status: int, kind: str, word: str
) -> None:
    for stream in (False, True):
        reply = await person.post(PATH, json=body | {"stream": stream})
        assert reply.status_code == status, reply.text
        error = reply.json()
        assert (error["type"], error["error"]["type"]) == ("error", kind)
        assert word in error["error"]["message"]
        assert error["request_id"] == reply.headers["request-id"]
    assert says.chats == []


async def test_who_calls_and_in_which_version(running_gateway: Gateway, person: Client) -> None:
    async with running_gateway.client() as nobody:
        reply = await nobody.post(PATH, json=asked(), headers=VERSION)
        assert reply.status_code == 401
        assert reply.json()["error"]["type"] == "authentication_error"
    for version in (None, "2020-01-01"):
        headers = {k: v for k, v in person.headers.items() if k != "anthropic-version"}
        async with running_gateway.client(
            headers=headers | ({} if version is None else {"anthropic-version": version})
        ) as odd:
            for path in (PATH, f"{PATH}/count_tokens"):
                reply = await odd.post(path, json=asked())
                assert reply.status_code == 400
                assert "anthropic-version" in reply.json()["error"]["message"]


async def test_a_break_is_an_event(person: Client, says: FakeEngine) -> None:
    says.break_after = 3
    events = await person.events("POST", PATH, asked(stream=True))
    assert events[-1][0] == "error"
    assert events[-1][1]["error"]["type"] == "overloaded_error"


async def test_whoever_leaves_stops_the_engine(person: Client, says: FakeEngine) -> None:
    says.delay_s = 0.2
    for stream in (True, False):
        says.left_early.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                async with person.stream("POST", PATH, json=asked(stream=stream)) as reply:
                    async for _ in reply.aiter_lines():
                        pass
        await asyncio.wait_for(says.left_early.wait(), 2)
