"""Bytes of an engine's stream: what passes, what is counted, however they are cut."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.openai_api.tap import StreamTap, usage_of

HEAD = b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n'
WORDS = [
    b"data: " + json.dumps({"choices": [{"index": 0, "delta": {"content": w}}]}).encode() + b"\n\n"
    for w in ("one", 'a "usage":{ in quotes', "three\n\ndata: [DONE]", "vier ä")
]
USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":9,"total_tokens":16}}\n\n'
END = b"data: [DONE]\n\n"
STREAM = HEAD + b"".join(WORDS) + USAGE + END
WITH_NULLS = (HEAD + b"".join(WORDS)).replace(b"}\n\n", b',"usage":null}\n\n') + USAGE + END


def through(tap: StreamTap, pieces: list[bytes]) -> bytes:
    return b"".join(tap.feed(piece) for piece in pieces)


@given(st.sets(st.integers(1, len(STREAM) - 1)))
def test_cuts_change_nothing(places: set[int]) -> None:
    cuts = [0, *sorted(places), len(STREAM)]
    pieces = [STREAM[a:b] for a, b in itertools.pairwise(cuts)]
    asked, unasked = StreamTap(with_usage=True), StreamTap(with_usage=False)
    assert through(asked, pieces) == WITH_NULLS
    assert through(unasked, pieces) == STREAM.replace(USAGE, b"")
    for tap in (asked, unasked):
        assert tap.usage == (7, 9)
        assert tap.tokens == len(WORDS)
        assert tap.done


def test_a_stream_that_broke_off_has_no_end() -> None:
    tap = StreamTap(with_usage=False)
    through(tap, [HEAD, WORDS[0], WORDS[1][:20]])
    assert not tap.done
    assert tap.usage is None
    assert tap.tokens == 1


def test_usage_beside_choices_is_read_and_passes() -> None:
    event = (
        b'data: {"choices":[{"index":0,"delta":{"content":"x"}}],"usage":{"prompt_tokens":3,"completion_tokens":1}}\n\n'
    )
    tap = StreamTap(with_usage=False)
    assert tap.feed(event) == event
    assert tap.usage == (3, 1)


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b'{"usage":null}'])
def test_a_reply_without_usage_counts_nothing(body: bytes) -> None:
    assert usage_of(body) == (0, 0)


def test_usage_of_a_whole_reply() -> None:
    assert usage_of(b'{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":null}}') == (3, 0)
