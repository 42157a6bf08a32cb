"""rerank, score, transcriptions, images: shapes, bounds, and what is said where nobody serves them."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from appliance.inference.probe import silence
from tests.fakes.engine import FakeEngine
from tests.support.gateway import CHAT_MODEL, EMBED_MODEL, HEARING_MODEL, JUDGE_MODEL, Client, Gateway

pytestmark = pytest.mark.any_database

TEXTS = ["Oil the pump.", "A night in a hotel costs 140 euros."]


@pytest.fixture(scope="session")
async def caller(running_gateway: Gateway) -> AsyncIterator[Client]:
    person = await running_gateway.person(f"others-{uuid.uuid4().hex}@x.test")
    client = await running_gateway.with_key(person)
    yield client
    await client.aclose()
    await person.aclose()


async def refused(client: Client, path: str, body: Any) -> tuple[int, str, str | None]:
    reply = await client.post(f"/v1/{path}", json=body)
    return reply.status_code, reply.json()["error"]["code"], reply.json()["error"]["param"]


@pytest.mark.parametrize("model", [JUDGE_MODEL, EMBED_MODEL])
async def test_rerank_puts_the_best_first(caller: Client, model: str) -> None:
    asked = {"model": model, "query": "hotel night", "documents": [TEXTS[0], {"text": TEXTS[1]}]}
    reply = await caller.ok("POST", "/v1/rerank", asked)
    assert [r["index"] for r in reply["results"]] == [1, 0]
    assert reply["results"][0]["document"] == {"text": TEXTS[1]}
    assert reply["usage"]["total_tokens"] == 7
    bare = await caller.ok("POST", "/v1/rerank", {**asked, "top_n": 1, "return_documents": False, "user": "x"})
    assert len(bare["results"]) == 1
    assert "document" not in bare["results"][0]


async def test_score_takes_one_or_as_many(caller: Client) -> None:
    asked = {"model": JUDGE_MODEL, "text_1": "a", "text_2": ["a", "b"]}
    assert [d["score"] for d in (await caller.ok("POST", "/v1/score", asked))["data"]] == [1.0, 0.0]
    named = {"model": JUDGE_MODEL, "queries": ["a", "b"], "documents": ["a", "b"]}
    assert [d["score"] for d in (await caller.ok("POST", "/v1/score", named))["data"]] == [1.0, 1.0]
    uneven = {"model": JUDGE_MODEL, "text_1": ["a", "b"], "text_2": ["a", "b", "c"]}
    assert await refused(caller, "score", uneven) == (400, "invalid_value", "text_1")
    assert (await refused(caller, "score", {**asked, "queries": "b"}))[1] == "missing_required_parameter"


async def test_ranking_refuses_by_name(caller: Client) -> None:
    asked = {"model": JUDGE_MODEL, "query": "a", "documents": []}
    assert await refused(caller, "rerank", asked) == (400, "invalid_value", "documents")
    assert (await refused(caller, "rerank", {**asked, "instruction": "x"}))[1:] in (
        ("unknown_parameter", "instruction"),
        ("invalid_value", "documents"),
    )
    assert await refused(caller, "rerank", {**asked, "documents": ["a"], "model": CHAT_MODEL}) == (
        400,
        "unsupported_value",
        "model",
    )


async def test_a_recording_becomes_text(caller: Client, engine: FakeEngine) -> None:
    engine.forms.clear()
    files = {"file": ("memo.WAV", silence())}
    fields = {"model": HEARING_MODEL, "language": "en", "prompt": "ACME", "temperature": "0.2"}
    reply = await caller.post("/v1/audio/transcriptions", files=files, data=fields)
    assert (reply.status_code, reply.json()["text"]) == (200, "Hello."), reply.text
    assert engine.forms[-1] == {
        "model": HEARING_MODEL,
        "response_format": "json",
        "language": "en",
        "prompt": "ACME",
        "temperature": "0.2",
        "filename": "recording.wav",
    }
    plain = await caller.post(
        "/v1/audio/transcriptions", files=files, data={"model": HEARING_MODEL, "response_format": "text"}
    )
    assert (plain.text, plain.headers["content-type"]) == ("Hello.", "text/plain; charset=utf-8")


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"model": "nothing"}, "model_not_found", "model"),
        ({"model": CHAT_MODEL}, "unsupported_value", "model"),
        ({}, "missing_required_parameter", "model"),
        ({"model": HEARING_MODEL, "response_format": "srt"}, "invalid_value", "response_format"),
        ({"model": HEARING_MODEL, "temperature": "hot"}, "invalid_value", "temperature"),
        ({"model": HEARING_MODEL, "stream": "true"}, "unsupported_parameter", "stream"),
        ({"model": HEARING_MODEL, "keywords": "a"}, "unsupported_parameter", "keywords"),
        ({"model": HEARING_MODEL, "vllm_xargs": "{}"}, "unknown_parameter", "vllm_xargs"),
    ],
)
async def test_forms_are_checked_by_name(caller: Client, fields: dict[str, str], code: str, param: str) -> None:
    reply = await caller.post("/v1/audio/transcriptions", files={"file": ("a.wav", silence())}, data=fields)
    error = reply.json()["error"]
    assert (error["code"], error["param"]) == (code, param), reply.text


async def test_what_nobody_serves_is_said_so(caller: Client) -> None:
    reply = await caller.post("/v1/images/generations", json={"model": "painter", "prompt": "A boat"})
    error = reply.json()["error"]
    assert (reply.status_code, error["code"], error["type"]) == (404, "task_not_served", "not_found_error")
