"""One socket to an engine."""

import asyncio
from typing import Protocol, cast

from appliance.inference.http1.exchange import Exchange

WRITE_BYTES = 64 * 1024
"""A request up to this size is written at once; a larger one in slices of it, as fast as the engine takes them."""


class Home(Protocol):
    """Keeps connections between two requests."""

    def made(self, connection: "Connection") -> None: ...

    def give_back(self, connection: "Connection") -> None: ...

    def lost(self, connection: "Connection") -> None: ...


class Connection(asyncio.Protocol):
    """Carries one exchange at a time."""

    __slots__ = (
        "_half_open",
        "_home",
        "_open",
        "_reading",
        "_transport",
        "_unsent",
        "_unwanted",
        "_write_paused",
        "exchange",
        "loop",
        "quiet",
    )

    def __init__(self, home: Home, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.exchange: Exchange | None = None
        self.quiet = 0
        """Sweeps of the pool since it was last used or waited for."""
        self._home = home
        self._transport: asyncio.Transport | None = None
        self._open = False
        self._unwanted = False
        self._half_open = False
        self._reading = True
        self._write_paused = False
        self._unsent = memoryview(b"")

    @property
    def usable(self) -> bool:
        """It is open as far as one can know."""
        return self._open and self._transport is not None and not self._transport.is_closing()

    def send(self, head: bytes, body: bytes) -> Exchange:
        """Begin an exchange; the rest of a large body follows by itself."""
        exchange = self.exchange = Exchange(self)
        self.quiet = 0
        if self._transport is None or not self._open:
            exchange.lost(None)
        elif len(body) <= WRITE_BYTES:
            self._transport.write(head + body if body else head)
        else:
            self._transport.write(head)
            self._unsent = memoryview(body)
            self._send_more()
        return exchange

    def done(self, *, reusable: bool) -> None:
        """The exchange is over."""
        self.exchange = None
        if reusable and self._open and not self._half_open and self._sent():
            self.resume()
            self._home.give_back(self)
        else:
            self.abort()

    def abort(self) -> None:
        """Close at once; what is not sent yet never will be."""
        self._unwanted = True
        self._open = False
        self._unsent = memoryview(b"")
        if self._transport is not None:
            self._transport.abort()

    def pause(self) -> None:
        """Read no more for now."""
        if self._reading and self._open and self._transport is not None:
            self._reading = False
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        if not self._reading:
            self._reading = True
            if self._open and self._transport is not None:
                self._transport.resume_reading()

    def say_no_more(self) -> None:
        """Close the half that we write to."""
        if self._open and self._transport is not None and self._transport.can_write_eof():
            self._unsent = memoryview(b"")
            self._half_open = True
            self._transport.write_eof()

    # -- for the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own is none by inheritance
        if self._unwanted:
            self._transport.abort()  # uvloop finishes a connection whose making was cancelled, and leaves it open
            return
        self._open = True
        self._home.made(self)

    def data_received(self, data: bytes) -> None:
        exchange = self.exchange
        if exchange is None:
            self.abort()  # nothing was asked: whatever this is, it must not be taken for the next reply
        else:
            exchange.feed(data)

    def eof_received(self) -> None:
        """Also of an engine that would still read: half a connection is of no use."""
        if self.exchange is not None:
            self.exchange.end_of_stream()
        self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._open = False
        self._home.lost(self)
        if self.exchange is not None:
            self.exchange.lost(exc)
        self._transport = None

    def pause_writing(self) -> None:
        self._write_paused = True

    def resume_writing(self) -> None:
        self._write_paused = False
        self.quiet = 0
        self._send_more()

    # -- within

    def _send_more(self) -> None:
        while self._unsent and not self._write_paused and self._transport is not None:
            piece, self._unsent = self._unsent[:WRITE_BYTES], self._unsent[WRITE_BYTES:]
            self._transport.write(piece)

    def _sent(self) -> bool:
        """Everything of the request has left; an early reply to half a request leaves the connection in between."""
        return not self._unsent and not self._write_paused
