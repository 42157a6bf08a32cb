"""The sample questions, asked as the README does: real engines, real documents, the command line."""

import tomllib
from typing import Any

import pytest

from tests.support.process import SAMPLES, ApplianceProcess

pytestmark = pytest.mark.engine

QUESTIONS: list[dict[str, Any]] = tomllib.loads((SAMPLES.parent / "questions.toml").read_text())["question"]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q["text"])
def test_question(product: ApplianceProcess, question: dict[str, Any]) -> None:
    found = product.cli_json("ask", question["text"])
    if not question["answer"]:
        assert found["grounding"] == "not_in_documents"
        assert found["citations"] == []
        return
    assert any(word in found["text"] for word in question["answer"]), found["text"]
    first = found["citations"][0]
    assert first["document_name"] == question["document"]
    assert first["page"] == question.get("page")
    assert any(word in first["quote"] for word in question["answer"])


def test_the_readme_s_first_question_as_text(product: ApplianceProcess) -> None:
    shown = product.cli("ask", "How much does the company pay per night for a hotel?")
    assert "140 euros" in shown
    assert "handbook.pdf, page 4" in shown


def test_every_sample_is_indexed(product: ApplianceProcess) -> None:
    results = product.cli_json("ingest", str(SAMPLES), "--collection", "Samples")
    assert len(results) == len(list(SAMPLES.iterdir()))
    assert {r["state"] for r in results} == {"indexed"}
    assert {r["outcome"] for r in results} == {"unchanged"}
