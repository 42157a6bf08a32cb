"""The busiest addresses of `/v1`: what a client sees of streams, errors and silence."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from appliance.openai_api import hot
from tests.fakes.engine import FakeEngine
from tests.support.gateway import CHAT_MODEL, EMBED_MODEL, Client, Gateway

pytestmark = pytest.mark.any_database

ASKED = {"model": CHAT_MODEL, "messages": [{"role": "user", "content": "Say something."}]}


@pytest.fixture(scope="session")
async def program(running_gateway: Gateway) -> AsyncIterator[Client]:
    """Somebody with a key."""
    person = await running_gateway.person(f"program-{uuid.uuid4().hex}@x.test")
    client = await running_gateway.with_key(person)
    yield client
    await client.aclose()
    await person.aclose()


async def streamed(client: Client, **more: Any) -> list[str]:
    """The payloads of a stream that must begin well."""
    async with client.stream("POST", "/v1/chat/completions", json=ASKED | {"stream": True} | more) as reply:
        assert reply.status_code == 200, (await reply.aread()).decode()
        assert reply.headers["content-type"].startswith("text/event-stream")
        return [line.removeprefix("data: ") async for line in reply.aiter_lines() if line]


async def test_usage_comes_only_to_those_who_asked(program: Client) -> None:
    plain = await streamed(program)
    asked = await streamed(program, stream_options={"include_usage": True})
    assert plain[-1] == asked[-1] == "[DONE]"
    assert all(json.loads(p)["choices"] for p in plain[:-1])
    last = json.loads(asked[-2])
    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] > 0


async def test_a_whole_answer_is_the_stream_put_together(program: Client) -> None:
    whole = await program.ok("POST", "/v1/chat/completions", ASKED)
    pieces = [json.loads(p)["choices"][0]["delta"].get("content", "") for p in (await streamed(program))[:-1]]
    assert whole["choices"][0]["message"]["content"] == "".join(pieces)


async def test_an_engine_that_breaks_off_ends_the_stream_with_an_error(program: Client, engine: FakeEngine) -> None:
    engine.break_after = 3
    try:
        found = await streamed(program)
    finally:
        engine.break_after = None
    error = json.loads(found[-1])["error"]
    assert error["code"] == "engine_unavailable"
    assert error["type"] == "server_error"
    assert "[DONE]" not in found


async def test_silence_is_filled(program: Client, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hot, "HEARTBEAT_S", 0.05)
    engine.delay_s = 0.2
    try:
        found = await streamed(program, max_tokens=3)
    finally:
        engine.delay_s = 0.0
    assert ": wait" in found
    assert found[-1] == "[DONE]"


async def test_whoever_leaves_while_an_answer_is_awaited_stops_the_engine(program: Client, engine: FakeEngine) -> None:
    engine.delay_s, engine.left_early = 0.2, asyncio.Event()
    try:
        async with program.stream("POST", "/v1/chat/completions", json=ASKED | {"stream": True}) as reply:
            await anext(reply.aiter_bytes())
        await asyncio.wait_for(engine.left_early.wait(), timeout=1.0)
    finally:
        engine.delay_s = 0.0


@pytest.mark.parametrize("path", ["chat/completions", "completions", "embeddings"])
async def test_another_method_is_refused(program: Client, path: str) -> None:
    reply = await program.get(f"/v1/{path}")
    assert reply.status_code == 405
    assert reply.headers["allow"] == "POST"
    assert reply.json()["error"]["code"] == "method_not_allowed"


@pytest.mark.parametrize("path", ["chat/completions", "completions", "embeddings"])
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"model": "nothing", "messages": [{"role": "user", "content": "x"}], "prompt": "x", "input": "x"}, 404),
        ({"model": CHAT_MODEL}, 400),
        ({"model": CHAT_MODEL, "chat_template": "{{ 1 }}"}, 400),
        ([], 400),
    ],
)
async def test_what_does_not_fit_is_refused_in_openai_s_shape(
    program: Client, path: str, body: Any, status: int
) -> None:
    if isinstance(body, dict) and status == 404:
        own = {"chat/completions": "messages", "completions": "prompt", "embeddings": "input"}[path]
        body = {"model": body["model"], own: body[own]}
    reply = await program.post(f"/v1/{path}", json=body)
    assert reply.status_code == status, reply.text
    assert set(reply.json()["error"]) == {"message", "type", "param", "code"}


async def test_a_model_does_only_what_it_is_for(program: Client) -> None:
    reply = await program.post("/v1/embeddings", json={"model": CHAT_MODEL, "input": "x"})
    assert reply.status_code == 400
    assert reply.json()["error"]["code"] == "unsupported_value"
    vectors = await program.ok("POST", "/v1/embeddings", {"model": EMBED_MODEL, "input": ["a", "b"]})
    assert [v["index"] for v in vectors["data"]] == [0, 1]


@pytest.mark.parametrize("path", ["chat/completions", "completions", "embeddings"])
async def test_nobody_comes_in_without_a_key(running_gateway: Gateway, path: str) -> None:
    async with running_gateway.client() as stranger:
        reply = await stranger.post(f"/v1/{path}", json=ASKED)
    assert reply.status_code == 401
    assert reply.json()["error"]["type"] == "authentication_error"
