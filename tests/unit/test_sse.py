"""Event streams: deadlines hold, silence is filled, leaving is noticed, errors arrive."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from appliance.edge.sse import AHEAD_COUNT, WAIT, event_stream, with_heartbeat
from appliance.foundation import NotFound


async def numbers(count: int) -> AsyncIterator[bytes]:
    for number in range(count):
        yield f"{number}".encode()


@pytest.mark.parametrize("count", [0, 1, AHEAD_COUNT, 5 * AHEAD_COUNT])
async def test_every_event_comes_once_and_in_order(count: int) -> None:
    found = [event async for event in with_heartbeat(numbers(count), 60)]
    assert found == [f"{n}".encode() for n in range(count)]


async def test_a_deadline_inside_the_source_holds() -> None:
    reached = asyncio.Event()

    async def bounded() -> AsyncIterator[bytes]:
        try:
            async with asyncio.timeout(0.05):
                yield b"begun"
                await asyncio.Event().wait()
        except TimeoutError:
            reached.set()
            yield b"too long"

    async with asyncio.timeout(5):
        found = [event async for event in with_heartbeat(bounded(), 60)]
    assert found == [b"begun", b"too long"]
    assert reached.is_set()


async def test_silence_is_filled() -> None:
    release = asyncio.Event()

    async def late() -> AsyncIterator[bytes]:
        await release.wait()
        yield b"late"

    found = []
    async for event in with_heartbeat(late(), 0.01):
        found.append(event)
        release.set()
    assert found[0] == WAIT
    assert found[-1] == b"late"


async def test_an_error_in_the_middle_is_the_last_event() -> None:
    async def gone() -> AsyncIterator[bytes]:
        yield b"first"
        raise NotFound("It was deleted.")

    found = [event async for event in event_stream(gone()).iterator]
    assert found[0] == b"first"
    assert found[1:] == [b'event: failed\ndata: {"code":"not_found","message":"It was deleted."}\n\n']


async def test_leaving_closes_the_source() -> None:
    closed = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x"
                await asyncio.sleep(0)
        finally:
            closed.set()

    stream = with_heartbeat(endless(), 60)
    assert await anext(stream) == b"x"
    await stream.aclose()  # type: ignore[attr-defined] # a generator
    assert closed.is_set()


async def test_an_error_of_the_source_is_the_stream_s_error() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"good"
        raise ValueError("bad")

    stream = with_heartbeat(broken(), 60)
    assert await anext(stream) == b"good"
    with pytest.raises(ValueError, match="bad"):
        await anext(stream)
