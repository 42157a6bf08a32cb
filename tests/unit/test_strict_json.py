"""What is refused before any parser sees it, and that counting keys never misses a double one."""

import json
import math
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.edge.strictjson import MAX_COMMAS, MAX_CONTAINERS, NotJson, TooManyValues, check_json, depth_of

REFUSED = {
    "empty": b"",
    "not JSON": b"hello",
    "two values": b"{} {}",
    "trailing comma": b"[1,]",
    "double key": b'{"a":1,"a":2}',
    "double key, spaced": b'{"a":1,"a" :2}',
    "double key on lines of its own": b'{"a":1,"a"\n:2}',
    "double key, escaped": b'{"a":1,"\\u0061":2}',
    "double key far down": b'{"x":[{"y":{"b":1,"c":2,"b":3}}]}',
    "double key beside a string with a mark": b'{"a":"\\u0022:","b":1,"b":2}',
    "double key beside a string with a hidden colon": b'{"a":"\\u003ax","b":1,"b":2}',
    "NaN": b'{"a":NaN}',
    "Infinity": b"[-Infinity]",
    "a float beyond floats": b'{"a":1e999}',
    "ten thousand digits": b"9" * 10_000,
    "lone high surrogate": b'{"a":"\\ud800"}',
    "lone low surrogate": b'["x\\udc00y"]',
    "surrogates in the wrong order": b'["\\udc00\\ud800"]',
    "a lone surrogate as a key": b'{"\\ud800":1}',
    "a surrogate as bytes": b'["\xed\xa0\x80"]',
    "not UTF-8": b'["\xff"]',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf{}",
    "raw control character": b'["\x01"]',
    "comment": b"{/**/}",
    "65 levels": b"[" * 65 + b"]" * 65,
    "65 levels of objects": b'{"a":' * 65 + b"1" + b"}" * 65,
    "5,000 levels": b"[" * 5000 + b"]" * 5000,
    "50,000 levels, open": b'{"a":[' * 50_000,
}

ACCEPTED = {
    "64 levels": b"[" * 64 + b"]" * 64,
    "brackets inside strings": json.dumps({"code": "{[(" * 500}).encode(),
    "a pair of surrogates": b'["\\ud83d\\ude00"]',
    "equal keys in different objects": b'[{"a":1},{"a":2}]',
    "marks and colons in strings": b'{"a":"\\":\\":","b":":","c":"x\\\\","d":"\\\\\\":"}',
    "spaces everywhere": b' { "a" : 1 , "b"\t:\n2 } ',
    "a large integer": b"123456789012345678901234567890",
    "JSON inside a string": json.dumps({"arguments": json.dumps({"city": "Tokyo", "a": {"b": ":"}})}).encode(),
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED.keys())
def test_refused(body: bytes) -> None:
    with pytest.raises(NotJson):
        check_json(body)


@pytest.mark.parametrize("body", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_accepted(body: bytes) -> None:
    check_json(body)


@pytest.mark.parametrize("body", [b"[],"], ids=["lists"])
def test_more_pieces_than_anybody_needs_are_too_large(body: bytes) -> None:
    with pytest.raises(TooManyValues):
        check_json(b"[" + body * (MAX_CONTAINERS + 1) + b"0]")
    with pytest.raises(TooManyValues):
        check_json(b"[" + b"1," * (MAX_COMMAS + 1) + b"0]")


def test_the_depth_is_that_of_the_deepest() -> None:
    assert depth_of(1) == 0
    assert depth_of({}) == 1
    assert depth_of([1, {"a": [2]}, []]) == 3


KEYS = st.sampled_from(["a", "b", ":", '"', '":', "\\", '\\":', " :", "", "ü", "\n", "\u0000"])


def pairs_text(value: Any, spaced: bool, ascii_only: bool) -> str:
    """JSON of nested lists of pairs, which may hold a key twice."""
    if isinstance(value, list):
        colon = " : " if spaced else ":"
        inner = [
            f"{json.dumps(k, ensure_ascii=ascii_only)}{colon}{pairs_text(v, spaced, ascii_only)}" for k, v in value
        ]
        return "{" + ",".join(inner) + "}"
    return json.dumps(value, ensure_ascii=ascii_only)


def has_double(value: Any) -> bool:
    if not isinstance(value, list):
        return False
    keys = [k for k, _ in value]
    return len(set(keys)) < len(keys) or any(has_double(v) for _, v in value)


@given(
    st.recursive(KEYS | st.integers(), lambda inner: st.lists(st.tuples(KEYS, inner), max_size=4), max_leaves=12),
    st.booleans(),
    st.booleans(),
)
def test_a_double_key_is_found_whatever_the_strings_hold(value: Any, spaced: bool, ascii_only: bool) -> None:
    body = pairs_text(value, spaced, ascii_only).encode()
    if has_double(value):
        with pytest.raises(NotJson):
            check_json(body)
    else:
        check_json(body)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda s: st.lists(s) | st.dictionaries(st.text(), s)
    )
)
def test_what_python_writes_strictly_is_accepted(value: Any) -> None:
    try:
        body = json.dumps(value, allow_nan=False).encode()
    except ValueError:
        with pytest.raises(NotJson):
            check_json(json.dumps(value).encode())
        return
    if depth_of(value) <= 64:
        check_json(body)


@pytest.mark.parametrize("piece", [b'{"a" :1},', b'"\\u0022",', b'{"":[]},'])
def test_the_worst_bodies_take_time_in_proportion(piece: bytes) -> None:
    """Of bodies that need the slow way: ten times the length may not take much more than ten times as long."""
    taken = []
    for count in (3_000, 30_000):
        body = b"[" + piece * count + b"0]"
        best = math.inf
        for _ in range(3):
            began = time.process_time()
            check_json(body)
            best = min(best, time.process_time() - began)
        taken.append(best)
    assert taken[1] < 40 * taken[0]
    assert taken[1] < 1.0
