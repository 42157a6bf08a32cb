"""Reads server-sent events from an engine, however the bytes are cut."""

from collections.abc import AsyncGenerator, AsyncIterator


async def data_lines(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    """The payload of each `data:` line; comments and other fields are left out."""
    rest = b""
    async for chunk in chunks:
        rest += chunk
        *lines, rest = rest.split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                yield line[5:].strip()
    if rest.startswith(b"data:"):
        yield rest[5:].strip()
