"""What gateways that share limits ask of the store between them, and how it divides.

A gateway always says what it has, in full: `spent + held + free` of one counter. That sum changes only when it gets or
gives back something, so saying it again after an answer that was lost puts everything right, and a gateway that starts
again with what its journal says has given back the rest by that alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from appliance.usage.values import CounterKey, Limit

SHARE = 16
"""A gateway gets this part of what is left at once, so that most of its requests need no round trip. Towards the end
the parts get small by themselves."""


class PoolAway(Exception):
    """The store does not answer."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What one gateway has of one counter."""

    spent: int
    held: int
    free: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What the store says to a gateway."""

    granted: int
    """Comes to `free`."""
    left: int
    """That nobody has."""
    idle: int
    """That other gateways have and do not use now."""
    held: int
    """Of running requests on other gateways, that may come back."""
    wanted: bool
    """Another gateway is short of it: give back what is free."""
    wait_s: float = 0.0
    """Of a rate: when there will be enough."""


class Pool(Protocol):
    """The store. Every method raises PoolAway."""

    def covers(self, limit: Limit) -> bool:
        """Whether gateways share limits of this kind here; others each keeps by itself."""
        ...

    async def declare(self, key: CounterKey, limit: int, have: Holding, need: int) -> Answer | None:
        """Say what this gateway has, and ask for `need` more; 0 asks for nothing.

        All of `need` is granted, perhaps more, or nothing. None: the store knows nothing of this counter; `begin` it.
        """
        ...

    async def begin(self, key: CounterKey, spent: Mapping[UUID, int]) -> None:
        """Tell what each gateway has used of a budget so far. Does nothing when somebody else was quicker."""
        ...

    async def take_rate(self, key: CounterKey, limit: int, need: int) -> Answer:
        """Take `need` of a limit per minute, perhaps a little more, or nothing; below 0 gives back."""
        ...

    async def sign(self) -> None:
        """Say that this gateway lives; what one that is silent for too long did not use, others may have."""
        ...

    async def close(self) -> None: ...


def divide(
    limit: int, have: Holding, need: int, others: Sequence[Holding], silent: Iterable[int], *, scarce: bool
) -> Answer:
    """Who gets what. `silent`: what gateways that are gone have spent. `scarce`: somebody is short of it."""
    out = sum(o.spent + o.held + o.free for o in others) + sum(silent)
    left = limit - out - have.spent - have.held - have.free
    granted = 0
    if 0 < need <= left:
        granted = need if scarce else max(need, left // SHARE)
    return Answer(granted, left - granted, sum(o.free for o in others), sum(o.held for o in others), wanted=scarce)
