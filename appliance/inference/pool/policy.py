"""Which replica takes a request. Pure: plain data in, plain data out."""

from collections.abc import Collection, Sequence
from hashlib import blake2b
from typing import Protocol

from msgspec import Struct

AFFINITY_FACTOR = 1.5
AFFINITY_SLACK_TOKENS = 4096
"""The replica that knows the beginning is taken while it has at most `factor` times the least load, plus this much:
about what the beginning of a prompt saves."""


class ReplicaLoad(Struct, frozen=True, gc=False):
    """A replica as it is at this moment."""

    name: str
    requests: int
    """Outstanding, those that wait inside the engine too."""
    tokens: int
    """What the outstanding requests may cost, prompts and answers."""
    limit: int
    """Most requests at once."""
    out: str = ""
    """Why it takes none now; empty when it does."""


class Rejected(Struct, frozen=True, gc=False):
    name: str
    reason: str


class Choice(Struct, frozen=True):
    """`load` is the replica that was chosen, or None when each one is rejected."""

    load: ReplicaLoad | None
    reason: str
    rejected: tuple[Rejected, ...]


class RoutePolicy(Protocol):
    """A way to choose."""

    def choose(self, loads: Sequence[ReplicaLoad], affinity: bytes, tried: Collection[str]) -> Choice:
        """Pick one of `loads`; `Choice.rejected` says why not the others. Pure.

        Args:
            loads: All replicas of a model, in any order.
            affinity: Requests of equal value begin alike; empty: it begins like no other.
            tried: Replicas on which this request has failed.
        """
        ...


class LeastTokens:
    """The fewest outstanding tokens, unless the replica that knows the prompt's beginning is not much busier."""

    def choose(self, loads: Sequence[ReplicaLoad], affinity: bytes, tried: Collection[str]) -> Choice:
        """As `RoutePolicy.choose`. Ties go to fewer requests, then to the first in order."""
        fit: list[ReplicaLoad] = []
        rejected: list[Rejected] = []
        for load in loads:
            if reason := _unfit(load, tried):
                rejected.append(Rejected(load.name, reason))
            else:
                fit.append(load)
        if not fit:
            return Choice(None, "no replica takes requests", tuple(rejected))
        chosen, reason = _pick(fit, affinity)
        rejected += [Rejected(load.name, "another fits better") for load in fit if load is not chosen]
        return Choice(chosen, reason, tuple(rejected))


def _unfit(load: ReplicaLoad, tried: Collection[str]) -> str:
    if load.out:
        return load.out
    if load.name in tried:
        return "failed on this request"
    return "full" if load.requests >= load.limit else ""


def _pick(fit: Sequence[ReplicaLoad], affinity: bytes) -> tuple[ReplicaLoad, str]:
    if len(fit) == 1:
        return fit[0], "the only one"
    least = fit[0]
    for load in fit:
        if (load.tokens, load.requests) < (least.tokens, least.requests):
            least = load
    if not affinity:
        return least, "fewest tokens"
    knows = max(fit, key=lambda load: weight(affinity, load.name))
    if knows is least or knows.tokens <= AFFINITY_FACTOR * least.tokens + AFFINITY_SLACK_TOKENS:
        return knows, "knows the beginning"
    return least, "fewest tokens; the one that knows the beginning has clearly more"


def weight(affinity: bytes, name: str) -> bytes:
    """Rendezvous hashing: the replica with the largest weight is the home of a value.

    The same in each process; when a replica comes or goes, only the values whose home it is move.
    """
    return blake2b(affinity, digest_size=8, key=name.encode()[:64]).digest()
