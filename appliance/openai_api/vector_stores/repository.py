"""Every query about what vector stores keep beside their collections. Rights are decided before it is asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update

from appliance.audit import Event, record
from appliance.foundation import Clock, new_id
from appliance.openai_api.vector_stores.models import FileBatchItemRow, FileBatchRow, VectorStoreRow
from appliance.storage import Database

ACTIVE_NOTED_EVERY = timedelta(minutes=1)
"""A search is no write: only the first of a minute is noted."""


@dataclass(frozen=True, slots=True)
class StoreNote:
    """What a program said about a store."""

    given_name: str = ""
    assigned_name: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    expires_after_days: int | None = None
    last_active_at: datetime | None = None

    @property
    def expires_at(self) -> datetime | None:
        if self.expires_after_days is None or self.last_active_at is None:
            return None
        return self.last_active_at + timedelta(days=self.expires_after_days)


@dataclass(frozen=True, slots=True)
class FileBatch:
    id: UUID
    collection_id: UUID
    created_at: datetime
    cancelled: bool
    files: tuple[tuple[UUID, bool], ...]
    """(file, whether it was cancelled)."""


class VectorStoreRepository:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def notes(self, collection_ids: Sequence[UUID]) -> dict[UUID, StoreNote]:
        """Of those collections about which programs said something."""
        query = select(VectorStoreRow).where(VectorStoreRow.collection_id.in_(collection_ids))
        async with self._database.read() as session:
            return {row.collection_id: _note(row) for row in await session.scalars(query)}

    async def keep(self, collection_id: UUID, note: StoreNote) -> None:
        """Replace what is noted; from now on it was active now."""
        async with self._database.write() as session:
            row = await session.get(VectorStoreRow, collection_id)
            if row is None:
                row = VectorStoreRow(collection_id=collection_id)
                session.add(row)
            row.given_name, row.assigned_name = note.given_name, note.assigned_name
            row.labels, row.expires_after_days = dict(note.labels), note.expires_after_days
            row.last_active_at = self._clock.now()
            await record(session, Event("vector_store.changed", f"collection:{collection_id}"))

    async def touch(self, collection_ids: Sequence[UUID]) -> None:
        """Note that they were used, where that prolongs their life."""
        now = self._clock.now()
        ageing = (
            VectorStoreRow.collection_id.in_(collection_ids),
            VectorStoreRow.expires_after_days.is_not(None),
            VectorStoreRow.last_active_at < now - ACTIVE_NOTED_EVERY,
        )
        async with self._database.read() as session:
            old = (await session.scalars(select(VectorStoreRow.collection_id).where(*ageing))).all()
        if old:
            async with self._database.write() as session:
                await session.execute(
                    update(VectorStoreRow).where(VectorStoreRow.collection_id.in_(old)).values(last_active_at=now)
                )

    async def add_batch(self, collection_id: UUID, file_ids: Sequence[UUID]) -> FileBatch:
        row = FileBatchRow(id=new_id(), collection_id=collection_id, created_at=self._clock.now())
        async with self._database.write() as session:
            session.add(row)
            await session.flush()
            session.add_all(FileBatchItemRow(batch_id=row.id, file_id=f) for f in file_ids)
        return FileBatch(
            row.id, collection_id, row.created_at, cancelled=False, files=tuple((f, False) for f in file_ids)
        )

    async def batch(self, collection_id: UUID, batch_id: UUID | None) -> FileBatch | None:
        """None when there is none of this id in this collection."""
        async with self._database.read() as session:
            row = await session.scalar(
                select(FileBatchRow).where(FileBatchRow.id == batch_id, FileBatchRow.collection_id == collection_id)
            )
            if row is None:
                return None
            items = await session.scalars(select(FileBatchItemRow).where(FileBatchItemRow.batch_id == batch_id))
            files = tuple((item.file_id, item.cancelled) for item in items)
        return FileBatch(row.id, collection_id, row.created_at, cancelled=row.cancelled_at is not None, files=files)

    async def cancel_batch(self, batch_id: UUID, file_ids: Sequence[UUID]) -> None:
        """Note which of its files will not be taken in."""
        async with self._database.write() as session:
            await session.execute(
                update(FileBatchRow)
                .where(FileBatchRow.id == batch_id, FileBatchRow.cancelled_at.is_(None))
                .values(cancelled_at=self._clock.now())
            )
            await session.execute(
                update(FileBatchItemRow)
                .where(FileBatchItemRow.batch_id == batch_id, FileBatchItemRow.file_id.in_(file_ids))
                .values(cancelled=True)
            )


def _note(row: VectorStoreRow) -> StoreNote:
    return StoreNote(
        given_name=row.given_name,
        assigned_name=row.assigned_name,
        labels=tuple(row.labels.items()),
        expires_after_days=row.expires_after_days,
        last_active_at=row.last_active_at,
    )
