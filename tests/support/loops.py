"""Scenarios on both event loops, after which nothing may be left."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import uvloop

from tests.support.clocks import HANGS_S

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
LOOPS_OWN = 3
"""Descriptors of an event loop."""


Run = Callable[[Coroutine[Any, Any, None]], None]


def runner_of(name: str) -> Run:
    """Runs a scenario on the loop of that name; afterwards neither a task nor a socket may be left."""

    def run(scenario: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=LOOPS[name]) as runner:
            before = descriptors()
            runner.run(asyncio.wait_for(scenario, HANGS_S))
            runner.run(settled(lambda: descriptors() <= before + LOOPS_OWN))
            assert len(asyncio.all_tasks(runner.get_loop())) == 0

    return run


def descriptors() -> int:
    """Open files and sockets of this process."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def settled(condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
    """Wait for it, and fail when it does not come."""
    for _ in range(int(timeout_s / 0.01)):
        if condition():
            return
        await asyncio.sleep(0.01)
    assert condition()
