"""One way to write each event, so that its hash can be computed again by anybody, in any language.

The canonical row is a JSON array as RFC 8785 writes it: no spaces, UTF-8, strings escaped only where JSON demands it.
Its members, in order: the version of this format, seq, at, actor, on_behalf_of, action, object, outcome, source,
request_id, and the canonical JSON of the details as a string. The hash of an event is SHA-256 over the 32 bytes of the
hash before it, then the bytes of its canonical row.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import msgspec

from appliance.audit.errors import UnknownAction

FORMAT = 1
START = bytes(32)
"""Stands for the hash before the first event."""
LONGEST_TEXT = 500
"""Characters of one string; the rest is cut off, and the cut is seen."""
LONGEST_LIST = 100
"""Strings of one list in the details."""
LARGEST_NUMBER = 2**53 - 1
"""What every JSON parser reads without rounding."""
NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")
UNWRITABLE = re.compile("[\x00\ud800-\udfff]")
"""NUL, which PostgreSQL does not take, and lone surrogates, which UTF-8 does not have."""

Row: TypeAlias = tuple[int, str, str, str, str, str, str, str, str, str]
"""seq, at, actor, on_behalf_of, action, object, outcome, source, request_id, details"""

_ENCODER = msgspec.json.Encoder()


def clean(text: str) -> str:
    """A string as it can be kept by every database: bounded, and without what cannot be written."""
    if len(text) > LONGEST_TEXT:
        text = text[: LONGEST_TEXT - 1] + "…"
    return UNWRITABLE.sub("\ufffd", text)


def details_text(details: Mapping[str, str | int | bool | Sequence[str] | None]) -> str:
    """Canonical JSON of the details: sorted keys, bounded strings and lists. Raises UnknownAction."""
    return _ENCODER.encode({name: _value(name, details[name]) for name in sorted(details)}).decode()


def row_bytes(row: Row) -> bytes:
    """The canonical row."""
    return _ENCODER.encode((FORMAT, *row))


def chained(previous: bytes, row: Row) -> bytes:
    """The hash of an event, 32 bytes. `previous`: of the event before, or `START`."""
    return hashlib.sha256(previous + row_bytes(row)).digest()


def _value(name: str, value: str | int | bool | Sequence[str] | None) -> object:
    if NAME.fullmatch(name) is None:
        raise UnknownAction(f"'{name}' cannot name a detail of an event.")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) <= LARGEST_NUMBER:
        return value
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        kept = [clean(item) for item in value[:LONGEST_LIST]]
        return kept if len(value) <= LONGEST_LIST else [*kept, f"… {len(value) - LONGEST_LIST} more"]
    raise UnknownAction(f"The detail '{name}' of an event is not a plain value.")
