"""Server-sent events."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import msgspec
from litestar.response import Stream

from appliance.foundation import LEASE, ApplianceError, note_error

HEARTBEAT_S = 10.0
WAIT = b": wait\n\n"
AHEAD_COUNT = 16
"""Events read ahead of a slow client; then the source waits, and with it the engine's connection."""

STREAM_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}


def sse(name: str | None, data: Any) -> bytes:
    """One event; `data` is anything msgspec encodes. Without a name it is a plain `data:` line."""
    head = b"" if name is None else b"event: " + name.encode() + b"\n"
    return head + b"data: " + msgspec.json.encode(data) + b"\n\n"


def event_stream(events: AsyncIterator[bytes], *, headers: dict[str, str] | None = None) -> Stream:
    """Send events as they come, and a comment when none came for a while, so that proxies keep the line open.

    An error of ours that comes in the middle is the last event, `failed`: its status can no longer be sent. When the
    client leaves, the iterator is closed at once.
    """
    return Stream(
        _orderly(events),
        media_type="text/event-stream",
        headers={**STREAM_HEADERS, **(headers or {})},
    )


async def _orderly(events: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async with aclosing(with_heartbeat(events, HEARTBEAT_S)) as source:
        try:
            async for event in _explained(source):
                yield event
        except ApplianceError as error:
            note_error(error.code)
            yield sse("failed", {"code": error.code, "message": error.sentence()})


async def _explained(source: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """A stream whose reader's rights are taken back ends with that error."""
    lease = LEASE.get()
    if lease is not None:
        lease.follow()
    try:
        async for event in source:
            yield event
    except asyncio.CancelledError:
        if lease is not None:
            lease.explain()
        raise


async def with_heartbeat(events: AsyncIterator[bytes], interval_s: float) -> AsyncGenerator[bytes]:
    """Pass events on; yield `: wait` whenever `interval_s` went by without one. Closing this closes `events`.

    One task reads `events` from beginning to end: a deadline that began in one step of a generator (`asyncio.timeout`)
    belongs to the task of that step, and would miss the work if each step ran in a task of its own.
    """
    queue: asyncio.Queue[bytes] = asyncio.Queue(maxsize=AHEAD_COUNT)
    reader = asyncio.create_task(_read(events, queue))
    reader.add_done_callback(lambda _: _wake(queue))
    try:
        while not (reader.done() and queue.empty()):
            try:
                async with asyncio.timeout(interval_s):
                    event = await queue.get()
            except TimeoutError:
                event = WAIT
            if event:
                yield event
        await reader  # an error of the source is the stream's error
    finally:
        reader.cancel()
        await asyncio.wait({reader})


async def _read(events: AsyncIterator[bytes], queue: "asyncio.Queue[bytes]") -> None:
    async with aclosing(_generator(events)) as source:
        async for event in source:
            await queue.put(event)


def _wake(queue: "asyncio.Queue[bytes]") -> None:
    """The empty event makes a waiting consumer look whether the source has ended; a full queue wakes it anyway."""
    if not queue.full():
        queue.put_nowait(b"")


async def _generator(events: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    async for event in events:
        yield event
