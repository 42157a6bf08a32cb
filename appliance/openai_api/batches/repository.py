"""Queries about batches for their owners. The runner's side is `leases.py`."""

from collections.abc import Collection
from datetime import timedelta
from typing import cast
from uuid import UUID

from sqlalchemy import ColumnElement, CursorResult, select, update

from appliance.audit import Event, record
from appliance.foundation import Clock, new_id
from appliance.identity import Holder
from appliance.openai_api.batches.errors import BatchEnded, NoSuchBatch
from appliance.openai_api.batches.models import BatchRow
from appliance.openai_api.batches.values import (
    ACTIVE,
    BatchInfo,
    Ending,
    Endpoint,
    InputError,
    Moments,
    NewBatch,
    Status,
)
from appliance.openai_api.held import held_by
from appliance.storage import Database, Page, PageAsk, keyset, page_of

WINDOW = timedelta(hours=24)


class BatchRepository:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def add(self, new: NewBatch) -> BatchInfo:
        now = self._clock.now()
        row = BatchRow(
            id=new_id(),
            owner_id=new.owner_id,
            key_id=new.key_id,
            endpoint=new.endpoint,
            input_file_id=new.input_file_id,
            input_sha256=new.input_sha256,
            labels=new.labels,
            status="validating",
            output_expires_after_s=new.output_expires_after_s,
            created_at=now,
            expires_at=now + WINDOW,
        )
        async with self._database.write() as session:
            session.add(row)
            await session.flush()
            details = {"endpoint": row.endpoint, "input": f"file:{row.input_file_id}"}
            await record(session, Event("batch.created", f"batch:{row.id}", details=details))
        return batch_info(row)

    async def get(self, holder: Holder, batch_id: UUID | None) -> BatchInfo:
        """Raises NoSuchBatch, also for one that the holder does not reach and for None."""
        async with self._database.read() as session:
            row = await session.scalar(select(BatchRow).where(BatchRow.id == batch_id, _held(holder)))
        if row is None:
            raise NoSuchBatch("There is no such batch.")
        return batch_info(row)

    async def page(self, holder: Holder, ask: PageAsk) -> Page[BatchInfo]:
        query = select(BatchRow).where(_held(holder))
        async with self._database.read() as session:
            rows = (await session.scalars(keyset(query, BatchRow.created_at, BatchRow.id, ask))).all()
        return page_of(rows, ask).map(batch_info)

    async def cancel(self, holder: Holder, batch_id: UUID | None) -> BatchInfo:
        """Ask whoever runs it to stop. Asking again is fine. Raises NoSuchBatch, BatchEnded."""
        async with self._database.write() as session:
            asked = await session.execute(
                update(BatchRow)
                .where(
                    BatchRow.id == batch_id,
                    _held(holder),
                    BatchRow.status.in_(("validating", "in_progress")),
                )
                .values(status="cancelling", cancelling_at=self._clock.now())
            )
            if isinstance(asked, CursorResult) and asked.rowcount:
                await record(session, Event("batch.cancelled", f"batch:{batch_id}"))
        found = await self.get(holder, batch_id)
        if found.status != "cancelling":
            raise BatchEnded(f"The batch is {found.status}.")
        return found

    async def used_files(self, names: Collection[str]) -> set[str]:
        """Those of some stored files that a batch still reads."""
        async with self._database.read() as session:
            return set(
                await session.scalars(
                    select(BatchRow.input_sha256).where(BatchRow.input_sha256.in_(names), BatchRow.status.in_(ACTIVE))
                )
            )


def _held(holder: Holder) -> ColumnElement[bool]:
    return held_by(holder, BatchRow.owner_id, BatchRow.key_id)


def batch_info(row: BatchRow) -> BatchInfo:
    return BatchInfo(
        id=row.id,
        owner_id=row.owner_id,
        key_id=row.key_id,
        endpoint=cast("Endpoint", row.endpoint),
        model=row.model,
        input_file_id=row.input_file_id,
        input_sha256=row.input_sha256,
        labels=dict(row.labels),
        status=cast("Status", row.status),
        ending=cast("Ending", row.ending),
        errors=tuple(InputError(**error) for error in row.errors),
        output_expires_after_s=row.output_expires_after_s,
        output_file_id=row.output_file_id,
        error_file_id=row.error_file_id,
        total=row.total,
        completed=row.completed,
        failed=row.failed,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        created_at=row.created_at,
        expires_at=row.expires_at,
        moments=Moments(
            in_progress_at=row.in_progress_at,
            finalizing_at=row.finalizing_at,
            completed_at=row.completed_at,
            failed_at=row.failed_at,
            expired_at=row.expired_at,
            cancelling_at=row.cancelling_at,
            cancelled_at=row.cancelled_at,
        ),
    )
