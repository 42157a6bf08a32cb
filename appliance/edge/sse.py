"""Server-sent events."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import msgspec
from litestar.response import Stream

HEARTBEAT_S = 10.0
STREAM_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}


def sse(name: str | None, data: Any) -> bytes:
    """One event; `data` is anything msgspec encodes. Without a name it is a plain `data:` line."""
    head = b"" if name is None else b"event: " + name.encode() + b"\n"
    return head + b"data: " + msgspec.json.encode(data) + b"\n\n"


def event_stream(events: AsyncIterator[bytes], *, headers: dict[str, str] | None = None) -> Stream:
    """Send events as they come, and a comment when none came for a while, so that proxies keep the line open.

    When the client leaves, the iterator is closed at once.
    """
    return Stream(
        with_heartbeat(events, HEARTBEAT_S),
        media_type="text/event-stream",
        headers={**STREAM_HEADERS, **(headers or {})},
    )


async def with_heartbeat(events: AsyncIterator[bytes], interval_s: float) -> AsyncIterator[bytes]:
    """Pass events on; yield `: wait` whenever `interval_s` went by without one. Closing this closes `events`."""
    pending: asyncio.Task[bytes] | None = None
    async with aclosing(_generator(events)) as source:
        try:
            while True:
                pending = pending or asyncio.ensure_future(anext(source))
                done, _ = await asyncio.wait({pending}, timeout=interval_s)
                if not done:
                    yield b": wait\n\n"
                    continue
                task, pending = pending, None
                try:
                    yield task.result()
                except StopAsyncIteration:
                    return
        finally:
            if pending is not None:
                pending.cancel()
                await asyncio.wait({pending})


async def _generator(events: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    async for event in events:
        yield event
