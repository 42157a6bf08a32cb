"""Replies about the audit."""

from msgspec import Struct

from appliance.audit import StoredEvent


class EventPage(Struct):
    """Newest first."""

    items: list[StoredEvent]
    next_before: int | None
    """Ask with this as `before` for the next page; null when there is none."""


class CheckpointReply(Struct):
    """How far the chain is vouched for, outside the database."""

    number: int
    chain: str
    seq: int
    hash: str
    time: str
