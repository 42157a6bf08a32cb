"""A turn that is being written now. Readers come and go; the writing goes on for a while without them."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

from appliance.answers import AnswerEvent, TokenDelta


@dataclass(slots=True)
class LiveTurn:
    """All events so far, and a bell for the next one."""

    turn_id: UUID
    user_id: UUID
    events: list[AnswerEvent] = field(default_factory=list)
    done: bool = False
    readers: int = 0
    deserted: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while nobody follows the stream."""
    looked_at_s: float = field(default_factory=time.monotonic)
    """When somebody last asked for it: a page that was loaded anew asks again and again instead of following."""
    task: asyncio.Task[None] | None = None
    _bell: asyncio.Event = field(default_factory=asyncio.Event)

    def text(self) -> str:
        return "".join(e.text for e in self.events if isinstance(e, TokenDelta))

    def add(self, event: AnswerEvent) -> None:
        self.events.append(event)
        self._ring()

    def finish(self) -> None:
        self.done = True
        self._ring()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncIterator[AnswerEvent]]:
        """Read all events from the first one on; the writer learns when the last reader has left."""
        self.readers += 1
        self.deserted.clear()
        try:
            yield self._follow()
        finally:
            self.readers -= 1
            self.looked_at_s = time.monotonic()
            if self.readers == 0:
                self.deserted.set()

    async def _follow(self) -> AsyncIterator[AnswerEvent]:
        position = 0
        while True:
            bell = self._bell
            while position < len(self.events):
                yield self.events[position]
                position += 1
            if self.done:
                return
            await bell.wait()

    def _ring(self) -> None:
        bell, self._bell = self._bell, asyncio.Event()
        bell.set()
