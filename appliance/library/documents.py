"""Documents and their versions: registered, worked on, published by one pointer, taken away."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from appliance.audit import Event, record
from appliance.foundation import Clock, NotFound, new_id
from appliance.identity import AccessScope
from appliance.library.attributes import Attributes, replace_attributes
from appliance.library.collections import readable_collections
from appliance.library.errors import BadPath
from appliance.library.models import CollectionRow, DocumentRow, VersionRow
from appliance.library.records import Arrival, DocumentInfo, Registration, VersionInfo
from appliance.storage import Database, StoredFile

SHARED = {"read": True}
"""Locks a row against change, not against others who only need that it stays as it is."""
CREATING_TRIES = 3
NO_WORK = ("queued", "processing", "indexed", "partial")
"""A latest version in one of these states with the same bytes makes a second upload no work."""


class Documents:
    """What is on the shelf, as people see it. The worker's side is `IngestLog`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def register(self, collection_id: UUID, path: str, stored: StoredFile) -> Registration:
        """Note new bytes for a path. The same bytes again are `unchanged`; a refused file is tried again.

        Raises:
            BadPath: not a plain relative path.
            NotFound: the collection is gone.
        """
        return (await self.register_all(collection_id, [Arrival(path, stored)]))[0]

    async def register_all(self, collection_id: UUID, arrivals: Sequence[Arrival]) -> list[Registration]:
        """`register` for several, all or none."""
        plain = [replace(a, path=checked_path(a.path)) for a in arrivals]
        for _ in range(CREATING_TRIES):
            with suppress(IntegrityError):  # somebody else was first to make a path's row: it is there now
                return await self._register_all(collection_id, plain)
        return await self._register_all(collection_id, plain)

    async def _register_all(self, collection_id: UUID, arrivals: Sequence[Arrival]) -> list[Registration]:
        async with self._database.write() as session:
            collection = await session.get(CollectionRow, collection_id, with_for_update=SHARED)
            if collection is None or collection.alive:
                raise NotFound("There is no such collection.")
            return [await self._register(session, collection_id, arrival) for arrival in arrivals]

    async def _register(self, session: AsyncSession, collection_id: UUID, arrival: Arrival) -> Registration:
        now = self._clock.now()
        row = await session.scalar(
            select(DocumentRow)
            .where(
                DocumentRow.collection_id == collection_id, DocumentRow.path == arrival.path, DocumentRow.alive == ""
            )
            .with_for_update()
        )
        if row is None:
            row = _new_document(collection_id, arrival, now)
            session.add(row)
            await session.flush()
        if arrival.attributes is not None:
            await replace_attributes(session, row.id, arrival.attributes)
        latest = await session.get(VersionRow, row.latest_version_id) if row.latest_version_id else None
        if latest is not None and latest.sha256 == arrival.stored.sha256 and latest.state in NO_WORK:
            return Registration(row.id, latest.id, "unchanged")
        version = _new_version(row, latest, arrival.stored, now)
        session.add(version)
        if latest is not None and latest.state in ("queued", "processing"):
            latest.state, latest.unpublished_points = "retired", True
        row.latest_version_id, row.updated_at = version.id, now
        await session.flush()
        details: dict[str, str | int] = {
            "collection": f"collection:{collection_id}",
            "version": version.number,
            "sha256": version.sha256,
            "size_bytes": version.size_bytes,
        }
        await record(session, Event("document.uploaded", f"document:{row.id}", details=details))
        return Registration(row.id, version.id, "queued")

    async def get(self, scope: AccessScope, document_id: UUID) -> DocumentInfo:
        """Raises NotFound, also when the scope may not read its collection."""
        found = await self._list(scope, DocumentRow.id == document_id)
        if not found:
            raise NotFound("There is no such document.")
        return found[0]

    async def for_manager(self, document_id: UUID) -> DocumentInfo:
        """Without a scope: for whoever may change the collection, which the service has checked. Raises NotFound."""
        async with self._database.read() as session:
            row = (await session.execute(living_documents().where(DocumentRow.id == document_id))).first()
        if row is None:
            raise NotFound("There is no such document.")
        return document_info(*row)

    async def page(
        self, scope: AccessScope, collection_id: UUID, *, offset: int, limit: int
    ) -> tuple[int, list[DocumentInfo]]:
        """(total, one page by path)."""
        readable = readable_collections(scope).with_only_columns(CollectionRow.id)
        where = (DocumentRow.collection_id == collection_id, DocumentRow.alive == "")
        async with self._database.read() as session:
            total = await session.scalar(
                select(func.count()).select_from(DocumentRow).where(*where, DocumentRow.collection_id.in_(readable))
            )
        items = await self._list(scope, DocumentRow.collection_id == collection_id, offset=offset, limit=limit)
        return total or 0, items

    async def changed_since(
        self, scope: AccessScope, collection_id: UUID, since: datetime | None
    ) -> tuple[DocumentInfo, ...]:
        """Documents that changed after `since`; with None, those that are in work now."""
        latest = aliased(VersionRow)
        busy = (
            select(DocumentRow.id)
            .join(latest, latest.id == DocumentRow.latest_version_id)
            .where(latest.state.in_(("queued", "processing")))
        )
        moment = DocumentRow.id.in_(busy) if since is None else DocumentRow.updated_at > since
        return tuple(await self._list(scope, DocumentRow.collection_id == collection_id, moment, limit=1000))

    async def versions(self, scope: AccessScope, document_id: UUID) -> tuple[VersionInfo, ...]:
        """All versions, newest first. Raises NotFound."""
        await self.get(scope, document_id)
        async with self._database.read() as session:
            rows = await session.scalars(
                select(VersionRow).where(VersionRow.document_id == document_id).order_by(VersionRow.number.desc())
            )
            return tuple(version_info(row) for row in rows)

    async def change_attributes(self, document_id: UUID, values: Attributes) -> None:
        """Replace them all. For whoever may change the collection, which the service has checked."""
        async with self._database.write() as session:
            if await session.get(DocumentRow, document_id, with_for_update=True) is None:
                raise NotFound("There is no such document.")
            await replace_attributes(session, document_id, values)
            await record(
                session, Event("document.changed", f"document:{document_id}", details={"fields": ["attributes"]})
            )

    async def note_read(self, document: DocumentInfo, version: int, **what: int | str | bool) -> None:
        """Write down that the caller gets to see something of a document; before they do."""
        details: dict[str, str | int] = {
            "collection": f"collection:{document.collection_id}",
            "version": version,
            **what,
        }
        action = "document.downloaded" if what.get("file") else "document.read"
        async with self._database.write() as session:
            await record(session, Event(action, f"document:{document.id}", details=details))

    async def delete(self, document_id: UUID) -> None:
        """Take a document out of every answer at once; the rest is swept later. Raises NotFound."""
        async with self._database.write() as session:
            row = await session.get(DocumentRow, document_id, with_for_update=True)
            if row is None or row.alive:
                raise NotFound("There is no such document.")
            row.alive, row.updated_at = str(row.id), self._clock.now()
            await session.execute(
                update(VersionRow)
                .where(VersionRow.document_id == document_id)
                .values(unpublished_points=True, state="retired")
            )
            details = {"collection": f"collection:{row.collection_id}"}
            await record(session, Event("document.deleted", f"document:{document_id}", details=details))

    async def _list(
        self, scope: AccessScope, *where: ColumnElement[bool], offset: int = 0, limit: int = 100
    ) -> list[DocumentInfo]:
        readable = readable_collections(scope).with_only_columns(CollectionRow.id)
        query = living_documents().where(DocumentRow.collection_id.in_(readable), *where)
        async with self._database.read() as session:
            rows = await session.execute(query.order_by(DocumentRow.path).offset(offset).limit(limit))
            return [document_info(*row) for row in rows]


