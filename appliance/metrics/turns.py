"""What is counted of the answers of assistants."""

from collections.abc import Iterable
from time import monotonic

from appliance.metrics.families import OTHER, Counters, Histograms

TURN_SECONDS = (0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0)


class TurnMeters:
    """Turns by assistant: how they ended, how long they took."""

    def __init__(self) -> None:
        self.turns = Counters(
            "appliance_turns_total", "Questions to assistants, by their end.", ("assistant", "outcome")
        )
        self.seconds = Histograms(
            "appliance_turn_seconds", "From a question to the end of its answer.", ("assistant",), TURN_SECONDS
        )
        self._assistants: frozenset[str] = frozenset()

    def know(self, assistants: Iterable[str]) -> None:
        """All that there are; anything else is counted as `other`."""
        self._assistants = frozenset(assistants)

    def ended(self, assistant: str, outcome: str, began: float) -> None:
        """A turn is over; `began` is the monotonic time of its begin."""
        name = assistant if assistant in self._assistants else OTHER
        self.turns.of(name, outcome).value += 1
        self.seconds.of(name).observe(monotonic() - began)
