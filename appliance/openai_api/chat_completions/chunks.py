"""An engine's reply and its stream, taken apart as far as checks need it and put together again."""

from collections.abc import Iterator
from typing import Any

import msgspec

EVENT_END = b"\n\n"
DATA = b"data: "
FINISHED = ("stop", "tool_calls")
"""Reasons of an answer that came to its own end; only such an answer is held to its form."""

Value = dict[str, Any]

_VALUE = msgspec.json.Decoder(dict[str, Any])


def reply_of(body: bytes) -> Value:
    """A whole reply."""
    return _VALUE.decode(body)


def events(data: bytes) -> Iterator[bytes]:
    """The events of a portion that ends with one, each with its end."""
    for event in data.split(EVENT_END):
        if event:
            yield event + EVENT_END


def value_of(event: bytes) -> Value | None:
    """None for a comment and for the mark of the end."""
    return _VALUE.decode(event[len(DATA) :]) if event.startswith(b"data: {") else None


def event_with(value: Value, choice: Value) -> bytes:
    """The event again, with this one choice."""
    return DATA + msgspec.json.encode({**value, "choices": [choice]}) + EVENT_END
