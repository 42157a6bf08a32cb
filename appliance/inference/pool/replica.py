"""One replica as the pool sees it: what it does now, and whether it takes requests."""

import asyncio
import time
from typing import Any, Protocol

from appliance.foundation import Lane
from appliance.inference.pool.breaker import CLOSED, Breaker
from appliance.inference.pool.policy import ReplicaLoad
from appliance.inference.transport import Transport


class Backend(Protocol):
    """The engine behind a replica; somebody else keeps it alive."""

    @property
    def name(self) -> str:
        """Unlike those of the model's other replicas; the same after a restart."""
        ...

    @property
    def ready(self) -> bool:
        """It has answered its known question rightly, and nothing is known against it."""
        ...

    @property
    def state(self) -> str:
        """starting, ready, restarting, failed or stopped."""
        ...

    @property
    def detail(self) -> str:
        """A sentence about it."""
        ...

    @property
    def address(self) -> str:
        """Where it is reached; empty while it has no process."""
        ...

    @property
    def transport(self) -> Transport | None:
        """None while there is no process to talk to."""
        ...

    @property
    def takes_priority(self) -> bool:
        """Its scheduler orders requests by the field `priority`."""
        ...

    async def work(self) -> None:
        """The smallest piece of real work. Raises EngineUnavailable."""
        ...

    async def computes(self) -> bool:
        """Whether its processes use the processor just now; False when that cannot be seen, or would prove nothing."""
        ...


class Replica:
    """Counts what is outstanding, and holds the breaker, the drain and the watchdog's word."""

    def __init__(self, backend: Backend, limit: int) -> None:
        self.backend = backend
        self.name = backend.name
        self.limit = limit
        self.requests = 0
        self.batch_requests = 0
        self.tokens = 0
        self.breaker: Breaker = CLOSED
        self.draining = False
        self.works = True
        """By the watchdog."""
        self.heard_at = time.monotonic()
        """When it last sent a byte of anything."""
        self._awaiting: dict[asyncio.Task[Any], bool] = {}

    def out(self, now: float) -> str:
        """Why it takes no requests; empty when it does."""
        if not self.backend.ready:
            return "not ready"
        if self.draining:
            return "drained for maintenance"
        if not self.works:
            return "does no work"
        return "" if self.breaker.allows(now) else "failed several times in a row"

    @property
    def silent(self) -> bool:
        """It is out by the watchdog's word alone, and in again with its next token."""
        return self.backend.ready and not self.draining and not self.works

    def load(self, now: float) -> ReplicaLoad:
        return ReplicaLoad(self.name, self.requests, self.tokens, self.limit, self.out(now))

    def take(self, lane: Lane, tokens: int, now: float) -> None:
        """A request goes to it."""
        self.breaker = self.breaker.tried(now)
        self.requests += 1
        self.tokens += tokens
        self.batch_requests += lane == "batch"

    def give(self, lane: Lane, tokens: int) -> None:
        """It is over."""
        self.requests -= 1
        self.tokens -= tokens
        self.batch_requests -= lane == "batch"

    def answered(self, now: float) -> None:
        """It began to answer a request."""
        self.heard_at = now
        self.breaker = CLOSED

    def begin_waiting(self, task: "asyncio.Task[Any]") -> None:
        """The task waits for a first byte; `freeze` may cancel it."""
        self._awaiting[task] = False

    def was_frozen(self, task: "asyncio.Task[Any]") -> bool:
        """Whether `freeze` has cancelled it while it waited."""
        return self._awaiting.get(task, False)

    def end_waiting(self, task: "asyncio.Task[Any]") -> None:
        """It waits no longer."""
        self._awaiting.pop(task, None)

    def freeze(self) -> None:
        """Whoever waits for its first byte is told by a cancellation to go elsewhere."""
        for task, told in self._awaiting.items():
            if not told:
                self._awaiting[task] = True
                task.cancel()
