"""When batch work may have a slot: people come first, batch work takes what they leave. Pure.

An engine slows down for everybody with each request that it works on, long before it is full. So batch work is bounded
twice: by slots that stay free, and by a number of its own, which is smaller while people are about.
"""

from msgspec import Struct

KEPT_FREE = 0.25
"""Share of the slots that batch work leaves free."""

CALM_S = 5.0
"""So long after the last interactive request nobody is about."""

BESIDE_PEOPLE = 4
"""While somebody is about, batch work gets this part of its number: one in four, at least one."""

AGE_S = 30.0
"""A batch request that has waited so long gets any free slot, one at a time: batch work never starves."""


class LaneLoad(Struct, frozen=True, gc=False):
    """A model's slots at this moment, over all replicas that take requests."""

    slots: int
    running: int
    """Of both lanes."""
    batch_running: int
    batch_limit: int
    """Most batch requests at once when nobody is about."""
    interactive_waiting: int
    quiet_s: float
    """Since an interactive request was outstanding last; 0 while one is."""
    waited_s: float
    """How long the batch request in question has waited."""


class Verdict(Struct, frozen=True, gc=False):
    enters: bool
    reason: str


ENTERS = Verdict(True, "there is room")
AGED = Verdict(True, "it has waited long")
FULL = Verdict(False, "all slots are taken")
PEOPLE_WAIT = Verdict(False, "interactive requests wait")
KEPT = Verdict(False, "the free slots are kept for interactive requests")
ENOUGH = Verdict(False, "as many batch requests run as may")


def batch_may_enter(load: LaneLoad) -> Verdict:
    """Whether a batch request may have a slot now; an interactive one may have any free slot."""
    if load.running >= load.slots:
        return FULL
    if load.batch_running == 0 and load.waited_s >= AGE_S:
        return AGED
    if load.interactive_waiting:
        return PEOPLE_WAIT
    if load.running >= load.slots - int(load.slots * KEPT_FREE):
        return KEPT
    limit = load.batch_limit if load.quiet_s >= CALM_S else max(1, load.batch_limit // BESIDE_PEOPLE)
    return ENTERS if load.batch_running < limit else ENOUGH
