"""Each row of the tables of `responses` and `messages`, by a call; what reaches the engine is looked at."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from appliance.openai_api.fields import MESSAGES, RESPONSES, Field
from tests.fakes.engine import FakeEngine
from tests.support.gateway import CHAT_MODEL, Client, Gateway

pytestmark = pytest.mark.any_database

NOTHING: dict[str, Any] = {"type": "object", "properties": {}}
ONE = {
    "responses": {"model": CHAT_MODEL, "input": "Say one word."},
    "messages": {"model": CHAT_MODEL, "max_tokens": 9, "messages": [{"role": "user", "content": "Say one word."}]},
}
TOOLS: dict[str, list[dict[str, Any]]] = {
    "responses": [{"type": "function", "name": "look", "parameters": NOTHING}],
    "messages": [{"name": "look", "input_schema": NOTHING}],
}
SHARED: dict[str, Any] = {
    "metadata": {"user_id": "1"},
    "stream": True,
    "temperature": 0.5,
    "top_p": 0.9,
    "service_tier": "auto",
}
VALUES: dict[str, dict[str, Any]] = {
    "responses": SHARED
    | {
        "input": [{"role": "user", "content": "Say one word."}],
        "background": False,
        "include": ["file_search_call.results", "message.output_text.logprobs", "reasoning.encrypted_content"],
        "instructions": "Be brief.",
        "max_output_tokens": 4,
        "max_tool_calls": 1,
        "parallel_tool_calls": True,
        "prompt_cache_key": "k",
        "prompt_cache_options": {"mode": "implicit"},
        "prompt_cache_retention": "24h",
        "reasoning": {"effort": "low", "summary": "auto"},
        "safety_identifier": "someone",
        "store": False,
        "stream_options": {"include_obfuscation": False},
        "text": {"format": {"type": "text"}, "verbosity": "low"},
        "tool_choice": "none",
        "tools": TOOLS["responses"],
        "top_logprobs": 2,
        "truncation": "auto",
        "user": "someone",
    },
    "messages": SHARED
    | {
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Say one word."}]}],
        "max_tokens": 5,
        "cache_control": {"type": "ephemeral"},
        "output_config": {"effort": "low"},
        "stop_sequences": ["END"],
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "tool_choice": {"type": "none"},
        "tools": TOOLS["messages"],
        "top_k": 5,
    },
}
ELSEWHERE = ("model", "previous_response_id")
"""The others have tests of their own."""
NEEDED = ("input", "messages", "max_tokens")
ROWS = [
    pytest.param(endpoint, field, id=f"{endpoint}: {field.name}")
    for endpoint, fields in (("responses", RESPONSES), ("messages", MESSAGES))
    for field in fields
    if field.name not in ELSEWHERE
]


@pytest.fixture(scope="session")
async def caller(running_gateway: Gateway) -> AsyncIterator[Client]:
    person = await running_gateway.person(f"rows-{uuid.uuid4().hex}@x.test")
    client = await running_gateway.with_key(person)
    client.headers["anthropic-version"] = "2023-06-01"
    yield client
    await client.aclose()
    await person.aclose()


@pytest.mark.parametrize(("endpoint", "field"), ROWS)
async def test_a_field_does_what_its_row_says(caller: Client, engine: FakeEngine, endpoint: str, field: Field) -> None:
    value = VALUES[endpoint].get(field.name, 8)
    beside = {"tools": TOOLS[endpoint]} if field.name == "tool_choice" else {}
    body = {**ONE[endpoint], **beside, field.name: value}
    engine.chats.clear()
    reply = await caller.post(f"/v1/{endpoint}", json=body)
    if field.standing == "refused":
        assert reply.status_code == 400, reply.text
        assert field.name in reply.text
        assert field.note in reply.json()["error"]["message"]
        assert not engine.chats
        return
    assert reply.status_code == 200, reply.text
    if field.standing == "dropped":
        assert all(field.name not in sent for sent in engine.chats)
    if field.name not in NEEDED:
        without = await caller.post(f"/v1/{endpoint}", json={**body, field.name: None})
        assert without.status_code == 200, without.text


@pytest.mark.parametrize("endpoint", ONE)
async def test_a_field_that_nobody_knows_is_refused_by_name(caller: Client, engine: FakeEngine, endpoint: str) -> None:
    engine.chats.clear()
    for name in ("temprature", "chat_template", "cache_salt", "priority", "structured_outputs", "kv_transfer_params"):
        reply = await caller.post(f"/v1/{endpoint}", json={**ONE[endpoint], name: 1})
        assert reply.status_code == 400
        assert name in reply.json()["error"]["message"]
    assert not engine.chats
