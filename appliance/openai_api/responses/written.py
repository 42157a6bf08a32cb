"""A response that is being written for a caller who waits for it."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable

import msgspec

from appliance.edge import sse
from appliance.foundation import ApplianceError, Clock, note_error
from appliance.openai_api.calls import Opened
from appliance.openai_api.responses.events import ResponseEvent
from appliance.openai_api.responses.items import FileSearchItem
from appliance.openai_api.responses.machine import ResponseMachine
from appliance.openai_api.responses.reply import ResponseObject
from appliance.openai_api.translation import chunk_of, read_chunks

Keep = Callable[[ResponseObject], Awaitable[None]]
"""Called once, when the response has ended and before its last event goes out: whoever reads that can go on from it."""


class Given:
    """`Opened`, of bytes that are there."""

    streams = False
    headers: tuple[tuple[bytes, bytes], ...] = ()

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def read(self) -> bytes:
        """Never asked: this is no stream."""
        return b""

    async def whole(self) -> bytes:
        return self._body

    async def aclose(self) -> None:
        """There is nothing to stop."""


class Followed:
    """`Opened`, of events that somebody else makes; whoever leaves stops nothing."""

    streams = True
    headers: tuple[tuple[bytes, bytes], ...] = ()

    def __init__(self, events: AsyncGenerator[bytes]) -> None:
        self._events = events

    async def read(self) -> bytes:
        return await anext(self._events, b"")

    async def whole(self) -> bytes:
        """Never asked: this is a stream."""
        return b""

    async def aclose(self) -> None:
        await self._events.aclose()


class WrittenResponse:
    """`Opened`: the chat completion below, told as a response."""

    def __init__(
        self, chat: Opened, machine: ResponseMachine, searched: FileSearchItem | None, keep: Keep, clock: Clock
    ) -> None:
        self.headers = chat.headers
        self.streams = chat.streams
        self._chat = chat
        self._machine = machine
        self._searched = searched
        self._keep = keep
        self._clock = clock
        self._events = self._tell()

    async def read(self) -> bytes:
        """Whole events; what breaks on the way is an event as well."""
        return await anext(self._events, b"")

    async def whole(self) -> bytes:
        """The response object. Raises EngineUnavailable."""
        try:
            for _ in self._begin():
                pass
            for _ in self._machine.feed(chunk_of(await self._chat.whole())):
                pass
            for _ in self._machine.end(self._now_s()):
                pass
            await self._keep(self._machine.response)
            return msgspec.json.encode(self._machine.response)
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        await self._events.aclose()
        await self._chat.aclose()

    def _begin(self) -> Iterable[ResponseEvent]:
        yield from self._machine.begin(queued=self._machine.response.background)
        if self._searched is not None:
            yield from self._machine.searched(self._searched)

    async def _tell(self) -> AsyncGenerator[bytes]:
        yield told(self._begin())
        try:
            async for chunk in read_chunks(received(self._chat)):
                if events := told(self._machine.feed(chunk)):
                    yield events
            last = told(self._machine.end(self._now_s()))
        except ApplianceError as error:
            note_error(error.code)
            last = told(self._machine.fail(error))
        await self._keep(self._machine.response)
        yield last

    def _now_s(self) -> int:
        return int(self._clock.now().timestamp())


def told(events: Iterable[ResponseEvent]) -> bytes:
    """Events as they are sent: each with its type as its name."""
    return b"".join(sse(str(event.__struct_config__.tag), event) for event in events)


async def received(chat: Opened) -> AsyncIterator[bytes]:
    """What a call sends, as an iterator."""
    while data := await chat.read():
        yield data
