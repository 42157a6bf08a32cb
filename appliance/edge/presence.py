"""Whether the client is still there."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from litestar import Request

T = TypeVar("T")


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
