"""Clocks in the hands of a test, and how long one waits for what comes by itself."""

from datetime import UTC, datetime

from appliance.foundation import Clock

HANGS_S = 100.0
"""Shortly before a test is ended from outside. Whoever promises to be quicker than a busy machine says so by a bound
of its own."""


class MovableClock(Clock):
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC)

    def now(self) -> datetime:
        return self.at