def living_documents() -> Select[DocumentRow, VersionRow, VersionRow]:
    """Living documents with their latest and their published version."""
    latest, published = aliased(VersionRow), aliased(VersionRow)
    return (
        select(DocumentRow, latest, published)
        .join(latest, latest.id == DocumentRow.latest_version_id)
        .outerjoin(published, published.id == DocumentRow.current_version_id)
        .where(DocumentRow.alive == "")
    )


async def lock_for_change(session: AsyncSession, version_id: UUID) -> tuple[VersionRow, DocumentRow | None] | None:
    """A version whose state may change now, and its document if that lives, its collection lives, and this is still its
    newest version. None when there is no such version.

    PostgreSQL has many writers: whoever registers, publishes or deletes takes the collection, the document and the
    version in this order, so that none of them decides on what another one is changing. SQLite has one writer anyway.
    """
    place = await session.execute(
        select(DocumentRow.id, DocumentRow.collection_id)
        .join(VersionRow, VersionRow.document_id == DocumentRow.id)
        .where(VersionRow.id == version_id)
    )
    ids = place.first()
    if ids is None:
        return None
    collection = await session.get(CollectionRow, ids[1], with_for_update=SHARED)
    document = await session.get(DocumentRow, ids[0], with_for_update=True)
    version = await session.get(VersionRow, version_id, with_for_update=True)
    if version is None or document is None:
        return None
    dead = collection is None or collection.alive or document.alive or document.latest_version_id != version_id
    return version, None if dead else document


def checked_path(path: str) -> str:
    """A relative path with forward slashes. Raises BadPath."""
    plain = path.replace("\\", "/").strip("/").strip()
    parts = plain.split("/")
    if not plain or len(plain) > 1000 or any(p in ("", ".", "..") for p in parts):
        raise BadPath("The path is empty, too long, or climbs out of its folder.")
    if any(ord(c) < 32 or ord(c) == 127 for c in plain):
        raise BadPath("The path has control characters.")
    return plain


def version_info(row: VersionRow) -> VersionInfo:
    return VersionInfo(
        id=row.id,
        number=row.number,
        state=row.state,  # type: ignore[arg-type] # only our own words are written there
        reason=row.reason,
        stage=row.stage,
        percent=row.percent,
        sha256=row.sha256,
        size_bytes=row.size_bytes,
        media_type=row.media_type,
        page_count=row.page_count,
        passage_count=row.passage_count,
        blocks_sha256=row.blocks_sha256,
        created_at=row.created_at,
    )


def _new_document(collection_id: UUID, arrival: Arrival, now: datetime) -> DocumentRow:
    return DocumentRow(
        id=new_id(),
        collection_id=collection_id,
        path=arrival.path,
        name=_name(arrival.path),
        file_id=arrival.file_id,
        created_at=now,
        updated_at=now,
    )


def _new_version(row: DocumentRow, latest: VersionRow | None, stored: StoredFile, now: datetime) -> VersionRow:
    return VersionRow(
        id=new_id(),
        document_id=row.id,
        number=1 if latest is None else latest.number + 1,
        sha256=stored.sha256,
        size_bytes=stored.size_bytes,
        state="queued",
        created_at=now,
    )


def _name(path: str) -> str:
    return path.rpartition("/")[2][:400]


def document_info(row: DocumentRow, latest: VersionRow, published: VersionRow | None) -> DocumentInfo:
    return DocumentInfo(
        id=row.id,
        collection_id=row.collection_id,
        name=row.name,
        path=row.path,
        latest=version_info(latest),
        published=None if published is None else version_info(published),
        updated_at=row.updated_at,
        created_at=row.created_at,
        file_id=row.file_id,
    )
