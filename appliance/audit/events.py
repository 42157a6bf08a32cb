"""What happened, as the rooms tell it, and as it is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from appliance.audit.actions import ACTIONS
from appliance.audit.canonical import clean, details_text
from appliance.audit.errors import UnknownAction
from appliance.foundation import TRAIL, Trail

Outcome = Literal["done", "denied", "failed"]
Value = str | int | bool | None | Sequence[str]

SYSTEM = "system"
"""The actor where no request is in work."""
NOBODY = "anonymous"
"""The actor of a request whose caller is not known."""


@dataclass(frozen=True, slots=True)
class Event:
    """One act. Never put a secret, a prompt or text of a document into it; `Audit.masked` hides what is personal."""

    action: str
    """`noun.verb`, one of `ACTIONS`."""
    object: str = ""
    """`user:<uuid>`, `collection:<uuid>`, …; empty when it is about nothing else."""
    outcome: Outcome = "done"
    details: Mapping[str, Value] = field(default_factory=dict)
    actor: str | None = None
    """None: the caller of the request in work, or `system`."""
    on_behalf_of: str | None = None
    """Whose rights or things it was done with, when that is somebody else."""
    source: str | None = None
    """Address that it came from. None: that of the request in work."""
    request_id: str | None = None
    """None: that of the request in work."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An event with nothing left to fill in but its place in the chain."""

    actor: str
    on_behalf_of: str
    action: str
    object: str
    outcome: str
    source: str
    request_id: str
    details: str
    """Canonical JSON."""


def entry_of(event: Event) -> Entry:
    """Fill in who, from where and for which request.

    Raises:
        UnknownAction: `actions.py` has no such act, or the details are no plain values.
    """
    if event.action not in ACTIONS:
        raise UnknownAction(f"The audit knows no act '{event.action}'.")
    trail = TRAIL.get()
    details = dict(event.details)
    if trail is not None and trail.caller is not None and event.actor is None:
        details.setdefault("via", trail.caller.way)
    return Entry(
        actor=clean(event.actor if event.actor is not None else _actor(trail)),
        on_behalf_of=clean(event.on_behalf_of or ""),
        action=event.action,
        object=clean(event.object),
        outcome=event.outcome,
        source=clean(event.source if event.source is not None else (trail.source if trail else "")),
        request_id=clean(event.request_id if event.request_id is not None else (trail.request_id if trail else "")),
        details=details_text(details),
    )


def _actor(trail: Trail | None) -> str:
    if trail is None:
        return SYSTEM
    return NOBODY if trail.caller is None else trail.caller.actor
