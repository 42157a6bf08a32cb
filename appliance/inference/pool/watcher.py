"""What happens in the pools, told to whoever measures it."""

from typing import Protocol

from appliance.foundation import Lane
from appliance.inference.pool.retry import Cause


class Watcher(Protocol):
    """Is told; must neither wait nor raise. Each method is called on the event loop."""

    def entered(self, model_id: str, lane: Lane, waited_s: float) -> None:
        """A request got its slot; 0.0 when it did not wait."""
        ...

    def refused(self, model_id: str, lane: Lane, code: str) -> None:
        """A request got none; `code` is that of the error."""
        ...

    def routed(self, model_id: str, replica: str, reason: str) -> None:
        """A request goes to a replica; `reason` is one of few sentences."""
        ...

    def retried(self, model_id: str, replica: str, cause: Cause) -> None:
        """It failed there before its first byte, and is sent again."""
        ...

    def first_byte(self, model_id: str, replica: str, lane: Lane, seconds: float) -> None:
        """The first byte came, so long after the request was sent to the replica."""
        ...

    def fell_back(self, model_id: str, to: str) -> None:
        """Another model answers instead."""
        ...

    def health(self, model_id: str, replica: str, *, takes: bool, reason: str) -> None:
        """A replica begins or ceases to take requests."""
        ...


class NoWatcher:
    """Nobody measures."""

    def entered(self, model_id: str, lane: Lane, waited_s: float) -> None:
        """Nothing."""

    def refused(self, model_id: str, lane: Lane, code: str) -> None:
        """Nothing."""

    def routed(self, model_id: str, replica: str, reason: str) -> None:
        """Nothing."""

    def retried(self, model_id: str, replica: str, cause: Cause) -> None:
        """Nothing."""

    def first_byte(self, model_id: str, replica: str, lane: Lane, seconds: float) -> None:
        """Nothing."""

    def fell_back(self, model_id: str, to: str) -> None:
        """Nothing."""

    def health(self, model_id: str, replica: str, *, takes: bool, reason: str) -> None:
        """Nothing."""
