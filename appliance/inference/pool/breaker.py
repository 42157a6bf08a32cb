"""A circuit breaker, as a value: closed → open after some failures → one trial after a pause → closed or open."""

from typing import Literal

from msgspec import Struct

FAILURES = 3
"""So many in a row open it."""

FIRST_S = 1.0
LONGEST_S = 30.0
TRIAL_S = 10.0
"""A trial that has said nothing for so long lets another one begin."""


class Breaker(Struct, frozen=True):
    """`until`: open: when a trial may begin; half open: when another one may. On the caller's monotonic clock."""

    state: Literal["closed", "open", "half_open"] = "closed"
    failures: int = 0
    """In a row."""
    until: float = 0.0

    def allows(self, now: float) -> bool:
        """Whether a request may go through."""
        return self.state == "closed" or now >= self.until

    def tried(self, now: float) -> "Breaker":
        """A request goes through; of an open breaker it is the trial."""
        if self.state == "closed":
            return self
        return Breaker("half_open", self.failures, now + TRIAL_S)

    def succeeded(self) -> "Breaker":
        """The engine answered."""
        return CLOSED

    def failed(self, now: float, jitter: float) -> "Breaker":
        """The engine did not answer, or broke off.

        Args:
            now: Monotonic seconds.
            jitter: Between -1 and 1; spreads the pause by ±20 %.
        """
        failures = self.failures + 1
        if failures < FAILURES:
            return Breaker("closed", failures)
        pause_s = min(LONGEST_S, FIRST_S * 2.0 ** min(failures - FAILURES, 16))
        return Breaker("open", failures, now + pause_s * (1 + 0.2 * jitter))

    def undecided(self, now: float) -> "Breaker":
        """A request ended before it could tell, as its caller left: another trial may begin at once."""
        return Breaker("open", self.failures, now) if self.state == "half_open" else self


CLOSED = Breaker()
