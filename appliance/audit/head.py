"""Reading the chain: its end, its name, and whether it still fits a checkpoint."""

from dataclasses import dataclass
from typing import cast

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.audit.canonical import Row, chained
from appliance.audit.models import AuditCutRow, AuditEventRow

BEGAN = ("audit.began", "appliance.started", "audit.cut")
"""Acts whose details name the chain."""
FIELDS = (
    AuditEventRow.seq,
    AuditEventRow.at,
    AuditEventRow.actor,
    AuditEventRow.on_behalf_of,
    AuditEventRow.action,
    AuditEventRow.object,
    AuditEventRow.outcome,
    AuditEventRow.source,
    AuditEventRow.request_id,
    AuditEventRow.details,
)
LOOK_AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class Head:
    """The last event."""

    seq: int
    hash: bytes
    cut_through: int
    """Events up to this one were removed after their retention; 0 when none were."""

    @property
    def count(self) -> int:
        return self.seq - self.cut_through


async def read_head(session: AsyncSession) -> Head | None:
    """None while there is no event."""
    query = select(AuditEventRow.seq, AuditEventRow.hash).order_by(AuditEventRow.seq.desc()).limit(1)
    found = (await session.execute(query)).first()
    if found is None:
        return None
    cut = await session.scalar(select(func.coalesce(func.max(AuditCutRow.through_seq), 0)))
    return Head(found[0], found[1], cut or 0)


async def chain_name(session: AsyncSession) -> str:
    """What the oldest event that names the chain calls it; empty when there is none."""
    query = select(AuditEventRow.details).where(AuditEventRow.action.in_(BEGAN)).order_by(AuditEventRow.seq).limit(1)
    details = await session.scalar(query)
    return name_in(details) if details else ""


def name_in(details: str) -> str:
    """The chain's name in the details of an event that has it."""
    read = msgspec.json.decode(details, type=dict[str, msgspec.Raw])
    return msgspec.json.decode(read["chain"], type=str) if "chain" in read else ""


async def fits(session: AsyncSession, seq: int, digest: bytes, head: Head) -> bool:
    """Whether event `seq` still has this hash, and everything from it to the head follows from it.

    What is far behind is left to `verify`: of more than `LOOK_AT_ONCE` events only the first are looked at.
    """
    if seq > head.seq:
        return False
    query = (
        select(*FIELDS, AuditEventRow.hash)
        .where(AuditEventRow.seq >= seq)
        .order_by(AuditEventRow.seq)
        .limit(LOOK_AT_ONCE)
    )
    previous: bytes | None = None
    for expected, found in enumerate(await session.execute(query), seq):
        row = cast("Row", tuple(found[:10]))
        if row[0] != expected or (previous is None and found[10] != digest):
            return False
        if previous is not None and chained(previous, row) != found[10]:
            return False
        previous = found[10]
    return previous is not None
