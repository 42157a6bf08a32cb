"""A request that was let through, until it has ended."""

from collections.abc import Callable

import structlog

from appliance.usage.errors import Headers
from appliance.usage.plan import Amounts, Plan
from appliance.usage.port import Ask, Spent
from appliance.usage.records import Reserved

log = structlog.get_logger(__name__)


class Reservation:
    """What is held for one request. `settle` exactly once, whatever becomes of it."""

    __slots__ = ("_done", "amounts", "ask", "headers", "max_tokens", "number", "plan", "reserved", "settled")

    def __init__(
        self,
        ask: Ask,
        plan: Plan,
        amounts: Amounts,
        reserved: Reserved,
        number: int,
        headers: Headers,
        done: "Callable[[Reservation, Spent], None]",
    ) -> None:
        self.ask = ask
        self.plan = plan
        self.amounts = amounts
        self.reserved = reserved
        self.number = number
        self.headers = headers
        """`x-ratelimit-*`, ready to send."""
        self.max_tokens = reserved.max_tokens
        """Most that may be generated, all choices together: less than was asked for when a budget has no more."""
        self.settled = False
        self._done = done

    def __del__(self) -> None:
        """A net under the doors: whoever forgot it did no work, and its hold must not stay for ever."""
        if not self.settled:
            log.warning("a reservation was dropped without being settled", endpoint=self.ask.endpoint)
            self.settle(Spent(0, 0, outcome="cancelled"))

    def settle(self, spent: Spent) -> None:
        """Charge what was really used, give back the rest. Later calls do nothing."""
        if not self.settled:
            self.settled = True
            self._done(self, spent)
