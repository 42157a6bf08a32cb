"""Whether a request that failed before its first byte is sent again. Pure.

Sending again is harmless: a generation changes nothing in an engine. It is bounded, as each try costs the caller time
and a struggling engine work.
"""

from typing import Literal

from msgspec import Struct

ATTEMPTS = 3
WITHIN_S = 30.0
"""No new attempt begins later than this after the first."""

PASSING = frozenset({502, 503, 504})
"""Statuses with which an engine, or a proxy before it, says that another try may succeed."""

Cause = Literal["lost", "status", "frozen"]
"""`lost`: no connection, or it ended before the status line. `status`: one of `PASSING`. `frozen`: the watchdog found
that the replica does not work."""

Step = Literal["other", "same", "give_up"]


class Attempts(Struct, frozen=True, gc=False):
    count: int
    """Done, at least 1."""
    elapsed_s: float
    cause: Cause
    others: bool
    """A replica that has not been tried takes requests."""


def next_step(done: Attempts) -> Step:
    """`other`: on a replica that was not tried; `same`: once more, as a kept connection may have been stale, and a
    router may choose another engine.
    """
    if done.count >= ATTEMPTS or done.elapsed_s > WITHIN_S:
        return "give_up"
    if done.others:
        return "other"
    return "same" if done.cause != "frozen" and done.count == 1 else "give_up"
