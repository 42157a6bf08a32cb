"""What counts as worse between two looks at an appliance."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from appliance.proving import (
    Golden,
    Proof,
    ProofUnusable,
    QuestionsInvalid,
    compare,
    read_proof,
    read_questions,
    write_proof,
)

ANN, BEN = "a" * 8, "b" * 8
PLANS, RULES = "c" * 8, "d" * 8
QUESTION = Golden("Who pays the hotel?", PLANS, "doc-1", "rules.md", cited=True)
BEFORE = Proof(
    taken_at=datetime(2026, 1, 1, tzinfo=UTC),
    audit_seq=70,
    contract={"ready": "", "chat": "", "stream": "no end"},
    counts={"accounts": 2, "groups": 1, "collections": 2},
    documents={PLANS: 4, RULES: 1},
    names={ANN: "ann@x.test", BEN: "ben@x.test", PLANS: "Plans", RULES: "Rules"},
    rights={ANN: [PLANS], BEN: []},
    golden=[QUESTION],
)


def worse(touched: frozenset[str] = frozenset(), **changed: Any) -> list[str]:
    after = msgspec.structs.replace(BEFORE, audit_seq=90, **changed)
    return [difference.sentence for difference in compare(BEFORE, after, touched)]


def test_the_same_is_no_difference() -> None:
    assert worse() == []


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"contract": {"ready": "not ready: index", "chat": "", "stream": ""}}, "ready: not ready: index."),
        ({"contract": {"ready": "", "stream": ""}}, "chat: there is no model for it any more."),
        ({"counts": {"accounts": 1, "groups": 1, "collections": 2}}, "There were 2 accounts, and there are 1."),
        ({"documents": {PLANS: 3, RULES: 1}}, "'Plans' had 4 documents that can be found, and has 3."),
        ({"documents": {RULES: 1}}, "'Plans' had 4 documents that can be found, and has 0."),
        ({"rights": {ANN: [], BEN: []}}, "ann@x.test does not see 'Plans', and did before."),
        ({"rights": {ANN: [PLANS], BEN: [RULES]}}, "ben@x.test sees 'Rules', and did not before."),
        ({"rights": {BEN: []}}, "ann@x.test has no account any more."),
        ({"golden": []}, "'Who pays the hotel?' led to 'rules.md', and does not any more."),
    ],
)
def test_each_loss_and_each_leak_is_told(changed: dict[str, Any], sentence: str) -> None:
    assert worse(**changed) == [sentence]


def test_an_audit_that_went_back_is_told() -> None:
    after = msgspec.structs.replace(BEFORE, audit_seq=60)
    told = [difference.sentence for difference in compare(BEFORE, after, frozenset())]
    assert told == ["The audit had 70 events, and has 60."]


@pytest.mark.parametrize(
    ("touched", "changed"),
    [
        ("collection:" + PLANS, {"rights": {ANN: [], BEN: []}}),
        ("collection:" + PLANS, {"documents": {RULES: 1}, "golden": []}),
        ("user:" + ANN, {"rights": {BEN: []}, "counts": {"accounts": 1, "groups": 1, "collections": 2}}),
        ("group:*", {"rights": {ANN: [], BEN: [RULES]}}),
        ("document:doc-1", {"golden": []}),
    ],
)
def test_what_people_changed_in_between_is_no_difference(touched: str, changed: dict[str, Any]) -> None:
    assert worse(frozenset({touched}), **changed) == []
    assert worse(frozenset({"collection:other", "user:other"}), **changed) != []


def test_more_is_no_difference() -> None:
    assert worse(documents={PLANS: 9, RULES: 1}, counts={"accounts": 5, "groups": 1, "collections": 2}) == []


def test_what_was_broken_before_is_not_blamed_on_the_change() -> None:
    assert worse(contract={"ready": "", "chat": "", "stream": "still no end"}) == []


def test_a_proof_survives_its_file_and_is_its_owners_only(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "before.json"
    write_proof(BEFORE, file)
    assert read_proof(file) == BEFORE
    assert file.stat().st_mode & 0o077 == 0
    assert [p.name for p in file.parent.iterdir()] == ["before.json"]


@pytest.mark.parametrize("content", [b"", b"{}", b'{"taken_at": "2026-01-01T00:00:00Z", "format": 99}'])
def test_a_file_that_is_no_proof_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "other.json"
    file.write_bytes(content)
    with pytest.raises(ProofUnusable, match=r"other\.json"):
        read_proof(file)


@pytest.mark.parametrize("text", ["[[question]]\nask='a'", "question = 3", "[[question]]\nnope=1", "]"])
def test_golden_questions_that_do_not_fit_are_refused_with_the_form(tmp_path: Path, text: str) -> None:
    file = tmp_path / "golden.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(QuestionsInvalid, match=r"golden\.toml"):
        read_questions(file)
