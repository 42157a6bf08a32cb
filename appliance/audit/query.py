"""Reading events: a page for people, all of them for an export."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute

from appliance.audit.append import stamp
from appliance.audit.head import FIELDS
from appliance.audit.models import AuditEventRow
from appliance.storage import Database

AT_ONCE = 2000
TEXTS = ("seq", "at", "actor", "on_behalf_of", "action", "object", "outcome", "source", "request_id")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events; what is None does not count."""

    actor: str | None = None
    action: str | None = None
    """An act, or all that begin with a noun and a dot, as `key.`."""
    object: str | None = None
    outcome: str | None = None
    source: str | None = None
    request_id: str | None = None
    first: datetime | None = None
    last: datetime | None = None
    """Events before this moment."""

    def told(self) -> dict[str, str]:
        """What was asked for, for the event that says so."""
        names = ("actor", "action", "object", "outcome", "source", "request_id")
        found = {name: str(getattr(self, name)) for name in names if getattr(self, name) is not None}
        times = {"first": self.first, "last": self.last}
        return found | {name: stamp(moment) for name, moment in times.items() if moment is not None}


class StoredEvent(Struct):
    """An event as it is read; `details` is what its canonical JSON says."""

    seq: int
    at: str
    actor: str
    on_behalf_of: str
    action: str
    object: str
    outcome: str
    source: str
    request_id: str
    details: dict[str, Any]
    prev_hash: str
    hash: str


class AuditReader:
    """Every query about events."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, wanted: Filter, *, limit: int, before: int | None = None) -> list[StoredEvent]:
        """The newest first; `before`: only events with a smaller number."""
        where = _where(wanted)
        if before is not None:
            where.append(AuditEventRow.seq < before)
        query = select(*FIELDS, AuditEventRow.prev_hash, AuditEventRow.hash).where(*where)
        async with self._database.read() as session:
            rows = await session.execute(query.order_by(AuditEventRow.seq.desc()).limit(limit))
            return [_event(row) for row in rows]

    async def all(self, wanted: Filter, *, through: int) -> AsyncIterator[list[StoredEvent]]:
        """The oldest first, up to event `through`, some at a time."""
        after, where = 0, _where(wanted)
        query = select(*FIELDS, AuditEventRow.prev_hash, AuditEventRow.hash).where(*where)
        while True:
            some = query.where(AuditEventRow.seq > after, AuditEventRow.seq <= through)
            async with self._database.read() as session:
                rows = (await session.execute(some.order_by(AuditEventRow.seq).limit(AT_ONCE))).all()
            if not rows:
                return
            yield [_event(row) for row in rows]
            after = rows[-1][0]

    async def last_seq(self) -> int:
        """0 while there is none."""
        async with self._database.read() as session:
            return await session.scalar(select(AuditEventRow.seq).order_by(AuditEventRow.seq.desc()).limit(1)) or 0


def _where(wanted: Filter) -> list[ColumnElement[bool]]:
    equal: tuple[tuple[InstrumentedAttribute[str], str | None], ...] = (
        (AuditEventRow.actor, wanted.actor),
        (AuditEventRow.object, wanted.object),
        (AuditEventRow.outcome, wanted.outcome),
        (AuditEventRow.source, wanted.source),
        (AuditEventRow.request_id, wanted.request_id),
    )
    found: list[ColumnElement[bool]] = [column == value for column, value in equal if value is not None]
    if wanted.action is not None:
        begins = wanted.action.endswith(".")
        column = AuditEventRow.action
        found.append(column.startswith(wanted.action, autoescape=True) if begins else column == wanted.action)
    if wanted.first is not None:
        found.append(AuditEventRow.at >= stamp(wanted.first))
    if wanted.last is not None:
        found.append(AuditEventRow.at < stamp(wanted.last))
    return found


def _event(row: Sequence[Any]) -> StoredEvent:
    details = msgspec.json.decode(row[9], type=dict[str, Any])
    texts = dict(zip(TEXTS, row[:9], strict=True))
    return StoredEvent(**texts, details=details, prev_hash=bytes(row[10]).hex(), hash=bytes(row[11]).hex())
