"""Each row of the table of request fields, by a call; what reaches the engine is looked at."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from appliance.openai_api.fields import ENDPOINTS, Field
from tests.fakes.engine import FakeEngine
from tests.support import fields as examples
from tests.support.gateway import CHAT_MODEL, EMBED_MODEL, Client, Gateway

pytestmark = pytest.mark.any_database

BODIES: dict[str, tuple[str, dict[str, Any]]] = {
    "chat/completions": (CHAT_MODEL, examples.CHAT),
    "completions": (CHAT_MODEL, examples.COMPLETIONS),
    "embeddings": (EMBED_MODEL, examples.EMBEDDINGS),
}
NEEDED = {"chat/completions": "messages", "completions": "prompt", "embeddings": "input"}
ROWS = [
    pytest.param(endpoint, field, id=f"{endpoint}: {field.name}")
    for endpoint in BODIES
    for field in ENDPOINTS[endpoint]
    if field.name != "model"
]


@pytest.fixture(scope="session")
async def caller(running_gateway: Gateway) -> AsyncIterator[Client]:
    """Somebody with a key."""
    person = await running_gateway.person(f"fields-{uuid.uuid4().hex}@x.test")
    client = await running_gateway.with_key(person)
    yield client
    await client.aclose()
    await person.aclose()


@pytest.mark.parametrize(("endpoint", "field"), ROWS)
async def test_a_field_does_what_its_row_says(caller: Client, engine: FakeEngine, endpoint: str, field: Field) -> None:
    model, values = BODIES[endpoint]
    value = values.get(field.name, 8)
    needed = NEEDED[endpoint]
    body: dict[str, Any] = {
        "model": model,
        needed: values[needed],
        **examples.WITH.get(field.name, {}),
        field.name: value,
    }
    seen = {"chat/completions": engine.chats, "completions": engine.completions}.get(endpoint, [])
    seen.clear()
    reply = await caller.post(f"/v1/{endpoint}", json=body)
    if field.standing == "refused":
        error = reply.json()["error"]
        assert (reply.status_code, error["code"]) == (400, "unsupported_parameter")
        assert error["param"].startswith(field.name)
        assert field.note in error["message"]
        assert not seen
        return
    assert reply.status_code == 200, reply.text
    if field.standing == "dropped":
        assert all(field.name not in s for s in seen)
    without = await caller.post(f"/v1/{endpoint}", json={**body, field.name: None} if field.name != needed else body)
    assert without.status_code == 200, without.text


@pytest.mark.parametrize("endpoint", BODIES)
async def test_a_field_that_nobody_knows_is_refused_by_name(caller: Client, endpoint: str) -> None:
    model, values = BODIES[endpoint]
    for name in ("temprature", "chat_template", "cache_salt", "priority", "structured_outputs", "kv_transfer_params"):
        body = {"model": model, NEEDED[endpoint]: values[NEEDED[endpoint]], name: 1}
        error = (await caller.post(f"/v1/{endpoint}", json=body)).json()["error"]
        assert (error["code"], error["param"]) == ("unknown_parameter", name)


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"messages": [{"role": "user", "content": "x"}]}, "missing_required_parameter", "model"),
        ({"model": CHAT_MODEL, "messages": []}, "invalid_value", "messages"),
        ({"model": CHAT_MODEL, "messages": [{"role": "user", "content": 5}]}, "invalid_type", "messages[0].content"),
        ({"model": CHAT_MODEL, "messages": [{"role": "wizard", "content": "x"}]}, "invalid_value", "messages[0].role"),
        ({"n": 5}, "invalid_value", "n"),
        ({"n": "two"}, "invalid_type", "n"),
        ({"temperature": 9}, "invalid_value", "temperature"),
        ({"modalities": ["audio"]}, "invalid_value", "modalities[0]"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "invalid_value", "stop"),
        ({"max_tokens": 4, "max_completion_tokens": 5}, "unsupported_value", "max_tokens"),
        ({"tool_choice": "required"}, "unsupported_value", "tool_choice"),
        ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "invalid_value", "tools[0].type"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {"not": {}}}}},
            "unsupported_schema",
            "response_format.json_schema.schema.not",
        ),
    ],
)
async def test_what_is_wrong_is_named(caller: Client, body: dict[str, Any], code: str, param: str) -> None:
    whole = body if "messages" in body else {"model": CHAT_MODEL, "messages": examples.CHAT["messages"], **body}
    reply = await caller.post("/v1/chat/completions", json=whole)
    error = reply.json()["error"]
    assert (reply.status_code, error["code"], error["param"]) == (400, code, param), reply.text
    assert error["type"] == "invalid_request_error"


async def test_a_missing_model_is_a_404_with_its_code(caller: Client) -> None:
    reply = await caller.post("/v1/chat/completions", json={"model": "gpt-9", "messages": examples.CHAT["messages"]})
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "model_not_found")
    assert reply.json()["error"]["param"] == "model"


async def test_token_numbers_make_no_vectors(caller: Client) -> None:
    for tokens in ([1, 2, 3], [[1, 2], [3]]):
        reply = await caller.post("/v1/embeddings", json={"model": EMBED_MODEL, "input": tokens})
        assert (reply.status_code, reply.json()["error"]["param"]) == (400, "input")
        assert "check_embedding_ctx_length" in reply.json()["error"]["message"]


async def test_pictures_are_refused_where_nobody_sees_them(caller: Client) -> None:
    for url in ("http://example.com/a.png", "data:image/png;base64,aGVsbG8="):
        content = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": url}}]
        body = {"model": CHAT_MODEL, "messages": [{"role": "user", "content": content}]}
        error = (await caller.post("/v1/chat/completions", json=body)).json()["error"]
        assert error["param"] == "messages[0].content[1].image_url"


async def test_older_and_newer_words_reach_the_engine_as_it_knows_them(caller: Client, engine: FakeEngine) -> None:
    engine.chats.clear()
    refused = {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}
    thought: dict[str, Any] = {
        "role": "assistant",
        "content": "Yes.",
        "reasoning_content": "hm",
        "annotations": [],
        "audio": None,
    }
    messages = [{"role": "developer", "content": "Be brief."}, refused, thought, *examples.CHAT["messages"]]
    body = {"model": CHAT_MODEL, "messages": messages, "max_completion_tokens": 3}
    await caller.ok("POST", "/v1/chat/completions", body)
    (sent,) = engine.chats
    assert sent["max_tokens"] == 3
    assert "max_completion_tokens" not in sent
    assert sent["messages"][:3] == [
        {"role": "system", "content": "Be brief."},
        {"role": "assistant", "content": [{"type": "text", "text": "No."}]},
        {"role": "assistant", "content": "Yes.", "reasoning_content": "hm"},
    ]
