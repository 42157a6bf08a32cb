"""Work that lasts longer than a moment goes on only while its caller's rights do (decision 0023).

1. Every request, and every piece of work that outlives its request, has a `Lease` (`begin`, `held`).
2. One task of the process looks four times a second whether rights have moved, which costs a comparison. When they
   have, or a credential has run out by the clock, all leases are judged together by a few queries.
3. A lease is taken back when the account, key or session is over, when the key is for other things or the account has
   lost a role, or when a collection that the work has shown text of may no longer be read.
4. When the database has not answered for five seconds, every lease is taken back: nobody knows whether it holds.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from appliance.foundation import LEASE, ApplianceError, Clock, Lease
from appliance.identity.errors import AccessEnded, RightsLost, RightsUnknown
from appliance.identity.rights import RightsCache
from appliance.identity.standing import Now, Standing, standing_of
from appliance.identity.values import EVERYONE, Principal
from appliance.storage import Database

log = structlog.get_logger(__name__)

Readers = Callable[[Collection[UUID]], Awaitable[Mapping[UUID, frozenset[str]]]]
"""Who may read each of these collections, by principals' names; one that is gone is left out."""

LOOK_S = 0.25
CLOCK_S = 1.0
JUDGE_TIMEOUT_S = 2.0
BLIND_S = 4.5
"""Seconds without an answer of the database after which nothing is believed."""
STALL_S = 0.5
"""So much later than asked for, the process was not run at all, as on a machine whose engines take every core."""


async def _nobody(_: Collection[UUID]) -> Mapping[UUID, frozenset[str]]:
    return {}


class Leases:
    """All leases of the process. It belongs to one event loop."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        rights: RightsCache,
        readers: Readers = _nobody,
        keys_confirmed_for: timedelta | None = None,
    ) -> None:
        """`keys_confirmed_for`: see `confirmed.py`."""
        self._database = database
        self._clock = clock
        self._rights = rights
        self._readers = readers
        self._keys_confirmed_for = keys_confirmed_for
        self._held: set[Lease] = set()
        self._unsure: set[Lease] = set()
        """Those whose caller was read while nobody knew whether rights were moving."""
        self._judged = -1
        self._sure_at = time.monotonic()
        self._task: asyncio.Task[None] | None = None

    @property
    def count(self) -> int:
        """Pieces of work that go on now."""
        return len(self._held)

    def begin(self, caller: Principal, *, sure: bool) -> Lease:
        """In the task that does the work, which it becomes the lease of. `close` it at the end.

        `sure`: the caller comes from the cache at this moment; else the lease is judged at the next look.
        """
        lease = Lease(caller)
        self._held.add(lease)
        if not sure:
            self._unsure.add(lease)
        LEASE.set(lease)
        return lease

    def close(self, lease: Lease) -> None:
        """The work is over."""
        self._held.discard(lease)
        self._unsure.discard(lease)

    @contextmanager
    def held(self, caller: Principal) -> Iterator[Lease]:
        """Work that outlives its request, or has none. Raises why, when its lease was taken back."""
        before = LEASE.get()
        lease = self.begin(caller, sure=False)
        try:
            yield lease
        except asyncio.CancelledError:
            lease.explain()
            raise
        finally:
            self.close(lease)
            LEASE.set(before)

    def start(self) -> None:
        """Begin to look."""
        self._sure_at = time.monotonic()
        self._task = asyncio.create_task(self._keep_looking())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            self._task = None

    async def judge(self) -> None:
        """Decide about every lease, as the database says now. Raises SQLAlchemyError, OSError, TimeoutError."""
        generation, asked_at = self._rights.generation, time.monotonic()
        await self._judge(self._held)
        self._judged, self._sure_at = generation, asked_at

    async def _judge(self, leases: Collection[Lease]) -> None:
        resting = {lease: lease.resting for lease in leases}
        if not resting:
            return
        used = frozenset[UUID]().union(*resting.values())
        async with asyncio.timeout(JUDGE_TIMEOUT_S):
            callers = {_caller(lease) for lease in resting}
            standing = await standing_of(self._database, callers, self._clock, self._keys_confirmed_for)
            readers = await self._readers(used) if used else {}
        self._unsure -= resting.keys()
        for lease, collections in resting.items():
            if lease not in self._held:
                continue  # closed meanwhile
            self._decide(lease, collections, standing, readers)
            if lease.resting != collections and lease in self._held:
                self._unsure.add(lease)  # it used more meanwhile, perhaps with rights of before the change

    def _decide(
        self,
        lease: Lease,
        collections: Collection[UUID],
        standing: Standing,
        readers: Mapping[UUID, frozenset[str]],
    ) -> None:
        caller = _caller(lease)
        now = standing.of(caller, self._clock)
        if now is None:
            _end(lease, AccessEnded("The account, key or session of this was ended."))
            return
        if not caller.roles <= now.roles:
            _end(lease, RightsLost("A role of the account was taken back."))
            return
        if not caller.group_ids <= now.group_ids:
            lease.narrow(RightsLost("The account left a group while this was going on."))
        names = _names(caller, now)
        if not all(names & readers.get(collection, frozenset()) for collection in collections):
            _end(lease, RightsLost("A collection that this rests on is no longer shared with the account."))

    async def _keep_looking(self) -> None:
        next_clock = time.monotonic() + CLOCK_S
        while True:
            now = await self._slept(LOOK_S)
            due = self._judged != self._rights.generation or not self._rights.is_trusted
            if now >= next_clock:
                next_clock = now + CLOCK_S
                due = due or any(self._is_over(lease) for lease in self._held)
            if due or self._unsure:
                await self._judge_or_doubt(everything=due)
            else:
                self._sure_at = now

    async def _slept(self, seconds: float) -> float:
        """Sleep, and the time then. While the process itself stands still, nothing of its work goes on either."""
        began = time.monotonic()
        await asyncio.sleep(seconds)
        now = time.monotonic()
        self._stood_still(now - began - seconds)
        return now

    def _stood_still(self, seconds: float) -> None:
        if seconds > STALL_S:
            log.warning("the process stood still", seconds=round(seconds, 1))
            self._sure_at += seconds

    async def _judge_or_doubt(self, *, everything: bool) -> None:
        began = time.monotonic()
        try:
            await (self.judge() if everything else self._judge(tuple(self._unsure)))
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            self._stood_still(time.monotonic() - began - JUDGE_TIMEOUT_S)
            blind_s = time.monotonic() - self._sure_at
            log.warning("open work cannot be judged", reason=type(error).__name__, seconds=round(blind_s, 1))
            if blind_s > BLIND_S:
                for lease in tuple(self._held):
                    _end(lease, RightsUnknown("The database does not say whether this may go on.", retry_after_s=5.0))

    def _is_over(self, lease: Lease) -> bool:
        until = _caller(lease).until
        return until is not None and until <= self._clock.now()


def _caller(lease: Lease) -> Principal:
    if not isinstance(lease.holder, Principal):
        raise TypeError("A lease of identity is a principal's.")
    return lease.holder


def _end(lease: Lease, error: ApplianceError) -> None:
    if lease.error is None:
        log.info("work ended", code=error.code)
        lease.end(error)


def _names(caller: Principal, now: Now) -> frozenset[str]:
    """Under which the caller reads, of what they had when the work began and still have."""
    return frozenset({EVERYONE, f"user:{caller.user_id}", *(f"group:{g}" for g in caller.group_ids & now.group_ids)})
