"""A connection of HTTP/1.1 that sends exactly the bytes that a test gives it, and reads what comes back."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

MOST_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass
class Wire:
    """One connection, opened again when the other side closes it."""

    host: str
    port: int
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = field(default=None)

    async def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """A well-formed request, with these headers and no others but Host and the body's length."""
        given = {"host": f"{self.host}:{self.port}", **headers}
        if body or method not in ("GET", "HEAD"):
            given["content-length"] = str(len(body))
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items()), "", ""]
        return await self.send("\r\n".join(lines).encode("latin-1") + body, head=method == "HEAD")

    async def send(self, data: bytes, *, head: bool = False) -> Answer:
        """These bytes, and the first answer to them; status 0 when there is none."""
        if self.streams is None or self.streams[1].is_closing() or self.streams[0].at_eof():
            self.streams = await asyncio.open_connection(self.host, self.port, limit=2**20)
        reader, writer = self.streams
        writer.write(data)
        await writer.drain()
        return await self._read(reader, head=head)

    async def rest(self, wait_s: float = 0.2) -> bytes:
        """What else comes until the connection is closed or silent."""
        assert self.streams is not None
        found = b""
        try:
            async with asyncio.timeout(wait_s):
                while more := await self.streams[0].read(MOST_BYTES):
                    found += more
        except TimeoutError:
            pass
        return found

    def close(self) -> None:
        if self.streams is not None:
            self.streams[1].close()
            self.streams = None

    async def _read(self, reader: asyncio.StreamReader, *, head: bool) -> Answer:
        try:
            async with asyncio.timeout(60):
                first = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            self.close()
            return Answer(0, {})
        status, *lines = first.decode("latin-1").split("\r\n")
        pairs = [line.partition(": ") for line in lines if line]
        headers = {name.lower(): value for name, _, value in pairs}
        body = b""
        if "content-length" in headers and not head:
            body = await reader.readexactly(int(headers["content-length"]))
        elif "transfer-encoding" in headers and not head:  # a stream: nobody waits for its end here
            self.close()
        if headers.get("connection") == "close":
            self.close()
        return Answer(int(status.split(" ")[1]), headers, body)


@asynccontextmanager
async def wire(url: str) -> AsyncIterator[Wire]:
    """Closed when the block ends."""
    host, _, port = url.removeprefix("http://").partition(":")
    made = Wire(host, int(port))
    try:
        yield made
    finally:
        made.close()
