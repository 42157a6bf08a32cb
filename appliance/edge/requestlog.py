"""One line per request, when it is over.

Written in batches, since a line costs more than many a request's whole frame. Of the address only the route's pattern
is logged: ids and what somebody typed after a question mark stay out of the log.
"""

import asyncio
import sys
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Literal

from litestar.types import Scope

from appliance.foundation import Trail

FLUSH_S = 0.5
MAX_WAITING = 1000

Level = Literal["off", "errors", "all"]


def _to_stderr(lines: str) -> None:
    sys.stderr.write(lines)
    sys.stderr.flush()


class RequestLog:
    """`errors` logs what was answered with 400 or more, and what was not answered whole."""

    def __init__(self, level: Level = "all", write: Callable[[str], None] = _to_stderr) -> None:
        self._least = {"off": 10_000, "errors": 400, "all": 0}[level]
        self._off = level == "off"
        self._write = write
        self._waiting: list[tuple[Any, ...]] = []

    def note(self, scope: Scope, trail: Trail, status: int, seconds: float, *, whole: bool) -> None:
        """A request is over. `status` 0: nothing was sent; not `whole`: the client left or the answer broke off."""
        if self._off or (status < self._least and whole):
            return
        waiting = self._waiting
        endpoint, method, caller = scope.get("path_template"), scope.get("method", ""), scope.get("user")
        waiting.append((time.time(), trail, method, endpoint, status, seconds, whole, caller))
        if len(waiting) == 1:
            asyncio.get_running_loop().call_later(FLUSH_S, self.flush)
        elif len(waiting) >= MAX_WAITING:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._write(_lines(waiting))


def _lines(waiting: Iterable[tuple[Any, ...]]) -> str:
    """What is the same in many lines, such as who asked, is put into words once."""
    seconds: dict[int, str] = {}
    callers: dict[int, str] = {}
    lines = []
    for at, trail, method, endpoint, status, took_s, whole, caller in waiting:
        second = seconds.get(int(at)) or seconds.setdefault(int(at), datetime.fromtimestamp(int(at), UTC).isoformat())
        stamp = f"{second[:19]}.{int(at % 1 * 1000):03d}Z"
        said = callers.get(id(caller)) or callers.setdefault(id(caller), _name(caller))
        lines.append(_line(stamp, trail, method, endpoint, status, took_s, whole, said))
    return "".join(lines)


def _name(caller: Any) -> str:
    if caller is None:
        return " "
    return (
        f" user_id='{caller.user_id}' key_id='{caller.key_id}' " if caller.key_id else f" user_id='{caller.user_id}' "
    )


def _line(
    stamp: str, trail: Trail, method: str, endpoint: str | None, status: int, seconds: float, whole: bool, caller: str
) -> str:
    parts = [
        f"timestamp='{stamp}' level='info' event='request' method={method[:16]!r} endpoint={endpoint or None!r}",
        f"status={status or None} ms={seconds * 1000:.1f} outcome={'answered' if whole else 'cut off'!r}",
    ]
    if trail.error_code:
        parts.append(f"code='{trail.error_code}'")
    if trail.model_id:
        tokens = f"prompt_tokens={trail.prompt_tokens} completion_tokens={trail.completion_tokens}"
        parts.append(f"model={trail.model_id!r} {tokens}")
    return f"{' '.join(parts)}{caller}request_id='{trail.request_id}'\n"
