"""A replica's backend that does what it is told, for tests of the pool without any HTTP."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from appliance.inference import EngineUnavailable, UpstreamReply
from appliance.inference.transport import Headers


@dataclass
class ScriptedReply:
    """Implements `UpstreamReply`; after `parts` the end, or a break."""

    parts: list[bytes]
    status: int = 200
    content_type: str = "text/event-stream"
    breaks: bool = False
    closed: bool = False

    async def read(self) -> bytes:
        await asyncio.sleep(0)
        if self.parts:
            return self.parts.pop(0)
        if self.breaks:
            raise EngineUnavailable("The engine broke off.")
        return b""

    async def leave(self, within_s: float) -> bytes:
        left, self.parts = b"".join(self.parts), []
        self.closed = True
        return left

    def close(self) -> None:
        self.closed = True


@dataclass
class ScriptedBackend:
    """Implements `Backend` and `Transport`."""

    name: str = "1"
    ready: bool = True
    reply: Callable[[], ScriptedReply] = lambda: ScriptedReply([b"data: 1\n\n"])
    refuses: bool = False
    """No connection."""
    frozen: asyncio.Event | None = None
    """When given, nothing is answered before it is set."""
    computing: bool = False
    takes_priority: bool = False
    state: str = "ready"
    detail: str = "ready"
    address: str = "http://engine.test/v1"
    asked: list[bytes] = field(default_factory=list)
    replies: list[ScriptedReply] = field(default_factory=list)

    @property
    def transport(self) -> "ScriptedBackend":
        return self

    async def post(self, path: str, body: bytes, headers: Headers = ()) -> UpstreamReply:
        self.asked.append(body)
        await asyncio.sleep(0)
        if self.refuses:
            raise EngineUnavailable("The engine does not answer.")
        if self.frozen is not None:
            await self.frozen.wait()
        self.replies.append(self.reply())
        return self.replies[-1]

    async def work(self) -> None:
        if self.refuses:
            raise EngineUnavailable("The engine does not answer.")
        if self.frozen is not None:
            await self.frozen.wait()

    async def computes(self) -> bool:
        return self.computing
