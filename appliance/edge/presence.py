"""Whether the client is still there."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from litestar import Request

T = TypeVar("T")


PRESENCE = "presence"
"""Under this name our web server puts a `Presence` into the state of each request's scope."""


class Presence:
    """Of the client of one request: tells when it has left, without a task that waits for it."""

    __slots__ = ("_left", "_tell")

    def __init__(self) -> None:
        self._left = False
        self._tell: Callable[[], None] | None = None

    def watch(self, tell: Callable[[], None]) -> None:
        """Have `tell` called once, when the client leaves; at once when it has. One may watch at a time."""
        self._tell = tell
        if self._left:
            self.leave()

    def forget(self) -> None:
        """Nobody watches any more."""
        self._tell = None

    def leave(self) -> None:
        """For the web server: the connection is closed, and the answer was not complete."""
        self._left = True
        tell, self._tell = self._tell, None
        if tell is not None:
            tell()


class ClientGone(Exception):
    """The client closed the connection; the work was cancelled."""


async def while_connected(request: Request[Any, Any, Any], work: Coroutine[Any, Any, T]) -> T:
    """Do the work unless the client leaves first; then the work is cancelled, so that an engine stops too.

    Call it after the body was read. Raises ClientGone.
    """
    job = asyncio.ensure_future(work)
    watcher = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({job, watcher}, return_when=asyncio.FIRST_COMPLETED)
        if not job.done():
            raise ClientGone
        return job.result()
    finally:
        for task in (job, watcher):
            task.cancel()
        await asyncio.wait({job, watcher})


async def _gone(request: Request[Any, Any, Any]) -> None:
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            return
