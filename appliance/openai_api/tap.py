"""Reads from an engine's bytes what was used, and lets them pass."""

import re

import msgspec
from msgspec import Struct

EVENT_END = b"\n\n"
USAGE_MARK = b'"usage"'
"""Cannot stand inside a text: there the quotation marks are escaped."""
USAGE = re.compile(rb'"usage"\s*:\s*\{')
VALUE_END = b"}" + EVENT_END
NO_USAGE = b',"usage":null' + VALUE_END
"""Where usage was asked for, every other event has it as null."""
DONE = b"data: [DONE]"
LONGEST_EVENT_BYTES = 8 * 1024 * 1024


class _Used(Struct):
    prompt_tokens: int = 0
    completion_tokens: int | None = 0


class _Reply(Struct):
    usage: _Used | None = None


class _Event(Struct):
    choices: list[msgspec.Raw] = []
    usage: _Used | None = None


_REPLY = msgspec.json.Decoder(_Reply)
_EVENT = msgspec.json.Decoder(_Event)


def usage_of(body: bytes) -> tuple[int, int]:
    """Prompt and completion tokens that a whole reply states; zeros when it states none."""
    try:
        used = _REPLY.decode(body).usage
    except msgspec.MsgspecError:
        return 0, 0
    return (used.prompt_tokens, used.completion_tokens or 0) if used else (0, 0)


class StreamTap:
    """Lets whole events pass, counts them, and keeps back the usage event that only we asked for.

    A cut event waits for its rest. At a real pace nearly every read is a whole event, which passes untouched.
    """

    def __init__(self, *, with_usage: bool) -> None:
        self._with_usage = with_usage
        self._rest = b""
        self._events = 0
        self._roles = 0
        self.usage: tuple[int, int] | None = None
        """Prompt and completion tokens, once the engine has said them."""
        self.done = False
        """The stream came to its proper end."""

    @property
    def tokens(self) -> int:
        """Events that carried something generated: what a stream has cost that ended before its usage event."""
        return max(0, self._events - self._roles)

    def feed(self, data: bytes) -> bytes:
        """What of it may go to the caller now."""
        if self._rest:
            data = self._rest + data
            self._rest = b""
        if not data.endswith(EVENT_END):
            cut = data.rfind(EVENT_END)
            end = 0 if cut < 0 else cut + len(EVENT_END)
            self._rest = data[end:]
            data = data[:end]
            if len(self._rest) > LONGEST_EVENT_BYTES:
                data, self._rest = self._rest, b""  # not an event stream of ours; better late than all in memory
        self._events += data.count(b"data: {")
        self._roles += data.count(b'"role"')
        if DONE in data:
            self.done = True
        if USAGE_MARK in data:
            return EVENT_END.join(self._shown(e) for e in data.split(EVENT_END) if self._passes(e))
        return data.replace(VALUE_END, NO_USAGE) if self._with_usage else data

    def _shown(self, event: bytes) -> bytes:
        if not self._with_usage or USAGE_MARK in event or not event.endswith(b"}"):
            return event
        return event[:-1] + b',"usage":null}'

    def _passes(self, event: bytes) -> bool:
        if not USAGE.search(event):
            return True
        try:
            read = _EVENT.decode(event[event.index(b"{") :])
        except msgspec.MsgspecError:
            return True
        if read.usage is not None:
            self.usage = (read.usage.prompt_tokens, read.usage.completion_tokens or 0)
        self._events -= not read.choices
        return bool(read.choices) or self._with_usage
