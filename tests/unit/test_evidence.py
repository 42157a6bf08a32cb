"""What is quoted: the sentence that answers, its neighbours, and nothing twice."""

import uuid

from appliance.answers.evidence import Evidence, quotation
from appliance.answers.sentences import split_sentences
from appliance.library import Passage

TEXT = """Leave
Every employee has 28 days of leave. Leave that is not taken is lost. Parents receive four weeks.
The ill tell their lead."""


def evidence(at: int, text: str = TEXT) -> Evidence:
    some = uuid.UUID(int=1)
    passage = Passage(some, some, some, 1, "handbook.pdf", some, "Rules", 3, 3, (), text, 0)
    return Evidence(passage, tuple(split_sentences(text)), at, 0, 1.0, 1.0)


def test_neighbours_come_along_and_headlines_do_not() -> None:
    text, numbers = quotation(evidence(1), characters=200)
    assert text == "Every employee has 28 days of leave. Leave that is not taken is lost."
    assert list(numbers) == [1, 2]


def test_what_is_quoted_already_is_not_quoted_again() -> None:
    text, numbers = quotation(evidence(3), characters=200, taken={1, 2})
    assert text == "Parents receive four weeks.\nThe ill tell their lead."
    assert list(numbers) == [3, 4]


def test_a_quotation_is_bounded_and_verbatim() -> None:
    for at in range(5):
        for characters in (20, 40, 80, 400):
            text, _ = quotation(evidence(at), characters=characters)
            assert len(text) <= characters
            assert text in TEXT
