"""The runner's side of a batch: take it, keep its results, end it. Every write holds only under a living lease."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.foundation import Clock, new_id
from appliance.openai_api.batches.errors import LeaseLost
from appliance.openai_api.batches.models import BatchLineRow, BatchRow
from appliance.openai_api.batches.repository import batch_info
from appliance.openai_api.batches.settings import BatchSettings
from appliance.openai_api.batches.values import ACTIVE, BatchInfo, Ending, InputError, Lease, LineResult, Status
from appliance.openai_api.files.repository import FileRepository, NewFile
from appliance.storage import Database, StoredFile

RESULTS_AT_ONCE = 200


class BatchLeases:
    """Raises LeaseLost wherever the lease is not this one any more: then another process works on the batch."""

    def __init__(self, database: Database, clock: Clock, uploads: FileRepository, settings: BatchSettings) -> None:
        self._database = database
        self._clock = clock
        self._uploads = uploads
        self._settings = settings

    async def free_own(self) -> None:
        """Give back what this process holds, so that the next start, or another gateway, can go on at once."""
        async with self._database.write() as session:
            await session.execute(
                update(BatchRow)
                .where(BatchRow.runner == self._settings.runner, BatchRow.status.in_(ACTIVE))
                .values(lease="", leased_until=None)
            )

    async def take(self) -> Lease | None:
        """The oldest batch that nobody works on; None when there is none."""
        now, token = self._clock.now(), str(new_id())
        free = or_(BatchRow.leased_until.is_(None), BatchRow.leased_until < now)
        query = select(BatchRow).where(BatchRow.status.in_(ACTIVE), free).order_by(BatchRow.created_at).limit(1)
        async with self._database.read() as session:  # most looks find nothing, and a look is no write
            if await session.scalar(query) is None:
                return None
        async with self._database.write() as session:
            row = await session.scalar(query.with_for_update(skip_locked=True))
            if row is None:
                return None
            row.lease, row.runner, row.leased_until = token, self._settings.runner, now + self._span
            return Lease(row.id, token)

    async def renew(self, lease: Lease) -> Status:
        """Keep it for longer; tells the status, which its owner may have changed."""
        async with self._database.write() as session:
            return (await self._hold(session, lease)).status

    async def look(self, lease: Lease) -> BatchInfo:
        """The batch as it is now."""
        async with self._database.read() as session:
            row = await session.scalar(
                select(BatchRow).where(BatchRow.id == lease.batch_id, BatchRow.lease == lease.token)
            )
        if row is None:
            raise LeaseLost
        return batch_info(row)

    async def refuse(self, lease: Lease, errors: Sequence[InputError]) -> None:
        """End a batch whose input cannot run."""
        values = {"errors": [asdict(e) for e in errors], "failed_at": self._clock.now()}
        await self._move(lease, "validating", "failed", values)

    async def begin(self, lease: Lease, *, total: int, model: str) -> None:
        """The input is good. Changes nothing when the owner has cancelled meanwhile."""
        now = self._clock.now()
        await self._move(lease, "validating", "in_progress", {"total": total, "model": model, "in_progress_at": now})

    async def finish_lines(self, lease: Lease, ending: Ending) -> None:
        """Every line has a result. A cancelled batch stays `cancelling` until its files are written."""
        values = {"ending": ending, "finalizing_at": self._clock.now()}
        await self._move(lease, "in_progress", "finalizing", values)

    async def finish(self, lease: Lease, ending: Ending) -> None:
        """The files are written: the results' rows go."""
        moment = {"completed": "completed_at", "expired": "expired_at", "cancelled": "cancelled_at"}[ending]
        async with self._database.write() as session:
            await self._hold(session, lease)
            await session.execute(delete(BatchLineRow).where(BatchLineRow.batch_id == lease.batch_id))
            await session.execute(
                update(BatchRow)
                .where(BatchRow.id == lease.batch_id)
                .values(status=ending, **{moment: self._clock.now()})
            )

    async def done(self, lease: Lease) -> set[int]:
        """Numbers of the lines that have a result."""
        query = select(BatchLineRow.line).where(BatchLineRow.batch_id == lease.batch_id)
        async with self._database.read() as session:
            return set(await session.scalars(query))

    async def keep(self, lease: Lease, results: Sequence[LineResult]) -> None:
        """Results and counts, in one transaction."""
        good = sum(r.good for r in results)
        async with self._database.write() as session:
            await self._hold(session, lease)
            rows = [{"batch_id": lease.batch_id, "line": r.line, "good": r.good, "result": r.text} for r in results]
            await session.execute(insert(BatchLineRow), rows)
            await session.execute(
                update(BatchRow)
                .where(BatchRow.id == lease.batch_id)
                .values(
                    completed=BatchRow.completed + good,
                    failed=BatchRow.failed + len(results) - good,
                    input_tokens=BatchRow.input_tokens + sum(r.input_tokens for r in results),
                    output_tokens=BatchRow.output_tokens + sum(r.output_tokens for r in results),
                )
            )

    async def results(self, lease: Lease, *, good: bool) -> AsyncIterator[bytes]:
        """The lines of the output file, or of the error file, in the order of the input."""
        last = 0
        while True:
            query = (
                select(BatchLineRow.line, BatchLineRow.result)
                .where(BatchLineRow.batch_id == lease.batch_id, BatchLineRow.good.is_(good), BatchLineRow.line > last)
                .order_by(BatchLineRow.line)
                .limit(RESULTS_AT_ONCE)
            )
            async with self._database.read() as session:
                rows = (await session.execute(query)).all()
            if not rows:
                return
            last = rows[-1][0]
            yield b"".join(row[1] + b"\n" for row in rows)

    async def attach(self, lease: Lease, new: NewFile, stored: StoredFile, *, good: bool) -> None:
        """Give the owner a file of results; call it inside `FileStore.keep`."""
        async with self._database.write() as session:
            await self._hold(session, lease)
            made = self._uploads.add_in(session, new, stored)
            column = "output_file_id" if good else "error_file_id"
            await session.execute(update(BatchRow).where(BatchRow.id == lease.batch_id).values({column: made.id}))

    @property
    def _span(self) -> timedelta:
        return timedelta(seconds=self._settings.lease_s)

    async def _hold(self, session: AsyncSession, lease: Lease) -> BatchInfo:
        """Within the transaction the lease stays this one's."""
        query = select(BatchRow).where(BatchRow.id == lease.batch_id, BatchRow.lease == lease.token)
        row = await session.scalar(query.with_for_update())
        if row is None:
            raise LeaseLost
        row.leased_until = self._clock.now() + self._span
        return batch_info(row)

    async def _move(self, lease: Lease, status: Status, to: Status, values: dict[str, Any]) -> None:
        async with self._database.write() as session:
            await self._hold(session, lease)
            await session.execute(
                update(BatchRow)
                .where(BatchRow.id == lease.batch_id, BatchRow.status == status)
                .values(status=to, **values)
            )
