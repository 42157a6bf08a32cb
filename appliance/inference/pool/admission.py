"""Slots: who runs now, who waits, who is told to come back later. One per model."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from appliance.foundation import CapacityError, Lane
from appliance.inference.errors import EnginesBusy, EngineUnavailable
from appliance.inference.pool.lanes import LaneLoad, batch_may_enter
from appliance.inference.pool.policy import LeastTokens, RoutePolicy
from appliance.inference.pool.replica import Replica
from appliance.inference.pool.watcher import Watcher
from appliance.inference.port import Forward

TICK_S = 0.25
"""How often the line is looked at while somebody waits."""

BATCH_PATIENCE = 20
"""Batch work waits so many times as long as a person."""

LANES: tuple[Lane, Lane] = ("interactive", "batch")


@dataclass(frozen=True, slots=True)
class PoolRules:
    """How a model's replicas are shared."""

    max_running: int = 1024
    """Most requests at once on a replica. An engine runs fewer and orders the rest by itself."""
    batch_running: int = 64
    """Most batch requests at once on a replica when nobody else is about."""
    max_waiting: int = 1024
    """Most requests that wait for a slot, in each lane."""
    max_wait_s: float = 30.0
    """Longest wait of an interactive request for a slot."""
    absent_wait_s: float = 2.0
    """Longest wait for any replica when none takes requests."""
    silent_wait_s: float = 30.0
    """The same when one is out for nothing but its silence, which may end at any moment; less than above: as above."""


class Lease:
    """A slot on a replica, until `free`."""

    __slots__ = ("_admission", "_held", "lane", "replica", "since", "tokens")

    def __init__(self, admission: "Admission", replica: Replica, lane: Lane, tokens: int, since: float) -> None:
        self._admission = admission
        self._held = True
        self.replica = replica
        self.lane = lane
        self.tokens = tokens
        self.since = since

    def free(self) -> None:
        """Give the slot back; again does nothing."""
        if self._held:
            self._held = False
            self._admission.left(self)


class _Waiter:
    __slots__ = ("ask", "lease", "since", "tried")

    def __init__(self, ask: Forward, tried: Collection[str], since: float) -> None:
        self.ask = ask
        self.tried = tried
        self.since = since
        self.lease: asyncio.Future[Lease] = asyncio.get_running_loop().create_future()


