"""An engine that speaks raw bytes: whatever a network can do to an HTTP client, a script does here.

    async with scripted(script) as engine:
        Transport(engine.url)

`script(wire)` is run for every connection; when it ends, the connection is closed.
"""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from appliance.inference.http1 import Exchange, Transport

OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"

GONE = (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, RuntimeError)
"""How a script ends when the client has gone, or the test is over; RuntimeError is uvloop's word for a closed one."""


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@dataclass
class Wire:
    """One connection, on the engine's side."""

    number: int
    """From 0, in the order of arrival."""
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def request(self) -> tuple[bytes, bytes]:
        """Head and body of the next request. Raises IncompleteReadError when there is none."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = next((int(row[15:]) for row in head.split(b"\r\n") if row.startswith(b"content-length:")), 0)
        return head, await self.reader.readexactly(length)

    async def send(self, *pieces: bytes) -> None:
        """Each piece is a packet of its own, as far as the kernel allows."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(0)

    async def gone(self) -> None:
        """Until the client has closed."""
        with suppress(ConnectionError):
            while await self.reader.read(65536):
                pass

    def half_close(self) -> None:
        self.writer.write_eof()

    def reset(self) -> None:
        """As a process does that is killed with unread data."""
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Script = Callable[[Wire], Awaitable[None]]


@dataclass
class ScriptedEngine:
    url: str = ""
    port: int = 0
    connections: int = 0
    requests: list[tuple[bytes, bytes]] = field(default_factory=list)
    """Head and body of each that `answering` took."""
    open: set[asyncio.Task[None]] = field(default_factory=set)


def answering(engine: ScriptedEngine, *replies: bytes) -> Script:
    """Answers every request with the next reply, the last one again and again."""
    left = list(replies)

    async def script(wire: Wire) -> None:
        while True:
            engine.requests.append(await wire.request())
            await wire.send(left.pop(0) if len(left) > 1 else left[0])

    return script


@asynccontextmanager
async def scripted(
    script: Script, host: str = "127.0.0.1", engine: ScriptedEngine | None = None
) -> AsyncIterator[ScriptedEngine]:
    engine = engine or ScriptedEngine()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        engine.open.add(task)
        engine.connections += 1
        try:
            with suppress(*GONE):
                await script(Wire(engine.connections - 1, reader, writer))
        finally:
            writer.close()
            engine.open.discard(task)

    server = await asyncio.start_server(serve, host, 0, limit=2**20, backlog=4096)
    engine.port = server.sockets[0].getsockname()[1]
    engine.url = f"http://[{host}]:{engine.port}" if ":" in host else f"http://{host}:{engine.port}"
    try:
        yield engine
    finally:
        server.close()
        for task in tuple(engine.open):
            task.cancel()
        await asyncio.gather(*engine.open, return_exceptions=True)


async def whole(reply: Exchange) -> bytes:
    """The rest of the body."""
    body = b""
    while data := await reply.read():
        body += data
    reply.close()
    return body


async def ask(transport: Transport, path: str = "/v1/x", body: bytes = b"{}") -> tuple[int, bytes]:
    """Status and body."""
    reply = await transport.post(path, body)
    return reply.status, await whole(reply)
