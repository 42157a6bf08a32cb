"""Appending to the chain, within the transaction of the act.

`record` only notes the event. Just before the commit, when everything else of the transaction is done, the chain is
locked, the head is read and what was noted is added. So the lock is held for two short statements and the commit, and
whoever holds it waits for no other lock: two acts cannot lock each other out.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

from sqlalchemy import insert, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.audit.canonical import START, Row, chained
from appliance.audit.errors import AuditUnwritable
from appliance.audit.events import Entry, Event, entry_of
from appliance.audit.models import AuditEventRow
from appliance.storage import before_commit

WAITING = "audit.waiting"
LOCK = 7_417_043
"""Any number that only the chain uses as an advisory lock on PostgreSQL."""
LOCK_CHAIN = text(
    "SELECT set_config('lock_timeout', '20s', true), set_config('idle_in_transaction_session_timeout', '10s', true), "
    "pg_advisory_xact_lock(:key)"
)
"""A gateway that freezes while it holds the chain loses it to the others after ten seconds."""


async def record(session: AsyncSession, event: Event) -> None:
    """Write an act down in its own transaction: both are there afterwards, or neither.

    Raises:
        UnknownAction: the event is not one that the audit knows.
        AuditUnwritable: when the transaction ends, and the event cannot be written; the act is undone.
    """
    entry = entry_of(event)
    waiting: list[Entry] | None = session.info.get(WAITING)
    if waiting is None:
        waiting = session.info[WAITING] = []
        before_commit(session, partial(append, entries=waiting))
    waiting.append(entry)


async def append(session: AsyncSession, entries: Sequence[Entry]) -> None:
    """Add entries to the chain; the last thing that a transaction does. Raises AuditUnwritable."""
    if not entries:
        return
    try:
        if (await session.connection()).dialect.name == "postgresql":
            await session.execute(LOCK_CHAIN, {"key": LOCK})
        newest = select(AuditEventRow.seq, AuditEventRow.hash).order_by(AuditEventRow.seq.desc()).limit(1)
        head = (await session.execute(newest)).first()
        await session.execute(insert(AuditEventRow), _rows(head[0] if head else 0, head[1] if head else START, entries))
    except (SQLAlchemyError, OSError) as error:
        raise AuditUnwritable(f"The audit took no event ({type(error).__name__}), so the act was refused.") from error


def stamp(moment: datetime) -> str:
    """A time as the chain writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _rows(seq: int, previous: bytes, entries: Sequence[Entry]) -> list[dict[str, object]]:
    at, rows = stamp(datetime.now(UTC)), []
    for entry in entries:
        seq += 1
        row: Row = (
            seq,
            at,
            entry.actor,
            entry.on_behalf_of,
            entry.action,
            entry.object,
            entry.outcome,
            entry.source,
            entry.request_id,
            entry.details,
        )
        digest = chained(previous, row)
        rows.append(dict(zip(COLUMNS, (*row, previous, digest), strict=True)))
        previous = digest
    return rows


COLUMNS = (
    "seq",
    "at",
    "actor",
    "on_behalf_of",
    "action",
    "object",
    "outcome",
    "source",
    "request_id",
    "details",
    "prev_hash",
    "hash",
)
