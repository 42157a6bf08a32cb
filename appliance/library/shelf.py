"""Retrieval's view of the shelf: what may be searched, and which hits may be used."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select

from appliance.foundation import NotFound
from appliance.identity import AccessScope
from appliance.library.attributes import AttributeFilter, condition
from appliance.library.collections import profile_of, readable_collections
from appliance.library.models import CollectionRow, DocumentRow, PassageRow, ReaderRow, VersionRow
from appliance.library.values import Passage, PassageView, ReadableCollection
from appliance.storage import Database

EXCLUDED_AT_MOST = 2000
"""Versions named in one search filter. Hits are checked in the database as well, so a longer list loses only places."""

PassageRows = Select[PassageRow, VersionRow, DocumentRow, CollectionRow]


class Shelf:
    """Every call takes the caller's scope; nothing is found without one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def readable(self, scope: AccessScope, wanted: Sequence[UUID] | None) -> list[ReadableCollection]:
        """Collections that the scope may read; with `wanted`, only those among them."""
        query = readable_collections(scope).order_by(CollectionRow.name)
        if wanted is not None:
            query = query.where(CollectionRow.id.in_(wanted))
        async with self._database.read() as session:
            rows = await session.scalars(query)
            return [ReadableCollection(row.id, row.name, profile_of(row)) for row in rows]

    async def readers(self, collection_ids: Collection[UUID]) -> dict[UUID, frozenset[str]]:
        """Names of the principals that may read each of these collections; one that is gone is left out."""
        query = (
            select(ReaderRow.collection_id, ReaderRow.principal)
            .join(CollectionRow, CollectionRow.id == ReaderRow.collection_id)
            .where(ReaderRow.collection_id.in_(list(collection_ids)), CollectionRow.alive == "")
        )
        found: dict[UUID, set[str]] = {}
        async with self._database.read() as session:
            for collection_id, principal in await session.execute(query):
                found.setdefault(collection_id, set()).add(principal)
        return {collection_id: frozenset(names) for collection_id, names in found.items()}

    async def excluded_versions(self) -> frozenset[UUID]:
        """Versions with points in the index that no answer may use: not yet published, overtaken, or deleted."""
        query = (
            select(VersionRow.id)
            .join(DocumentRow, DocumentRow.id == VersionRow.document_id)
            .join(CollectionRow, CollectionRow.id == DocumentRow.collection_id)
            .where(VersionRow.unpublished_points.is_(True), CollectionRow.alive == "")
            .limit(EXCLUDED_AT_MOST)
        )
        async with self._database.read() as session:
            return frozenset(await session.scalars(query))

    async def matching_versions(
        self, scope: AccessScope, collection_ids: Sequence[UUID], where: AttributeFilter
    ) -> frozenset[UUID]:
        """Published versions in these collections, as far as the scope may read them, whose documents fulfil `where`.

        A search that has a condition looks into these only: a set made before the search, never a choice of its hits.
        """
        readable = readable_collections(scope).with_only_columns(CollectionRow.id)
        query = select(DocumentRow.current_version_id).where(
            DocumentRow.alive == "",
            DocumentRow.current_version_id.is_not(None),
            DocumentRow.collection_id.in_(collection_ids),
            DocumentRow.collection_id.in_(readable),
            condition(where),
        )
        async with self._database.read() as session:
            return frozenset(v for v in await session.scalars(query) if v is not None)

    async def load(self, scope: AccessScope, passage_ids: Sequence[UUID]) -> list[Passage]:
        """Passages that may be used now, in the order asked for.

        This is the second check after the index's own filter: the document lives, the version is the published one,
        and the scope may read the collection, all as the database says at this moment.
        """
        query = _passages(scope, PassageRow.id.in_(passage_ids), DocumentRow.current_version_id == VersionRow.id)
        async with self._database.read() as session:
            found = {row[0].id: _passage(*row) for row in await session.execute(query)}
        return [found[i] for i in passage_ids if i in found]

    async def view(self, scope: AccessScope, passage_id: UUID) -> PassageView:
        """A cited passage, also of an older version of a living document. Raises NotFound."""
        async with self._database.read() as session:
            row = (await session.execute(_passages(scope, PassageRow.id == passage_id))).first()
        if row is None:
            raise NotFound("There is no such passage.")
        passage, version, document, _ = row
        boxes = tuple((page, (box[0], box[1], box[2], box[3])) for page, box in passage.boxes)
        return PassageView(_passage(*row), boxes, document.current_version_id == version.id)


def _passages(scope: AccessScope, *where: ColumnElement[bool]) -> PassageRows:
    readable = readable_collections(scope).with_only_columns(CollectionRow.id)
    return (
        select(PassageRow, VersionRow, DocumentRow, CollectionRow)
        .join(VersionRow, VersionRow.id == PassageRow.version_id)
        .join(DocumentRow, DocumentRow.id == VersionRow.document_id)
        .join(CollectionRow, CollectionRow.id == DocumentRow.collection_id)
        .where(DocumentRow.alive == "", CollectionRow.id.in_(readable), *where)
    )


def _passage(passage: PassageRow, version: VersionRow, document: DocumentRow, collection: CollectionRow) -> Passage:
    return Passage(
        id=passage.id,
        document_id=document.id,
        version_id=version.id,
        version_number=version.number,
        document_name=document.name,
        collection_id=collection.id,
        collection_name=collection.name,
        page=passage.page,
        page_end=passage.page_end,
        heading_path=tuple(passage.heading_path),
        text=passage.text,
        ordinal=passage.ordinal,
    )
