"""Checks of models: run through the endpoints, kept, shown, and honest about what failed."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.engine import ANSWER, FakeEngine
from tests.support.gateway import CHAT_MODEL, EMBED_MODEL, TOOLS_MODEL, Gateway

CALL = '[{"name": "get_weather", "parameters": {"city": "Berlin", "unit": "celsius"}}]'


@pytest.fixture
def says(engine: FakeEngine) -> Iterator[FakeEngine]:
    yield engine
    engine.answer = ANSWER


def outcomes(record: Any) -> dict[str, str]:
    return {c["name"]: c["outcome"] for c in record["checks"]}


async def test_a_model_that_nobody_checked_shows_nothing(running_gateway: Gateway) -> None:
    async with await running_gateway.operator() as operator:
        models = {m["id"]: m for m in await operator.ok("GET", "/api/models")}
        assert models[TOOLS_MODEL]["conformance"] is None
        assert (await operator.ok("GET", f"/v1/models/{TOOLS_MODEL}"))["conformance"] is None
        assert "tools" in models[TOOLS_MODEL]["abilities"]


async def test_what_was_seen_is_kept_and_shown(running_gateway: Gateway, says: FakeEngine) -> None:
    says.answer = CALL
    async with await running_gateway.operator() as operator:
        found = await operator.ok("POST", f"/api/models/{CHAT_MODEL}/checks")
        assert outcomes(found) == {
            "streaming": "passed",
            "tools": "passed",
            "tool_choice": "failed",
            "schema": "failed",
            "responses": "passed",
            "messages": "passed",
            "vision": "not_applicable",
        }
        assert found["engine"] == "stand-in"
        reasons = {c["name"]: c["detail"] for c in found["checks"]}
        assert reasons["tool_choice"] == "it did not call the function that the question needs"
        assert "schema" in reasons["schema"]
        shown = await operator.ok("GET", f"/v1/models/{CHAT_MODEL}")
        assert shown["conformance"] == found
        says.answer = json.dumps({"city": "Berlin", "unit": "celsius"})
        again = outcomes(await operator.ok("POST", f"/api/models/{CHAT_MODEL}/checks"))
        assert (again["schema"], again["tools"]) == ("passed", "failed")


async def test_embeddings_are_compared(running_gateway: Gateway) -> None:
    async with await running_gateway.operator() as operator:
        found = outcomes(await operator.ok("POST", f"/api/models/{EMBED_MODEL}/checks"))
    assert found == {"embeddings": "failed", "rerank": "passed"}, "the stand-in knows no base64"


async def test_only_administrators_check_and_only_what_is_served(running_gateway: Gateway) -> None:
    person = await running_gateway.person("checker@x.test")
    async with await running_gateway.operator() as operator:
        assert (await person.post(f"/api/models/{CHAT_MODEL}/checks")).status_code == 403
        assert (await operator.post("/api/models/nothing/checks")).status_code == 404
    await person.aclose()
