"""What the doors say of a call, before and after it."""

from typing import Literal

from msgspec import Struct

from appliance.foundation import Lane

Outcome = Literal["done", "cancelled", "failed", "unsettled"]
"""`unsettled`: the gateway was killed before the end; only the journal says that."""


class Ask(Struct, frozen=True, gc=False):
    """What a call may cost. One per request: a frozen record of this kind is made in a tenth of a dataclass's time."""

    model_id: str
    endpoint: str
    """As in the address, without the version: `chat/completions`."""
    prompt_tokens: int
    """An estimate. What is used beyond it is charged all the same, and may take a budget below nothing by that much."""
    max_tokens: int
    """Most that may be generated, all choices together; 0 where nothing is."""
    lane: Lane = "interactive"


class Spent(Struct, frozen=True, gc=False):
    """What it did cost."""

    prompt_tokens: int
    completion_tokens: int
    seconds: float = 0.0
    """Time in the engine."""
    outcome: Outcome = "done"
    """`failed` without a generated token counts neither as a request nor in a budget; the ledger names it as failed."""
