"""Clocks in the hands of a test."""

from datetime import UTC, datetime

from appliance.foundation import Clock


class MovableClock(Clock):
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC)

    def now(self) -> datetime:
        return self.at
