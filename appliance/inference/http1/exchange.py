"""One request and its reply."""

import asyncio
from typing import Protocol

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from appliance.inference.errors import EngineUnavailable
from appliance.inference.http1.errors import BrokeOff, NoReply

UNREAD_BYTES = 256 * 1024
"""More than this and nobody reads: the engine is made to wait."""
BARREN_BYTES = 64 * 1024
"""Most that may come without a byte of body: heads, sizes of chunks and their extensions, trailers."""


class Line(Protocol):
    """The connection, as an exchange sees it."""

    loop: asyncio.AbstractEventLoop
    quiet: int

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def say_no_more(self) -> None: ...

    def done(self, *, reusable: bool) -> None:
        """The exchange is over; the connection may carry another when everything was in order."""
        ...


class Exchange:
    """Implements `UpstreamReply`. Until `status` is known it is a request, then a reply that is being read."""

    __slots__ = (
        "_barren",
        "_chunked",
        "_ended",
        "_failure",
        "_keep",
        "_line",
        "_parser",
        "_parts",
        "_paused",
        "_unread",
        "_until_close",
        "_waiter",
        "content_type",
        "headers",
        "status",
    )

    def __init__(self, line: Line) -> None:
        self.status = 0
        """0 until the head of the reply is here."""
        self.content_type = ""
        self.headers: list[tuple[bytes, bytes]] = []
        """As they came, names in lower case; trailers are not among them."""
        self._line: Line | None = line
        self._parser: HttpResponseParser | None = HttpResponseParser(self)
        self._waiter: asyncio.Future[None] | None = None
        self._parts: list[bytes] = []
        self._unread = 0
        self._barren = 0
        self._paused = False
        self._keep = False
        self._chunked = False
        self._until_close = False
        self._ended = False
        self._failure: EngineUnavailable | None = None

    # -- for the caller

    async def begin(self) -> None:
        """Wait for the head of the reply.

        Raises:
            NoReply: the connection was closed before a byte of it.
            Silent: it did not come in time.
            BrokeOff: it is cut, or no HTTP.
        """
        while not self.status:
            if self._failure is not None:
                raise _again(self._failure)
            await self._wait()

    async def read(self) -> bytes:
        """What has come, at once or as soon as something does; empty at the end.

        Raises:
            Silent: nothing came for too long.
            BrokeOff: the reply is not whole, or was closed here.
        """
        parts = self._parts
        while not parts:
            if self._ended:
                return b""
            if self._failure is not None:
                raise _again(self._failure)
            await self._wait()
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        self._unread = 0
        if self._paused and self._line is not None:
            self._paused = False
            self._line.resume()
        return data

    async def leave(self, within_s: float) -> bytes:
        """Close our half of the connection, take what was on its way, then close the rest."""
        parts: list[bytes] = []
        if self._line is not None:
            self._line.say_no_more()
        try:
            async with asyncio.timeout(within_s):
                while data := await self.read():
                    parts.append(data)
        except (EngineUnavailable, TimeoutError):
            pass  # it has stopped, as it was meant to, or takes too long
        finally:
            self.close()
        return b"".join(parts)

    def close(self) -> None:
        """Before the end this closes the connection, and the engine gives the request up; after it, nothing."""
        if self._line is not None:
            self.fail(BrokeOff("The reply was closed before its end."))

    # -- for the connection

    @property
    def waiting(self) -> bool:
        """Somebody waits for the engine."""
        return self._waiter is not None

    def feed(self, data: bytes) -> None:
        """Take in what the engine sent."""
        if self._parser is None:
            return
        self._barren += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            if not self._ended:
                self.fail(BrokeOff(f"The engine sent what is not an HTTP reply: {error.__context__ or error}"))
                return
            self._keep = False  # the reply is whole, but something came after it
        if self._ended:
            self._let_go(reusable=self._keep)
        elif self._barren > BARREN_BYTES:
            self.fail(BrokeOff("The engine's reply has too much around its body."))
        elif self._unread > UNREAD_BYTES and not self._paused and self._line is not None:
            self._paused = True
            self._line.pause()

    def end_of_stream(self) -> None:
        """The engine will send no more."""
        if self._until_close and self.status:
            self._ended = True
            self._let_go(reusable=False)
            self._wake()
        else:
            self.lost(None)

    def lost(self, cause: Exception | None) -> None:
        """The connection is gone."""
        if self._line is None:
            return
        if self._barren or self.status:
            self.fail(BrokeOff("The engine broke off."), cause)
        else:
            self.fail(NoReply("The engine closed the connection without a reply."), cause)

    def fail(self, failure: EngineUnavailable, cause: Exception | None = None) -> None:
        """Give up. What was read before can still be taken."""
        failure.__cause__ = cause
        self._failure = failure
        self._let_go(reusable=False)
        self._wake()

    # -- for the parser

    def on_message_begin(self) -> None:
        if self._ended:
            raise BrokeOff("The engine sent more than it was asked for.")

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.status:
            return  # a trailer
        name = name.lower()
        self.headers.append((name, value))
        if name == b"content-type":
            self.content_type = value.decode("latin-1")
        elif name == b"transfer-encoding":
            if self._chunked or value.lower() != b"chunked":
                raise BrokeOff("The engine's reply has an unknown transfer encoding.")
            self._chunked = True

    def on_headers_complete(self) -> None:
        parser = self._parser
        if parser is None:
            raise BrokeOff("The exchange is over.")
        status = parser.get_status_code()
        if 100 <= status < 200 and status != 101:
            self.headers, self.content_type, self._chunked = [], "", False
            return
        if not 200 <= status < 600 or parser.get_http_version() not in {"1.0", "1.1"}:
            raise BrokeOff("The engine's reply has an unknown status or version.")
        if self._barren > BARREN_BYTES and sum(len(n) + len(v) for n, v in self.headers) > BARREN_BYTES:
            raise BrokeOff("The engine's reply has too large a head.")  # the rest may be body that came with it
        self._keep = parser.should_keep_alive()
        self._until_close = not self._keep and not self._has_length(status)
        if self._until_close and parser.get_http_version() == "1.1" and not self._says_close():
            raise BrokeOff("The engine's reply does not say where it ends.")
        self.status = status
        self._wake()

    def on_body(self, data: bytes) -> None:
        self._barren = 0
        self._parts.append(data)
        self._unread += len(data)
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def on_message_complete(self) -> None:
        if self.status:
            self._ended = True
            self._wake()

    # -- within

    async def _wait(self) -> None:
        line = self._line
        if line is None or self._waiter is not None:
            raise RuntimeError("Two tasks read one reply.")
        line.quiet = 0
        self._waiter = line.loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _let_go(self, *, reusable: bool) -> None:
        line, self._line, self._parser = self._line, None, None
        if line is not None:
            line.done(reusable=reusable)

    def _has_length(self, status: int) -> bool:
        return self._chunked or status in {204, 304} or any(name == b"content-length" for name, _ in self.headers)

    def _says_close(self) -> bool:
        return any(name == b"connection" and b"close" in value.lower() for name, value in self.headers)


def _again(failure: EngineUnavailable) -> EngineUnavailable:
    """To be raised. The exchange keeps the other, which has no traceback that leads back to it."""
    raised = type(failure)(failure.message)
    raised.__cause__ = failure.__cause__
    return raised
