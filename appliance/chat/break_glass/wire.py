"""Requests and replies of breaking the glass."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from appliance.chat.break_glass.service import Request


class BreakGlassAsk(Struct, forbid_unknown_fields=True):
    person_id: UUID
    reason: Annotated[str, Meta(min_length=10, max_length=2000, pattern=r"\S")]
    minutes: Annotated[int, Meta(ge=5, le=480)] = 60
    """How long it may be read from the approval on."""


class BreakGlassReply(Struct):
    id: UUID
    person_id: UUID
    person: str
    asked_by_id: UUID
    asked_by: str
    reason: str
    minutes: int
    asked_at: datetime
    state: str
    """requested, lapsed, approved, refused, ended or over"""
    decided_by: str
    until: datetime | None
    read_count: int


class BreakGlassNotice(Struct):
    """What a person is told."""

    id: UUID
    asked_by: str
    approved_by: str
    reason: str
    until: datetime | None
    state: str
    read_count: int
    seen: bool


def request_reply(request: Request, names: Mapping[UUID, str]) -> BreakGlassReply:
    return BreakGlassReply(
        id=request.id,
        person_id=request.person_id,
        person=names.get(request.person_id, ""),
        asked_by_id=request.asked_by,
        asked_by=names.get(request.asked_by, ""),
        reason=request.reason,
        minutes=request.minutes,
        asked_at=request.asked_at,
        state=request.state,
        decided_by="" if request.decided_by is None else names.get(request.decided_by, ""),
        until=request.until,
        read_count=request.read_count,
    )


def notice_reply(request: Request, names: Mapping[UUID, str]) -> BreakGlassNotice:
    return BreakGlassNotice(
        id=request.id,
        asked_by=names.get(request.asked_by, ""),
        approved_by="" if request.decided_by is None else names.get(request.decided_by, ""),
        reason=request.reason,
        until=request.until,
        state=request.state,
        read_count=request.read_count,
        seen=request.seen,
    )
