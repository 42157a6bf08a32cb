"""Ends what has a life of its own: each part in a bounded time, and none silently."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

log = structlog.get_logger(__name__)

NOTED_S = 1.0
"""What ends sooner is not worth a line."""

LEFT_S = 1.0
"""How long a part that was given up may take to notice it."""


async def end_within(within_s: float, name: str, stop: Callable[[], Awaitable[object]]) -> None:
    """Stop one part. When it takes too long, say where it waits, and leave it behind: everything we keep survives a
    kill, so a part that hangs must not keep the others from ending.

    Raises what `stop` raises.
    """
    began = time.monotonic()
    task = asyncio.ensure_future(stop())
    await asyncio.wait({task}, timeout=min(NOTED_S, within_s))
    if not task.done():
        log.info("a part takes its time to end", part=name, waits_at=waits_at(task))
        await asyncio.wait({task}, timeout=within_s - NOTED_S)
    if task.done():
        task.result()
        if time.monotonic() - began > NOTED_S:
            log.info("a part has ended", part=name, after_s=round(time.monotonic() - began, 1))
        return
    log.error("a part does not end and is left behind", part=name, after_s=within_s, waits_at=waits_at(task))
    task.cancel()
    await asyncio.wait({task}, timeout=LEFT_S)


def waits_at(task: asyncio.Future[Any]) -> str:
    """Functions and lines in which a task is suspended, outermost first."""
    places = []
    inner: Any = task.get_coro() if isinstance(task, asyncio.Task) else None
    while inner is not None:
        frame = getattr(inner, "cr_frame", None)
        if frame is not None:
            places.append(f"{inner.__qualname__}:{frame.f_lineno}")
        inner = getattr(inner, "cr_await", None)
    return " > ".join(places)
