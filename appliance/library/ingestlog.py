"""The worker's side of a version: take it, note progress, keep its passages, publish it, clean up after it.

Every call can be repeated after a crash at any point and leaves the same state.
"""

import uuid
from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.foundation import Clock
from appliance.library.collections import profile_of
from appliance.library.documents import lock_for_change
from appliance.library.models import CollectionRow, DocumentRow, PassageRow, VersionRow
from appliance.library.records import IngestTask, Leftover, QueuedVersion
from appliance.library.values import PassageText
from appliance.storage import Database


def passage_id(version_id: UUID, ordinal: int) -> UUID:
    """The same version and ordinal always give the same id, so that writing twice changes nothing."""
    return uuid.uuid5(version_id, str(ordinal))


class IngestLog:
    """State changes of versions, each in one transaction."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def waiting(self) -> list[QueuedVersion]:
        """Versions that are queued or in work, oldest first."""
        query = (
            select(VersionRow.id, VersionRow.attempt)
            .where(VersionRow.state.in_(("queued", "processing")))
            .order_by(VersionRow.created_at)
        )
        async with self._database.read() as session:
            return [QueuedVersion(*row) for row in await session.execute(query)]

    async def take(self, version_id: UUID) -> IngestTask | None:
        """Start work. None when the version was overtaken by a newer one or its document is gone."""
        async with self._database.write() as session:
            locked = await lock_for_change(session, version_id)
            if locked is None or locked[0].state not in ("queued", "processing"):
                return None
            version, document = locked
            if document is None:
                version.state, version.unpublished_points = "retired", True
                return None
            collection = await session.get_one(CollectionRow, document.collection_id)
            version.state, version.stage, version.reason = "processing", "reading", ""
            document.updated_at = self._clock.now()
            return IngestTask(
                version_id=version_id,
                document_id=document.id,
                collection_id=collection.id,
                name=document.name,
                sha256=version.sha256,
                profile=profile_of(collection),
            )

    async def note(self, version_id: UUID, *, stage: str, percent: int | None = None, detail: str = "") -> bool:
        """Progress for people. False when the version is no longer in work: overtaken, deleted or ended."""
        async with self._database.write() as session:
            locked = await lock_for_change(session, version_id)
            if locked is None or locked[0].state != "processing":
                return False
            version = locked[0]
            version.stage, version.reason = stage, detail
            version.percent = version.percent if percent is None else percent
            await self._touch(session, version.document_id)
            return True

    async def in_work(self, version_id: UUID) -> bool:
        """False when the version was overtaken, deleted or has ended."""
        async with self._database.read() as session:
            state = await session.scalar(select(VersionRow.state).where(VersionRow.id == version_id))
        return state == "processing"

    async def note_parsed(self, version_id: UUID, *, blocks_sha256: str, media_type: str, page_count: int) -> bool:
        """From now on the version refers to its blocks. False when it is no longer in work."""
        async with self._database.write() as session:
            version = await session.get(VersionRow, version_id, with_for_update=True)
            if version is None or version.state != "processing":
                return False
            version.blocks_sha256, version.media_type, version.page_count = blocks_sha256, media_type, page_count
            return True

    async def keep_passages(self, version_id: UUID, passages: Sequence[PassageText]) -> bool:
        """Replace the version's passages, and from now on expect points in the index that are not published.

        Returns:
            False when the version is no longer in work; nothing is kept.
        """
        rows = [
            PassageRow(
                id=passage_id(version_id, p.ordinal),
                version_id=version_id,
                ordinal=p.ordinal,
                text=p.text,
                page=p.page,
                page_end=p.page_end,
                heading_path=list(p.heading_path),
                boxes=list(p.boxes),
            )
            for p in passages
        ]
        async with self._database.write() as session:
            version = await session.get(VersionRow, version_id, with_for_update=True)
            if version is None or version.state != "processing":
                return False
            await session.execute(delete(PassageRow).where(PassageRow.version_id == version_id))
            session.add_all(rows)
            version.passage_count, version.unpublished_points = len(rows), True
            return True

    async def publish(self, version_id: UUID, *, reason: str) -> bool:
        """Switch the pointer: from this commit on answers use this version and no other.

        Args:
            version_id: A version whose points are all in the index.
            reason: What could not be read; not empty makes it `partial`.

        Returns:
            False when it was overtaken or deleted meanwhile; its points are then left for the sweep.
        """
        async with self._database.write() as session:
            locked = await lock_for_change(session, version_id)
            if locked is None:
                return False
            version, document = locked
            if version.state != "processing":
                return version.state in ("indexed", "partial")
            if document is None:
                version.state, version.unpublished_points = "retired", True
                return False
            if document.current_version_id not in (None, version_id):
                await session.execute(
                    update(VersionRow)
                    .where(VersionRow.id == document.current_version_id)
                    .values(state="retired", unpublished_points=True)
                )
            document.current_version_id, document.updated_at = version_id, self._clock.now()
            version.unpublished_points = False
            version.state, version.reason = ("partial" if reason else "indexed"), reason
            version.stage, version.percent = "", 100
            return True

    async def refuse(self, version_id: UUID, reason: str) -> None:
        """End a version that cannot be read. The one published before stays."""
        async with self._database.write() as session:
            locked = await lock_for_change(session, version_id)
            if locked is None or locked[0].state not in ("queued", "processing"):
                return
            version = locked[0]
            version.state, version.reason, version.stage = "refused", reason, ""
            await self._touch(session, version.document_id)

    async def try_again(self, version_id: UUID, *, at_most: int) -> int | None:
        """Count a failed run. Returns the next attempt's number, or None when there were enough."""
        async with self._database.write() as session:
            version = await session.get(VersionRow, version_id, with_for_update=True)
            if version is None or version.state not in ("queued", "processing") or version.attempt >= at_most:
                return None
            version.attempt += 1
            version.state = "queued"
            return version.attempt

    async def leftovers(self, *, limit: int) -> list[Leftover]:
        """Versions whose points must leave the index: retired or refused ones, and all of deleted documents."""
        query = (
            select(VersionRow, DocumentRow, CollectionRow)
            .join(DocumentRow, DocumentRow.id == VersionRow.document_id)
            .join(CollectionRow, CollectionRow.id == DocumentRow.collection_id)
            .where(VersionRow.unpublished_points.is_(True), VersionRow.state.in_(("retired", "refused")))
            .limit(limit)
        )
        async with self._database.read() as session:
            return [
                Leftover(
                    version_id=version.id,
                    profile=profile_of(collection),
                    sha256=version.sha256,
                    blocks_sha256=version.blocks_sha256,
                    deleted=bool(document.alive or collection.alive),
                )
                for version, document, collection in await session.execute(query)
            ]

    async def swept(self, leftovers: Sequence[Leftover]) -> set[str]:
        """Note that the points are gone, and forget deleted documents and collections.

        Returns:
            SHA-256 of stored files that they referred to.
        """
        ids = [x.version_id for x in leftovers]
        gone = [x.version_id for x in leftovers if x.deleted]
        async with self._database.write() as session:
            await session.execute(update(VersionRow).where(VersionRow.id.in_(ids)).values(unpublished_points=False))
            await session.execute(delete(VersionRow).where(VersionRow.id.in_(gone)))
            await _forget_the_empty(session)
        return {s for x in leftovers if x.deleted for s in (x.sha256, x.blocks_sha256) if s}

    async def count_by_state(self) -> dict[str, int]:
        """How many documents are in each state of their newest version."""
        query = (
            select(VersionRow.state, func.count())
            .join(DocumentRow, DocumentRow.latest_version_id == VersionRow.id)
            .where(DocumentRow.alive == "")
            .group_by(VersionRow.state)
        )
        async with self._database.read() as session:
            return {row[0]: row[1] for row in await session.execute(query)}

    async def used_files(self, names: Collection[str]) -> set[str]:
        """Those of some stored files that a version refers to."""
        async with self._database.read() as session:
            return {
                name
                for column in (VersionRow.sha256, VersionRow.blocks_sha256)
                for name in await session.scalars(select(column).where(column.in_(names)))
                if name is not None
            }

    async def _touch(self, session: AsyncSession, document_id: UUID) -> None:
        await session.execute(
            update(DocumentRow).where(DocumentRow.id == document_id).values(updated_at=self._clock.now())
        )


async def _forget_the_empty(session: AsyncSession) -> None:
    """Deleted documents without a version left, then deleted collections without a document left."""
    dead_collections = select(CollectionRow.id).where(CollectionRow.alive != "")
    await session.execute(
        delete(DocumentRow).where(
            or_(DocumentRow.alive != "", DocumentRow.collection_id.in_(dead_collections)),
            ~select(VersionRow.id).where(VersionRow.document_id == DocumentRow.id).exists(),
        )
    )
    await session.execute(
        delete(CollectionRow).where(
            CollectionRow.alive != "",
            ~select(DocumentRow.id).where(DocumentRow.collection_id == CollectionRow.id).exists(),
        )
    )
