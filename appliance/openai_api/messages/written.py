"""A message that is being written for a caller who waits for it."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable

import msgspec

from appliance.edge import anthropic_type, sse
from appliance.foundation import TRAIL, ApplianceError, note_error
from appliance.openai_api.calls import Opened
from appliance.openai_api.messages.events import MessageEvent
from appliance.openai_api.messages.machine import MessageMachine
from appliance.openai_api.translation import chunk_of, read_chunks


class WrittenMessage:
    """`Opened`: the chat completion below, told as a message."""

    def __init__(self, chat: Opened, machine: MessageMachine) -> None:
        trail = TRAIL.get()
        self.headers = (*chat.headers, *([(b"request-id", trail.request_id.encode("ascii"))] if trail else []))
        self.streams = chat.streams
        self._chat = chat
        self._machine = machine
        self._events = self._tell()

    async def read(self) -> bytes:
        """Whole events; what breaks on the way is an event as well."""
        return await anext(self._events, b"")

    async def whole(self) -> bytes:
        """The message. Raises EngineUnavailable."""
        try:
            for _ in self._machine.feed(chunk_of(await self._chat.whole())):
                pass
            for _ in self._machine.end():
                pass
            return msgspec.json.encode(self._machine.message)
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        await self._events.aclose()
        await self._chat.aclose()

    async def _tell(self) -> AsyncGenerator[bytes]:
        yield told(self._machine.begin())
        try:
            async for chunk in read_chunks(self._received()):
                if events := told(self._machine.feed(chunk)):
                    yield events
            yield told(self._machine.end())
        except ApplianceError as error:
            note_error(error.code)
            yield told(self._machine.fail(anthropic_type(error.status), error.sentence()))

    async def _received(self) -> AsyncIterator[bytes]:
        while data := await self._chat.read():
            yield data


def told(events: Iterable[MessageEvent]) -> bytes:
    """Events as they are sent: each with its type as its name."""
    return b"".join(sse(str(event.__struct_config__.tag), event) for event in events)
