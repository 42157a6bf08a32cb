"""One connection that sends bytes, good HTTP or not, and reads what comes back."""

import asyncio
from dataclasses import dataclass, field

REPLY_S = 40.0
"""Longest wait for a reply; the gateway's own bounds are shorter, or its heartbeat comes in between."""

LONGEST_REPLY = 64 * 1024 * 1024


class NoReply(Exception):
    """Nothing, or something that is no HTTP, came back."""


class Idle(Exception):
    """The server closed a connection that was used before, as it may, while this request was on its way."""


@dataclass
class Reply:
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class Line:
    """A connection that is opened when it is needed, and used again as long as both sides like."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._used = False
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def send(self, *pieces: bytes, pause_s: float = 0.0) -> None:
        """Send pieces; with a pause, each goes in a packet of its own."""
        if self._writer is None or self._writer.is_closing():
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port, limit=2**20)
            self._used = False
        for piece in pieces:
            self._writer.write(piece)
            if pause_s:
                await self._writer.drain()
                await asyncio.sleep(pause_s)
        await self._writer.drain()

    async def reply(self, *, bodiless: bool = False) -> Reply:
        """The next reply, whole. Raises NoReply, Idle, TimeoutError."""
        try:
            async with asyncio.timeout(REPLY_S):
                found = await self._reply(bodiless)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, ValueError) as error:
            self.drop()
            if self._used and getattr(error, "partial", b"") == b"":
                raise Idle from error
            raise NoReply(type(error).__name__) from error
        except TimeoutError:
            self.drop()
            raise
        self._used = True
        if found.headers.get("connection", "").lower() == "close":
            self.drop()
        return found

    async def _reply(self, bodiless: bool) -> Reply:
        if self._reader is None:
            raise ConnectionError
        reader = self._reader
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            reply = Reply(int(head[0].split(" ")[1]))
            reply.headers = {n.lower(): v.strip() for n, _, v in (row.partition(":") for row in head[1:] if row)}
            if reply.status >= 200:
                break
        if bodiless or reply.status in (204, 304):
            return reply
        if reply.headers.get("transfer-encoding") == "chunked":
            reply.body = await _chunks(reader)
        elif "content-length" in reply.headers:
            reply.body = await reader.readexactly(int(reply.headers["content-length"]))
        else:
            reply.body = await reader.read(LONGEST_REPLY)
            self.drop()
        return reply

    def drop(self) -> None:
        """Leave without a word."""
        if self._writer is not None:
            self._writer.transport.abort()
        self._reader = self._writer = None


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    parts = []
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        parts.append(await reader.readexactly(size))
        await reader.readexactly(2)
    await reader.readuntil(b"\r\n")
    return b"".join(parts)
