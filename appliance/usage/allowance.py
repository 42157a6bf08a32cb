"""What this gateway may still use of one budget, or of the requests at once."""

import asyncio
from collections import deque

from appliance.usage.pool import Answer, Holding
from appliance.usage.values import LIMITS, CounterKey, Limit

UNBOUNDED = 2**62
UNASKED = Answer(0, 0, 0, 0, wanted=False)


class Allowance:
    """free + held + spent is what this gateway has: the whole limit when it is alone, what it leased otherwise.

    `free` falls below zero when more was used than was held; what is taken next pays for it.
    """

    __slots__ = (
        "answer",
        "answer_s",
        "asking",
        "free",
        "held",
        "is_rate",
        "key",
        "limit",
        "loan",
        "loan_s",
        "measure",
        "most",
        "rule",
        "shared",
        "spent",
        "told",
        "told_s",
        "waiters",
    )

    def __init__(self, key: CounterKey, limit: int, *, spent: int = 0, shared: bool = False) -> None:
        self.key = key
        self.rule: Limit = LIMITS[key.name]
        self.measure = self.rule.measure
        self.is_rate = self.rule.period == "minute"
        self.limit = limit
        self.shared = shared
        self.free = 0 if shared else limit - spent
        self.held = 0
        self.spent = spent
        self.most = limit if self.is_rate else UNBOUNDED
        """A request is charged at most this, or one that is larger than a rate could never pass."""
        self.waiters: deque[asyncio.Future[None]] = deque()
        self.asking = asyncio.Lock()
        """Held while the shared store is asked: it is told all that there is, so one tells at a time."""
        self.answer = UNASKED
        self.answer_s = 0.0
        self.told: Holding | None = None
        self.told_s = 0.0
        self.loan: int | None = None
        """What may still be used while the store is away; None when it is not."""
        self.loan_s = 0.0

    @property
    def is_budget(self) -> bool:
        return self.rule.is_budget

    @property
    def elsewhere(self) -> int:
        """What the shared store had left when it was last asked."""
        return self.answer.left

    def hear(self, answer: Answer, now_s: float, *, limit: int) -> None:
        """Remember what the shared store says, or what is done in its place.

        `limit`: that it was asked about. When it was changed meanwhile, the answer is old before it comes.
        """
        self.answer, self.answer_s = answer, now_s if limit == self.limit else 0.0

    def change_limit(self, limit: int) -> None:
        """A new limit counts at once; it may leave less than nothing. The shared store hears of it at each lease."""
        if limit == self.limit:
            return
        if not self.shared:
            self.free += limit - self.limit
        self.limit = limit
        self.answer_s = 0.0
        if self.is_rate:
            self.most = limit
        self.wake()

    def take(self, amount: int) -> None:
        need = amount if amount < self.most else self.most
        self.free -= need
        self.held += need

    def settle(self, amount: int, used: int) -> None:
        """End a hold of `amount`, of which `used` was used: more than was held is charged as well."""
        need = amount if amount < self.most else self.most
        self.held -= need
        self.free += need - used
        self.spent += used
        if self.waiters:
            self.wake()

    def charge(self, used: int) -> None:
        """Count what a request used that began before this limit was there."""
        self.free -= used
        self.spent += used

    def wake(self) -> None:
        """Let the first that waits look again."""
        while self.waiters:
            waiter = self.waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    async def settlement(self, timeout_s: float, *, first: bool) -> bool:
        """Wait until something is given back; False when nothing was in time. `first`: stood at the head before."""
        waiter = asyncio.get_running_loop().create_future()
        if first:
            self.waiters.appendleft(waiter)
        else:
            self.waiters.append(waiter)
        try:
            async with asyncio.timeout(timeout_s):
                await waiter
        except TimeoutError:
            return False
        finally:
            if waiter in self.waiters:
                self.waiters.remove(waiter)
        return True
