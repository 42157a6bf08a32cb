"""What the audit keeps of calls: none is left out, and those of one second that are alike share an event.

A call's event comes from the journal, so that a call waits for no database. Calls of the same caller, key, model,
endpoint, address and outcome become one event that names each request, so a busy gateway does not flood the chain.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from appliance.audit import Event
from appliance.usage.records import Reserved, Settled

MOST = 100
"""Requests named by one event."""


class Alike(NamedTuple):
    """What calls of one event have in common."""

    user: bytes
    key: bytes
    model_id: str
    endpoint: str
    lane: str
    outcome: str
    source: str


class Call(NamedTuple):
    request_id: str
    prompt_tokens: int
    completion_tokens: int
    milliseconds: int


def called(calls: dict[Alike, list[Call]]) -> Iterator[Event]:
    """Events for all of them."""
    for alike, some in calls.items():
        for start in range(0, len(some), MOST):
            yield _event(alike, some[start : start + MOST])


def alike_of(reserved: Reserved, settled: Settled) -> Alike:
    return Alike(
        reserved.user,
        reserved.key,
        reserved.model_id,
        reserved.endpoint,
        reserved.lane,
        settled.outcome,
        reserved.source,
    )


def _event(alike: Alike, calls: Sequence[Call]) -> Event:
    details: dict[str, str | int | list[str]] = {
        "endpoint": alike.endpoint,
        "lane": alike.lane,
        "ended": alike.outcome,
        "via": f"key:{UUID(bytes=alike.key)}" if any(alike.key) else "account",
        "requests": len(calls),
        "prompt_tokens": sum(call.prompt_tokens for call in calls),
        "completion_tokens": sum(call.completion_tokens for call in calls),
        "milliseconds": sum(call.milliseconds for call in calls),
    }
    if len(calls) > 1:
        details["request_ids"] = [call.request_id for call in calls]
    return Event(
        "model.called",
        f"model:{alike.model_id}",
        "failed" if alike.outcome in ("failed", "unsettled") else "done",
        details,
        actor=f"user:{UUID(bytes=alike.user)}",
        source=alike.source,
        request_id=calls[0].request_id if len(calls) == 1 else "",
    )
