"""What the doors say of a call, before and after it."""

from dataclasses import dataclass
from typing import Literal, Protocol

from appliance.foundation import Lane


@dataclass(frozen=True, slots=True)
class Ask:
    """What a call may cost."""

    model_id: str
    endpoint: str
    """As in the address, without the version: `chat/completions`."""
    prompt_tokens: int
    """An estimate."""
    max_tokens: int
    """Most that may be generated, all choices together; 0 where nothing is."""
    lane: Lane = "interactive"


@dataclass(frozen=True, slots=True)
class Spent:
    """What it did cost."""

    prompt_tokens: int
    completion_tokens: int
    seconds: float = 0.0
    """Time in the engine."""
    outcome: Literal["done", "cancelled", "failed"] = "done"


class Reservation(Protocol):
    """The right to make one call."""

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """`x-ratelimit-*`, ready to send."""
        ...

    def settle(self, spent: Spent) -> None:
        """Book the cost and give the rest back. Only the first call counts."""
        ...
