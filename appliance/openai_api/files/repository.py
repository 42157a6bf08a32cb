"""Every query about uploaded files. Whoever reads for a caller says whose files."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, CursorResult, Select, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.audit import Event, record
from appliance.foundation import Clock, new_id
from appliance.identity import Holder
from appliance.openai_api.files.errors import NoSuchFile
from appliance.openai_api.files.models import FileRow
from appliance.openai_api.held import held_by
from appliance.storage import Database, Page, PageAsk, StoredFile, keyset, page_of


@dataclass(frozen=True, slots=True)
class FileInfo:
    id: UUID
    owner_id: UUID
    filename: str
    purpose: str
    sha256: str
    size_bytes: int
    created_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewFile:
    """What is said about bytes when they are kept."""

    owner_id: UUID
    filename: str
    purpose: str
    expires_after_s: int | None = None
    key_id: UUID | None = None


class FileRepository:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def add(self, new: NewFile, stored: StoredFile) -> FileInfo:
        """Note whose bytes they are; call it inside `FileStore.keep`."""
        async with self._database.write() as session:
            made = self.add_in(session, new, stored)
            details: dict[str, str | int] = {
                "purpose": made.purpose,
                "sha256": made.sha256,
                "size_bytes": made.size_bytes,
            }
            await record(session, Event("file.uploaded", f"file:{made.id}", details=details))
        return made

    def add_in(self, session: AsyncSession, new: NewFile, stored: StoredFile) -> FileInfo:
        """The same within somebody's transaction."""
        now = self._clock.now()
        row = FileRow(
            id=new_id(),
            owner_id=new.owner_id,
            key_id=new.key_id,
            filename=new.filename,
            purpose=new.purpose,
            sha256=stored.sha256,
            size_bytes=stored.size_bytes,
            created_at=now,
            expires_at=None if new.expires_after_s is None else now + timedelta(seconds=new.expires_after_s),
        )
        session.add(row)
        return _info(row)

    async def get(self, holder: Holder, file_id: UUID | None) -> FileInfo:
        """Raises NoSuchFile, also for one that the holder does not reach and for None."""
        async with self._database.read() as session:
            row = await session.scalar(self._living(holder).where(FileRow.id == file_id))
        if row is None:
            raise NoSuchFile("There is no such file.")
        return _info(row)

    async def some(self, holder: Holder, file_ids: Sequence[UUID]) -> dict[UUID, FileInfo]:
        """Those of some files that are there and that the holder reaches."""
        async with self._database.read() as session:
            rows = await session.scalars(self._living(holder).where(FileRow.id.in_(file_ids)))
            return {row.id: _info(row) for row in rows}

    async def page(self, holder: Holder, ask: PageAsk, *, purpose: str | None) -> Page[FileInfo]:
        query = self._living(holder)
        if purpose is not None:
            query = query.where(FileRow.purpose == purpose)
        async with self._database.read() as session:
            rows = (await session.scalars(keyset(query, FileRow.created_at, FileRow.id, ask))).all()
        return page_of(rows, ask).map(_info)

    async def note_download(self, file_id: UUID) -> None:
        """Write down that the caller gets the bytes; before they do."""
        async with self._database.write() as session:
            await record(session, Event("file.downloaded", f"file:{file_id}"))

    async def delete(self, owner_id: UUID, file_id: UUID) -> None:
        async with self._database.write() as session:
            gone = await session.execute(delete(FileRow).where(FileRow.id == file_id, FileRow.owner_id == owner_id))
            if isinstance(gone, CursorResult) and gone.rowcount:
                await record(session, Event("file.deleted", f"file:{file_id}"))

    async def forget_expired(self) -> set[str]:
        """Drop the rows of what has expired. Returns the SHA-256 of their bytes."""
        over = FileRow.expires_at <= self._clock.now()
        async with self._database.write() as session:
            names = set(await session.scalars(select(FileRow.sha256).where(over)))
            await session.execute(delete(FileRow).where(over))
        return names

    async def used_files(self, names: Collection[str]) -> set[str]:
        """Those of some stored files that an uploaded file refers to."""
        async with self._database.read() as session:
            return set(await session.scalars(select(FileRow.sha256).where(FileRow.sha256.in_(names))))

    def _living(self, holder: Holder) -> Select[FileRow]:
        return select(FileRow).where(held_by(holder, FileRow.owner_id, FileRow.key_id), self._not_expired())

    def _not_expired(self) -> ColumnElement[bool]:
        return or_(FileRow.expires_at.is_(None), FileRow.expires_at > self._clock.now())


def _info(row: FileRow) -> FileInfo:
    return FileInfo(
        id=row.id,
        owner_id=row.owner_id,
        filename=row.filename,
        purpose=row.purpose,
        sha256=row.sha256,
        size_bytes=row.size_bytes,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
