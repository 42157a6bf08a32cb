r"""Whether bytes are one strict JSON value, told quickly: parsers must not disagree about what a caller said.

Refused: what is not UTF-8, a byte order mark, NaN and Infinity, lone surrogates (also as `\ud800`), numbers that no
float holds, a key that stands twice in one object, deep nesting, and more values than a request can need.

msgspec refuses most of it by itself, and is several times as fast as Python's own parser. It keeps the last of two
equal keys, so `check_json` compares how many keys went in with how many came out.
"""

import json
import re
from collections.abc import Iterable
from typing import Any

import msgspec

from appliance.foundation import InvalidInput

MAX_DEPTH = 64
MAX_CONTAINERS = 100_000
"""Objects and lists in one body; brackets inside strings count too, as telling them apart would be the work itself."""

MAX_COMMAS = 1_000_000
"""Bounds values, and with them the memory of a parsed body, whatever its bytes."""

ESCAPED_MARK = re.compile(rb"\\u00(?:22|3[aA])")


class NotJson(InvalidInput):
    """The body is not one strict JSON value."""

    code = "invalid_json"
    remedy = "Send one JSON object in UTF-8 with unique keys."


class TooManyValues(InvalidInput):
    """The body is JSON, but of more pieces than are read."""

    code, status = "request_too_large", 413
    remedy = "Send less at once."


def check_json(body: bytes, *, max_depth: int = MAX_DEPTH) -> None:
    """Refuse what is not one strict JSON value. Time and memory are linear in the body's length.

    Raises:
        NotJson: the bytes are no JSON, or JSON that parsers disagree about.
        TooManyValues: more objects, lists or commas than a request can need.
    """
    containers = body.count(b"{") + body.count(b"[")
    if containers > MAX_CONTAINERS or body.count(b",") > MAX_COMMAS:
        raise TooManyValues(f"The body has more than {MAX_CONTAINERS} objects and lists or {MAX_COMMAS} commas.")
    try:
        value = _decoder.decode(body)
        if not _keys_are_unique(body, value):
            _pairs_decoder.decode(body.decode())
    except RecursionError as error:
        raise NotJson(f"The body is nested more than {max_depth} levels deep.") from error
    except (msgspec.MsgspecError, UnicodeError, ValueError) as error:
        raise NotJson(f"The body is not JSON: {error}.") from error
    if containers > max_depth and depth_of(value) > max_depth:
        raise NotJson(f"The body is nested more than {max_depth} levels deep.")


def depth_of(value: Any) -> int:
    """Levels of objects and lists, found without recursion; 0 for anything else."""
    depth, level = 0, [value] if isinstance(value, dict | list) else []
    while level:
        depth += 1
        level = [v for inside in level for v in _values(inside) if v.__class__ is dict or v.__class__ is list]
    return depth


def _values(container: Any) -> Iterable[Any]:
    return container.values() if container.__class__ is dict else container


def _keys_are_unique(body: bytes, value: Any) -> bool:
    r"""True only if no object lost a key in parsing; False when that cannot be told by counting.

    Written again without spaces, each key ends in `":`, and strings have as many of these as before. That holds as
    long as the body has no space before a colon, and writes neither quote nor colon as `\\u…`. So equal counts mean
    that no key was lost, and a lost one makes the second count smaller.
    """
    if b" :" in body or any(space in body and space + b":" in body for space in (b"\n", b"\t", b"\r")):
        return False
    if b"\\u00" in body and ESCAPED_MARK.search(body):
        return False
    return _encoder.encode(value).count(b'":') == body.count(b'":')


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


_decoder = msgspec.json.Decoder()
_encoder = msgspec.json.Encoder()
_pairs_decoder = json.JSONDecoder(object_pairs_hook=_unique)
