"""`appliance models check` with the real engines: what is measured is kept and shown, also what fails."""

from typing import Any

import openai
import pytest

from tests.support.process import ApplianceProcess

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

CHAT, EMBED = "smollm2-135m-instruct", "multilingual-e5-small"


def test_models_are_measured_and_the_result_is_shown(product: ApplianceProcess, client: openai.OpenAI) -> None:
    product.cli("models", "check", CHAT, code=1)  # left free, so small a model calls no function
    assert "passed" in product.cli("models", "check", EMBED)
    shown: dict[str, Any] = {}
    for model in (CHAT, EMBED):
        found = (client.models.retrieve(model).model_extra or {})["conformance"]
        assert found["engine"].startswith("0.")
        shown |= {c["name"]: c["outcome"] for c in found["checks"]}
    kept = {"streaming", "tools", "schema", "responses", "messages", "embeddings", "rerank"}
    assert {name: shown[name] for name in kept} == dict.fromkeys(kept, "passed")
    assert shown["tool_choice"] == "failed"
    assert shown["vision"] == "not_applicable"
