"""Rates: so much per minute.

The generic cell rate algorithm (GCRA) of ITU-T Recommendation I.371, annex A, in its virtual scheduling form: one
number per limit, the theoretical arrival time. A limit of N per minute lets N through at once, then one each 60/N
seconds: in any stretch of t seconds at most N + N·t/60. This is also what the `x-ratelimit-*` headers describe.
"""

from appliance.usage.values import LIMITS, CounterKey

PERIOD_S = 60.0
EPSILON_S = 1e-6
"""N times 60/N is not always 60 in floating point."""


class Gcra:
    """One rate. Times are seconds of a clock that never goes back."""

    __slots__ = ("_arrival_s", "_interval_s", "key", "limit", "measure")

    def __init__(self, key: CounterKey, limit: int) -> None:
        self.key = key
        self.limit = limit
        self.measure = LIMITS[key.name].measure
        self._interval_s = PERIOD_S / limit if limit else 0.0
        self._arrival_s = 0.0

    def charged(self, amount: int) -> int:
        """What a request for `amount` takes: at most the whole limit, or it could never pass."""
        return amount if amount < self.limit else self.limit

    def wait_s(self, amount: int, now_s: float) -> float:
        """Seconds until `amount` fits; 0 when it fits now; a whole period when nothing is ever allowed."""
        if not self.limit:
            return PERIOD_S
        begin = self._arrival_s if self._arrival_s > now_s else now_s
        over = begin + (amount if amount < self.limit else self.limit) * self._interval_s - now_s - PERIOD_S
        return over if over > EPSILON_S else 0.0

    def take(self, amount: int, now_s: float) -> None:
        """Charge what `wait_s` said fits."""
        begin = self._arrival_s if self._arrival_s > now_s else now_s
        self._arrival_s = begin + self.charged(amount) * self._interval_s

    def settle(self, amount: int, used: int) -> None:
        """Give back what was taken and not used, or charge what was used beyond it."""
        self._arrival_s -= (self.charged(amount) - used) * self._interval_s

    def remaining(self, now_s: float) -> int:
        """How much would fit now."""
        if not self.limit:
            return 0
        ahead = self._arrival_s - now_s
        return self.limit if ahead <= 0 else max(0, int((PERIOD_S - ahead + EPSILON_S) / self._interval_s))

    def reset_s(self, now_s: float) -> float:
        """Seconds until all of it is there again."""
        return max(0.0, self._arrival_s - now_s)
