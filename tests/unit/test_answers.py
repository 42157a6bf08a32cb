"""Sentences and support: what makes a quotation verbatim and an answer honest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.answers.language import language_of
from appliance.answers.sentences import split_sentences
from appliance.answers.support import SupportCheck


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=400))
def test_every_sentence_is_a_verbatim_piece_in_order(text: str) -> None:
    end = 0
    for sentence in split_sentences(text):
        assert text[sentence.start : sentence.end] == sentence.text
        assert sentence.start >= end
        assert sentence.text.strip()
        end = sentence.end


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("It costs 3.50 euros. Pay by card.", ["It costs 3.50 euros.", "Pay by card."]),
        ("Dr. Tanabe leads it. She is in Osaka.", ["Dr. Tanabe leads it.", "She is in Osaka."]),
        ("週に3日まで認められます。対象外もあります。", ["週に3日まで認められます。", "対象外もあります。"]),
        ("One | 1\nTwo | 2", ["One | 1", "Two | 2"]),
        (
            """Business travel
The company pays up to 140 euros per night for a hotel. In Paris, Zurich,
London and Tokyo the limit is 190 euros per night.""",
            [
                "Business travel",
                "The company pays up to 140 euros per night for a hotel.",
                "In Paris, Zurich,\nLondon and Tokyo the limit is 190 euros per night.",
            ],
        ),
        (
            """The pump is oiled twice a year by the team of the workshop in Building
B with the oil of the list.
- Gloves""",
            [
                "The pump is oiled twice a year by the team of the workshop in Building\nB with the oil of the list.",
                "- Gloves",
            ],
        ),
        ("Apples\nPears\nPlums", ["Apples", "Pears", "Plums"]),
        (
            "在宅勤務を希望する社員は、前日までに所属長に申請して承認を受けることが\n必要です。週に3日まで認められます。",
            [
                "在宅勤務を希望する社員は、前日までに所属長に申請して承認を受けることが\n必要です。",
                "週に3日まで認められます。",
            ],
        ),
        ("", []),
    ],
)
def test_sentences_end_where_readers_end_them(text: str, wanted: list[str]) -> None:
    assert [s.text.strip() for s in split_sentences(text)] == wanted


def test_support_is_the_share_of_content_words_that_were_shown() -> None:
    check = SupportCheck()
    shown = "The company pays up to 140 euros per night for a hotel."
    assert check.share("The company pays 140 euros.", shown) == 1.0
    assert check.share("Whales sing under water.", shown) == 0.0
    assert 0 < check.share("The company pays for whales.", shown) < 1


def test_a_number_that_was_not_shown_is_never_supported() -> None:
    shown = "The company pays up to 140 euros per night for a hotel."
    assert SupportCheck().share("The company pays 150 euros per night.", shown) == 0.0


@pytest.mark.parametrize(("text", "wanted"), [("How many days?", "en"), ("在宅勤務は週に何日までできますか。", "ja")])
def test_the_answer_is_in_the_question_s_language(text: str, wanted: str) -> None:
    assert language_of(text) == wanted
