"""Replies about the audit."""

from typing import Annotated

from msgspec import Meta, Struct

from appliance.audit import StoredEvent


class EventPage(Struct):
    """Newest first."""

    items: list[StoredEvent]
    next_before: int | None
    """Ask with this as `before` for the next page; null when there is none."""


class Acceptance(Struct, forbid_unknown_fields=True):
    reason: Annotated[str, Meta(min_length=10, max_length=400)]


class CheckpointReply(Struct):
    """How far the chain is vouched for, outside the database."""

    number: int
    chain: str
    seq: int
    hash: str
    time: str
