"""One request and its answer, on the web server's side: what uvicorn does, for a third of its cost.

uvicorn searches each name and value of each header for what could end a line, and has an event and a waiting task for
each request. Here a header that is the same in every answer was checked once, the others are checked in one search,
and nothing is made for waiting before somebody waits.
"""

import asyncio
import re
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from appliance.edge import FIXED, STRICT_TRANSPORT, Presence

LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+: [\t -~\x80-\xff]*\r\n")
"""One header; nothing in it can begin another."""
READY = tuple(
    (list(fixed), b"".join(b"%b: %b\r\n" % header for header in fixed)) for fixed in (FIXED, (*FIXED, STRICT_TRANSPORT))
)
"""Headers with which nearly every answer ends, and their lines."""
FRAMING = frozenset({b"content-length", b"transfer-encoding", b"connection"})
"""Headers that say how the answer is framed."""
WITHOUT_BODY = frozenset({204, 304})


class Bell:
    """An `asyncio.Event` that costs something only when somebody waits for it."""

    __slots__ = ("_event", "_rung")

    def __init__(self) -> None:
        self._rung = False
        self._event: asyncio.Event | None = None

    def set(self) -> None:
        self._rung = True
        if self._event is not None:
            self._event.set()

    def clear(self) -> None:
        self._rung = False
        if self._event is not None:
            self._event.clear()

    async def wait(self) -> None:
        """Returns when it is set."""
        if not self._rung:
            if self._event is None:
                self._event = asyncio.Event()
            await self._event.wait()


class Cycle(RequestResponseCycle):
    """From the head of a request to the last byte of its answer."""

    def __init__(self, presence: Presence, **given: Any) -> None:
        """`given`: what uvicorn gives to its own."""
        super().__init__(**given)
        self._presence = presence

    def leave(self) -> None:
        """The client has closed the connection."""
        if not self.response_complete:
            self.disconnected = True
            self.message_event.set()
            self._presence.leave()

    async def send(self, message: Any) -> None:
        """As ASGI has it. Raises RuntimeError when the application breaks its rules."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if message["type"] == "http.response.body" and self.response_started and not self.response_complete:
            self._write(message.get("body", b""), more=message.get("more_body", False))
        elif message["type"] == "http.response.start" and not self.response_started:
            self.response_started = True
            self.waiting_for_100_continue = False
            self.transport.write(self._head(message["status"], message.get("headers", ())))
        else:
            raise RuntimeError(f"The message '{message['type']}' does not belong here.")

    def _head(self, status: int, headers: Any) -> bytes:
        lines = [STATUS_LINE[status]]
        closes = False
        headers, ready = _without_ready([*self.default_headers, *headers])
        for name, value in headers:
            name = name.lower()  # noqa: PLW2901 - the same name
            line = b"%b: %b\r\n" % (name, value)
            if LINE.fullmatch(line) is None:
                raise RuntimeError(f"The header {name[:80]!r} cannot be sent.")
            if name in FRAMING:
                closes |= self._frame(name, value)
            lines.append(line)
        lines.append(ready)
        if closes:
            self.keep_alive = False
        elif not self.keep_alive:
            lines.append(b"connection: close\r\n")
        if self.chunked_encoding is None and status not in WITHOUT_BODY and self.scope["method"] != "HEAD":
            self.chunked_encoding = True
            lines.append(b"transfer-encoding: chunked\r\n")
        lines.append(b"\r\n")
        return b"".join(lines)

    def _frame(self, name: bytes, value: bytes) -> bool:
        """Note what a header says of the body; whether it closes the connection."""
        if name == b"content-length" and self.chunked_encoding is None:
            self.expected_content_length = int(value)
            self.chunked_encoding = False
        elif name == b"transfer-encoding" and value.lower() == b"chunked":
            self.expected_content_length = 0
            self.chunked_encoding = True
        return name == b"connection" and b"close" in {token.strip() for token in value.lower().split(b",")}

    def _write(self, body: bytes, *, more: bool) -> None:
        if self.scope["method"] == "HEAD":
            self.expected_content_length = 0
        elif self.chunked_encoding:
            end = b"" if more else b"0\r\n\r\n"
            self.transport.write(b"%x\r\n%b\r\n%b" % (len(body), body, end) if body else end)
        else:
            self.expected_content_length -= len(body)
            if self.expected_content_length < 0:
                raise RuntimeError("The body is longer than its Content-Length.")
            self.transport.write(body)
        if not more:
            self._end()

    def _end(self) -> None:
        if self.expected_content_length:
            raise RuntimeError("The body is shorter than its Content-Length.")
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()


def _without_ready(headers: list[tuple[bytes, bytes]]) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """The headers before those whose lines are ready, and these lines."""
    for fixed, lines in READY:
        if headers[-len(fixed) :] == fixed:
            return headers[: -len(fixed)], lines
    return headers, b""
