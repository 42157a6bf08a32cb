"""A collection's documents as programs see them: by age, by state, and by the file that each was made from."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import aliased

from appliance.foundation import NotFound
from appliance.identity import AccessScope
from appliance.library.attributes import AttributeValue, attributes_of
from appliance.library.collections import readable_collections
from appliance.library.documents import document_info, living_documents
from appliance.library.models import CollectionRow, DocumentRow, PassageRow, VersionRow
from appliance.library.records import DocumentInfo, DocumentState
from appliance.storage import Database, Page, PageAsk, keyset, page_of

ASKED_AT_ONCE = 500


class Members:
    """Every query takes the caller's scope. A *key* is the id of a document's file, or its own when it has none."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, scope: AccessScope, collection_id: UUID, ask: PageAsk, *, states: Sequence[DocumentState] | None
    ) -> Page[DocumentInfo]:
        """By age; with `states`, those whose latest version is in one of them. The cursor is a document's own id."""
        query = living_documents().where(*_inside(scope, collection_id))
        if states is not None:
            latest = aliased(VersionRow)
            query = query.where(
                select(latest.id).where(latest.id == DocumentRow.latest_version_id, latest.state.in_(states)).exists()
            )
        async with self._database.read() as session:
            rows = (await session.execute(keyset(query, DocumentRow.created_at, DocumentRow.id, ask))).all()
        return page_of(rows, ask).map(lambda row: document_info(*row))

    async def one(self, scope: AccessScope, collection_id: UUID, key: UUID) -> DocumentInfo:
        """Raises NotFound."""
        found = await self.some(scope, collection_id, [key])
        if not found:
            raise NotFound("There is no such file in it.")
        return found[0]

    async def some(self, scope: AccessScope, collection_id: UUID, keys: Sequence[UUID]) -> list[DocumentInfo]:
        """Those of some keys that are there, in no order."""
        found: list[DocumentInfo] = []
        async with self._database.read() as session:
            for start in range(0, len(keys), ASKED_AT_ONCE):
                wanted = keys[start : start + ASKED_AT_ONCE]
                named = or_(
                    DocumentRow.file_id.in_(wanted), and_(DocumentRow.file_id.is_(None), DocumentRow.id.in_(wanted))
                )
                rows = await session.execute(living_documents().where(*_inside(scope, collection_id), named))
                found += [document_info(*row) for row in rows]
        return found

    async def attributes(self, document_ids: Sequence[UUID]) -> dict[UUID, dict[str, AttributeValue]]:
        """Of documents that came out of a call with a scope."""
        async with self._database.read() as session:
            return await attributes_of(session, document_ids)

    async def keys(self, document_ids: Sequence[UUID]) -> dict[UUID, UUID]:
        """The key of each; of documents that came out of a call with a scope."""
        query = select(DocumentRow.id, DocumentRow.file_id).where(DocumentRow.id.in_(document_ids))
        async with self._database.read() as session:
            return {row[0]: row[1] or row[0] for row in await session.execute(query)}

    async def texts(self, scope: AccessScope, document: DocumentInfo) -> list[str]:
        """The passages of its published version, in their order; empty when none is published."""
        if document.published is None:
            return []
        query = (
            select(PassageRow.text)
            .join(VersionRow, VersionRow.id == PassageRow.version_id)
            .join(DocumentRow, DocumentRow.id == VersionRow.document_id)
            .where(PassageRow.version_id == document.published.id, *_inside(scope, document.collection_id))
            .order_by(PassageRow.ordinal)
        )
        async with self._database.read() as session:
            return list(await session.scalars(query))

    async def made_from(self, file_id: UUID) -> list[tuple[UUID, UUID]]:
        """(document, collection) of everything made from a file; the service decides who may take it away."""
        query = select(DocumentRow.id, DocumentRow.collection_id).where(
            DocumentRow.file_id == file_id, DocumentRow.alive == ""
        )
        async with self._database.read() as session:
            return [(row[0], row[1]) for row in await session.execute(query)]


def _inside(scope: AccessScope, collection_id: UUID) -> tuple[ColumnElement[bool], ...]:
    readable = readable_collections(scope).with_only_columns(CollectionRow.id)
    return DocumentRow.collection_id == collection_id, DocumentRow.collection_id.in_(readable)
