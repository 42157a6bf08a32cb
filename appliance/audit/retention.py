"""Removing what is past its retention, in a way that leaves the rest provable.

Events go up to a signed checkpoint only. First a signed line outside the database says so; then, in one transaction,
the chain itself says so, the cut is noted, and the events are removed. The first event that is left refers to the hash
that the signed line names.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import delete, select

from appliance.audit.append import record, stamp
from appliance.audit.checkpoints import Checkpoint, read_lines
from appliance.audit.events import Event
from appliance.audit.head import chain_name, read_head
from appliance.audit.models import AuditCutRow, AuditEventRow
from appliance.audit.watch import ChainWatch
from appliance.storage import Database


async def cut_old(database: Database, chain: ChainWatch, folder: Path, before: datetime) -> int:
    """Remove events that were written before a moment, and covered by a checkpoint of then; how many.

    Raises OSError, AuditUnwritable, and what the database raises; then nothing was removed.
    """
    lines = await asyncio.to_thread(read_lines, folder)
    anchor = _anchor([line for line, _ in lines if line is not None], stamp(before))
    if anchor is None or not await _is_there(database, anchor):
        return 0
    await chain.cut(anchor)
    async with database.write() as session:
        head = await read_head(session)
        name = await chain_name(session)
        if head is None or head.cut_through >= anchor.seq or head.seq <= anchor.seq:
            return 0
        moment = stamp(datetime.now(UTC))
        session.add(AuditCutRow(through_seq=anchor.seq, hash=bytes.fromhex(anchor.hash), at=moment))
        gone = anchor.seq - head.cut_through
        details: dict[str, str | int] = {"chain": name, "through": anchor.seq, "events": gone, "hash": anchor.hash}
        await record(session, Event("audit.cut", details=details))
        await session.flush()
        await session.execute(delete(AuditEventRow).where(AuditEventRow.seq <= anchor.seq))
    return gone


def _anchor(lines: Sequence[Checkpoint], before: str) -> Checkpoint | None:
    """The newest checkpoint of before that moment."""
    old = [line for line in lines if line.kind == "checkpoint" and line.time < before]
    return max(old, key=lambda line: line.seq, default=None)


async def _is_there(database: Database, anchor: Checkpoint) -> bool:
    """Whether the event still has the hash that was signed; what is bent is not cut, so that it can be looked into."""
    async with database.read() as session:
        digest = await session.scalar(select(AuditEventRow.hash).where(AuditEventRow.seq == anchor.seq))
    return digest is not None and bytes(digest).hex() == anchor.hash