class Admission:
    """Gives slots by lane and policy. Whoever finds none waits, a bounded time in a bounded line."""

    def __init__(
        self,
        model_id: str,
        replicas: Sequence[Replica],
        rules: PoolRules,
        watcher: Watcher,
        policy: RoutePolicy | None = None,
    ) -> None:
        self._model_id = model_id
        self._replicas = {r.name: r for r in replicas}
        self._rules = rules
        self._watcher = watcher
        self._policy = policy or LeastTokens()
        self._lines: dict[Lane, OrderedDict[_Waiter, None]] = {lane: OrderedDict() for lane in LANES}
        self._interactive_running = 0
        self._people_at = -1e9
        self._absent_since: float | None = None
        self._hold_s = 1.0
        self._timer: asyncio.TimerHandle | None = None

    def waiting(self, lane: Lane) -> int:
        """Requests in line."""
        return len(self._lines[lane])

    def takes(self, tried: Collection[str] = ()) -> bool:
        """Whether any replica but those takes requests, however long the line."""
        now = time.monotonic()
        return any(r.name not in tried and not r.out(now) for r in self._replicas.values())

    async def enter(self, ask: Forward, tried: Collection[str] = ()) -> Lease:
        """A slot on a replica that is not in `tried`; a request that was tried before stands first in its line.

        Raises:
            EngineUnavailable: no replica takes requests.
            EnginesBusy: the line is full, or it took too long.
        """
        now = time.monotonic()
        line = self._lines[ask.lane]
        lease = None if line else self._take(ask, tried, now, now)
        if lease is not None:
            self._watcher.entered(self._model_id, ask.lane, 0.0)
            return lease
        if len(line) >= self._rules.max_waiting:
            raise self._refused(ask.lane, self._busy("So many requests wait already that this one cannot."))
        waiter = _Waiter(ask, tried, now)
        line[waiter] = None
        if tried:
            line.move_to_end(waiter, last=False)
        self.grant()  # others in line may be kept back by a lane's rule or by what they have tried
        self._tick_later()
        try:
            lease = await waiter.lease
        except asyncio.CancelledError:
            if waiter.lease.done() and not waiter.lease.cancelled() and waiter.lease.exception() is None:
                waiter.lease.result().free()  # granted in the moment in which the caller left
            raise
        finally:
            line.pop(waiter, None)
        self._watcher.entered(self._model_id, ask.lane, time.monotonic() - now)
        return lease

    def left(self, lease: Lease) -> None:
        """A slot is free again."""
        now = time.monotonic()
        lease.replica.give(lease.lane, lease.tokens)
        self._hold_s += 0.1 * (now - lease.since - self._hold_s)
        if lease.lane == "interactive":
            self._interactive_running -= 1
            self._people_at = now
        if self._lines["interactive"] or self._lines["batch"]:
            self.grant()

    def grant(self) -> None:
        """Give what slots there are to those who wait. Called when anything has changed."""
        now = time.monotonic()
        for lane in LANES:
            while (found := self._first_that_can(lane, now)) is not None:
                waiter, lease = found
                del self._lines[lane][waiter]
                waiter.lease.set_result(lease)

    def _first_that_can(self, lane: Lane, now: float) -> tuple[_Waiter, Lease] | None:
        for waiter in self._lines[lane]:
            if waiter.lease.done():
                continue  # its caller has left, and will take it out of the line
            lease = self._take(waiter.ask, waiter.tried, waiter.since, now)
            if lease is not None:
                return waiter, lease
            if not waiter.tried:
                return None  # nobody behind it can either
        return None

    def _take(self, ask: Forward, tried: Collection[str], since: float, now: float) -> Lease | None:
        if ask.lane == "batch" and not batch_may_enter(self._lane_load(now, since)).enters:
            return None
        choice = self._policy.choose([r.load(now) for r in self._replicas.values()], ask.affinity, tried)
        if choice.load is None:
            return None
        replica, tokens = self._replicas[choice.load.name], max(1, ask.tokens)
        replica.take(ask.lane, tokens, now)
        self._interactive_running += ask.lane == "interactive"
        self._watcher.routed(self._model_id, replica.name, choice.reason)
        return Lease(self, replica, ask.lane, tokens, now)

    def _lane_load(self, now: float, since: float) -> LaneLoad:
        taking = [r for r in self._replicas.values() if not r.out(now)]
        people = self._interactive_running or self._lines["interactive"]
        return LaneLoad(
            slots=sum(r.limit for r in taking),
            running=sum(r.requests for r in taking),
            batch_running=sum(r.batch_requests for r in taking),
            batch_limit=self._rules.batch_running * len(taking),
            interactive_waiting=len(self._lines["interactive"]),
            quiet_s=0.0 if people else now - self._people_at,
            waited_s=now - since,
        )

    def _tick_later(self) -> None:
        if self._timer is None and (self._lines["interactive"] or self._lines["batch"]):
            self._timer = asyncio.get_running_loop().call_later(TICK_S, self._tick)

    def _tick(self) -> None:
        """Time alone can free a slot: a breaker's pause ends, people have gone, a batch request has aged."""
        self._timer = None
        self.grant()
        now = time.monotonic()
        if self.takes():
            self._absent_since = None
        elif self._absent_since is None:
            self._absent_since = now
        for lane in LANES:
            for waiter in list(self._lines[lane]):
                error = self._overdue(waiter, now)
                if error is not None and not waiter.lease.done():
                    waiter.lease.set_exception(self._refused(lane, error))
        self._tick_later()

    def _overdue(self, waiter: _Waiter, now: float) -> CapacityError | None:
        if self._absent_since is not None:
            waited_s = now - max(waiter.since, self._absent_since)
            silent = any(r.silent for r in self._replicas.values())
            longest_s = max(self._rules.absent_wait_s, self._rules.silent_wait_s if silent else 0.0)
            return self.absent() if waited_s >= longest_s else None
        patience = BATCH_PATIENCE if waiter.ask.lane == "batch" else 1
        if now - waiter.since < patience * self._rules.max_wait_s:
            return None
        return self._busy("No engine became free in time.")

    def absent(self) -> EngineUnavailable:
        """What to say when no replica takes requests."""
        now = time.monotonic()
        reasons = ", ".join(f"{r.name}: {r.out(now)}" for r in self._replicas.values())
        return EngineUnavailable(f"No engine of '{self._model_id}' takes requests ({reasons}).", retry_after_s=10.0)

    def _busy(self, message: str) -> EnginesBusy:
        """With the time in which the line will have moved on, judged by how long slots were held lately."""
        now = time.monotonic()
        slots = sum(r.limit for r in self._replicas.values() if not r.out(now)) or 1
        waiting = sum(len(line) for line in self._lines.values())
        return EnginesBusy(message, retry_after_s=min(60.0, max(1.0, (waiting + 1) * self._hold_s / slots)))

    def _refused(self, lane: Lane, error: CapacityError) -> CapacityError:
        self._watcher.refused(self._model_id, lane, error.code)
        return error
