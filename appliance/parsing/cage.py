"""Runs the parsers in a child that can be killed: they read hostile bytes, and their libraries are the weak spot.

The child has a wall clock, CPU time, memory, output and file limits, no network, no environment of ours and no way to
outlive us. Whatever goes wrong in it becomes one `DocumentRefused` with a sentence for people.
"""

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import Literal

import msgspec

from appliance.parsing.blocks import ParsedDocument
from appliance.parsing.errors import DocumentRefused
from appliance.parsing.limits import CageLimits
from appliance.parsing.protocol import EXIT_REFUSED, Order, Refusal, Task

CHILD = "appliance.parsing.child"


async def parse_file(path: Path, name: str, limits: CageLimits) -> ParsedDocument:
    """Read a file.

    Args:
        path: Where its bytes lie; never written to.
        name: Its name as people know it; only the ending is looked at, beside the bytes themselves.
        limits: What it may cost.

    Returns:
        At least one block with text.

    Raises:
        DocumentRefused: wrong type, locked, broken, too costly, or without text.
    """
    raw = await _run(_task("parse", path, name), limits)
    return msgspec.msgpack.decode(raw, type=ParsedDocument)


async def render_page(path: Path, page: int, limits: CageLimits | None = None) -> bytes:
    """A PDF page, counted from 1, as PNG. Raises DocumentRefused."""
    return await _run(_task("render", path, "page.pdf", page), limits or CageLimits())


def _task(kind: Literal["parse", "render"], path: Path, name: str, page: int = 0) -> Task:
    """The child runs in another folder, so its path is absolute."""
    return Task(kind, str(path.absolute()), name, page)


async def _run(task: Task, limits: CageLimits) -> bytes:
    size = await asyncio.to_thread(lambda: Path(task.path).stat().st_size)
    wall_s = limits.wall_for(size)
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        "-m",
        CHILD,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "OMP_NUM_THREADS": "2", "PYTHONDONTWRITEBYTECODE": "1"},
        start_new_session=True,
        cwd="/",
    )
    try:
        async with asyncio.timeout(wall_s):
            _tell(child, Order(task, limits, cpu_s=round(wall_s) + 5))
            out = await _read(child, limits.output_bytes)
            code = await child.wait()
    except TimeoutError as error:
        raise DocumentRefused(
            f"Reading it took longer than {wall_s:.0f} s.", remedy="Split it, or save it in a simpler form."
        ) from error
    finally:
        await _end(child)
    return _result(code, out)


def _tell(child: asyncio.subprocess.Process, order: Order) -> None:
    """Far less than a pipe holds, so there is nothing to wait for; a child that is gone is seen by its exit code."""
    if child.stdin is not None:
        child.stdin.write(msgspec.json.encode(order))
        child.stdin.close()


async def _read(child: asyncio.subprocess.Process, most: int) -> bytes:
    parts, size = [], 0
    while child.stdout is not None and (chunk := await child.stdout.read(1 << 16)):
        size += len(chunk)
        if size > most:
            raise DocumentRefused("It holds more text than can be taken in.", remedy="Split it.")
        parts.append(chunk)
    return b"".join(parts)


async def _end(child: asyncio.subprocess.Process) -> None:
    """Kill the child and whatever it started; it has a session of its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    await child.wait()


def _result(code: int, out: bytes) -> bytes:
    if code == 0:
        return out
    if code == EXIT_REFUSED:
        refusal = msgspec.json.decode(out, type=Refusal)
        raise DocumentRefused(refusal.reason, remedy=refusal.remedy)
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        raise DocumentRefused("Reading it took too much time or memory.", remedy="Split it.")
    raise DocumentRefused("It is broken: the reader ended without a result.")
