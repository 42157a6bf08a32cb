"""Leave to go on with work that lasts: whoever gave it can take it back, and the work ends with a clear error.

1. Who lets a caller in makes a `Lease` in the task that does the work, and puts it into `LEASE`.
2. Who shows text of somebody's says what it rests on (`rests_on`), so that losing that takes the lease back too.
3. `end` cancels the task. Where work turns cancellation into a reply, `explain` says whether it was the lease.

It costs nothing per token: nobody asks a lease whether it still holds.
"""

import asyncio
from collections.abc import Iterable
from contextvars import ContextVar
from uuid import UUID

from appliance.foundation.errors import ApplianceError


class Lease:
    """Of one piece of work, and of the task that made it."""

    __slots__ = ("_before", "_lost", "_task", "_told", "error", "holder", "resting")

    def __init__(self, holder: object) -> None:
        """`holder`: whose rights it is about, for whoever decides."""
        self.holder = holder
        self.error: ApplianceError | None = None
        """Why it was taken back."""
        self.resting: frozenset[UUID] = frozenset()
        """Collections whose text was used."""
        self._lost: ApplianceError | None = None
        self._told = False
        self._task: asyncio.Task[object] | None = None
        self._before = 0
        self.follow()

    def follow(self) -> None:
        """The task at hand does the work from here on: streams are sent by another task than the one that began."""
        self._task = asyncio.current_task()
        self._before = 0 if self._task is None else self._task.cancelling()

    def end(self, error: ApplianceError) -> None:
        """Take it back; the work ends at its next step."""
        if self.error is None:
            self.error = error
            if self._task is not None:
                self._task.cancel()

    def narrow(self, error: ApplianceError) -> None:
        """The holder sees less than when the work began: what it has used may go on, and nothing new is used."""
        self._lost = error

    def use(self, collections: Iterable[UUID]) -> None:
        """Text of these is about to be used. Raises what `narrow` was given."""
        if self._lost is not None:
            raise self._lost
        self.resting = self.resting.union(collections)

    def explain(self) -> None:
        """To be called where a cancellation was caught: raises why, once, when the lease was what ended the work.

        When somebody else cancels as well, such as a client who leaves, it raises nothing: theirs goes on.
        """
        if self.error is not None and not self._told:
            self._told = True
            if self._task is None or self._task.uncancel() <= self._before:
                raise self.error


LEASE: ContextVar[Lease | None] = ContextVar("lease", default=None)
"""Of the work at hand. A task that a request starts inherits it; work that outlives its request has its own."""


def explain_cancelled() -> None:
    """`explain` of the lease of the work at hand, if it has one."""
    lease = LEASE.get()
    if lease is not None:
        lease.explain()


def rests_on(collections: Iterable[UUID]) -> None:
    """Note what the work at hand shows text of. Raises ApplianceError when the caller may see less by now."""
    lease = LEASE.get()
    if lease is not None:
        lease.use(collections)
