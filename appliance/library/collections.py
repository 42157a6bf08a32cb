"""Collections: who owns one, who may read it."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Select, case, delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.audit import Event, record
from appliance.foundation import Clock, NotFound, new_id
from appliance.identity import EVERYONE, AccessScope
from appliance.inference.port import EmbeddingProfile
from appliance.library.errors import BadReader, CollectionNameTaken
from appliance.library.models import CollectionRow, DocumentRow, ReaderRow, VersionRow
from appliance.library.records import CollectionInfo, StateCounts
from appliance.storage import Database, Page, PageAsk, keyset, page_of


class Collections:
    """Every query that starts from a caller takes their `AccessScope`; without it nothing is found."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def create(
        self, *, owner_id: UUID, name: str, description: str, readers: Iterable[str], profile: EmbeddingProfile
    ) -> CollectionInfo:
        """Make a collection. Only the owner reads it unless `readers` says otherwise.

        Raises:
            CollectionNameTaken: there is one of this name.
            BadReader: a reader is no principal's name.
        """
        names = _checked(readers) | {f"user:{owner_id}"}
        row = CollectionRow(
            id=new_id(),
            name=name.strip(),
            description=description,
            owner_id=owner_id,
            embedding_model=profile.model_id,
            dimension=profile.dimension,
            query_prefix=profile.query_prefix,
            passage_prefix=profile.passage_prefix,
            max_tokens=profile.max_tokens,
            created_at=self._clock.now(),
        )
        try:
            async with self._database.write() as session:
                session.add(row)
                await session.flush()
                session.add_all(ReaderRow(collection_id=row.id, principal=p) for p in sorted(names))
                await record(
                    session, Event("collection.created", f"collection:{row.id}", details={"readers": sorted(names)})
                )
        except IntegrityError as error:
            raise CollectionNameTaken(f"There is a collection called '{row.name}' already.") from error
        return _info(row, names, StateCounts())

    async def visible(self, scope: AccessScope) -> list[CollectionInfo]:
        """Everything that the scope may read, by name."""
        return await self._load(readable_collections(scope).order_by(CollectionRow.name))

    async def visible_ids(self, scope: AccessScope) -> frozenset[UUID]:
        """The same without anything about them, for questions about many people."""
        async with self._database.read() as session:
            found = await session.scalars(readable_collections(scope).with_only_columns(CollectionRow.id))
            return frozenset(found)

    async def page(self, scope: AccessScope, ask: PageAsk) -> Page[CollectionInfo]:
        """What the scope may read, by age."""
        found = await self._load(keyset(readable_collections(scope), CollectionRow.created_at, CollectionRow.id, ask))
        return page_of(found, ask)

    async def get(self, scope: AccessScope, collection_id: UUID) -> CollectionInfo:
        """Raises NotFound, also when the scope may not read it."""
        found = await self._load(readable_collections(scope).where(CollectionRow.id == collection_id))
        if not found:
            raise NotFound("There is no such collection.")
        return found[0]

    async def find(self, scope: AccessScope, name: str) -> CollectionInfo | None:
        """By name."""
        found = await self._load(readable_collections(scope).where(CollectionRow.name == name.strip()))
        return found[0] if found else None

    async def for_manager(self, collection_id: UUID) -> CollectionInfo:
        """Without a scope: for acts of owners and administrators, whom the service has checked. Raises NotFound."""
        found = await self._load(
            select(CollectionRow).where(CollectionRow.id == collection_id, CollectionRow.alive == "")
        )
        if not found:
            raise NotFound("There is no such collection.")
        return found[0]

    async def owned(self, owner_id: UUID | None) -> list[CollectionInfo]:
        """Without a scope: all of an owner, or of everybody with None, by name. The service has checked who asks."""
        query = select(CollectionRow).where(CollectionRow.alive == "").order_by(CollectionRow.name)
        return await self._load(query if owner_id is None else query.where(CollectionRow.owner_id == owner_id))

    async def change(
        self, collection_id: UUID, *, name: str | None, description: str | None, readers: Iterable[str] | None
    ) -> CollectionInfo:
        """Change what is not None. The owner stays a reader. Raises NotFound, CollectionNameTaken, BadReader."""
        names = None if readers is None else _checked(readers)
        try:
            async with self._database.write() as session:
                row = await session.get(CollectionRow, collection_id)
                if row is None or row.alive:
                    raise NotFound("There is no such collection.")
                fields = [field for field, value in (("name", name), ("description", description)) if value is not None]
                if fields:
                    await record(
                        session, Event("collection.changed", f"collection:{row.id}", details={"fields": fields})
                    )
                row.name = row.name if name is None else name.strip()
                row.description = row.description if description is None else description
                if names is not None:
                    await _replace_readers(session, row, names | {f"user:{row.owner_id}"})
                await session.flush()
        except IntegrityError as error:
            raise CollectionNameTaken(f"There is a collection called '{name}' already.") from error
        return await self.for_manager(collection_id)

    async def delete(self, collection_id: UUID) -> None:
        """Take it off the shelf at once; points and bytes are swept later."""
        async with self._database.write() as session:
            row = await session.get(CollectionRow, collection_id, with_for_update=True)
            if row is None or row.alive:
                raise NotFound("There is no such collection.")
            row.alive = str(row.id)
            documents = select(DocumentRow.id).where(DocumentRow.collection_id == collection_id)
            await session.execute(
                update(VersionRow)
                .where(VersionRow.document_id.in_(documents))
                .values(unpublished_points=True, state="retired")
            )
            await record(session, Event("collection.deleted", f"collection:{collection_id}"))

    async def _load(self, query: Select[CollectionRow]) -> list[CollectionInfo]:
        async with self._database.read() as session:
            rows = (await session.scalars(query)).all()
            ids = [row.id for row in rows]
            readers = await _readers(session, ids)
            counts = await _counts(session, ids)
        return [_info(row, readers.get(row.id, frozenset()), counts.get(row.id, StateCounts())) for row in rows]


def readable_collections(scope: AccessScope) -> Select[CollectionRow]:
    """The one query that turns a scope into collections. The empty scope matches no reader."""
    shared = select(ReaderRow.collection_id).where(ReaderRow.principal.in_(sorted(scope.principals)))
    query = select(CollectionRow).where(CollectionRow.id.in_(shared), CollectionRow.alive == "")
    return query if scope.collections is None else query.where(CollectionRow.id.in_(sorted(scope.collections)))


def profile_of(row: CollectionRow) -> EmbeddingProfile:
    return EmbeddingProfile(
        model_id=row.embedding_model,
        dimension=row.dimension,
        query_prefix=row.query_prefix,
        passage_prefix=row.passage_prefix,
        max_tokens=row.max_tokens,
    )


def _checked(readers: Iterable[str]) -> frozenset[str]:
    names = frozenset(readers)
    for name in names:
        kind, _, key = name.partition(":")
        if name == EVERYONE:
            continue
        try:
            UUID(key)
        except ValueError as error:
            raise BadReader(f"'{name}' is no reader.") from error
        if kind not in ("user", "group"):
            raise BadReader(f"'{name}' is no reader.")
    return names


async def _readers(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, frozenset[str]]:
    found: dict[UUID, set[str]] = {}
    rows = await session.execute(
        select(ReaderRow.collection_id, ReaderRow.principal).where(ReaderRow.collection_id.in_(ids))
    )
    for collection_id, principal in rows:
        found.setdefault(collection_id, set()).add(principal)
    return {key: frozenset(value) for key, value in found.items()}


async def _replace_readers(session: AsyncSession, row: CollectionRow, wanted: frozenset[str]) -> None:
    before = (await _readers(session, [row.id])).get(row.id, frozenset())
    await session.execute(delete(ReaderRow).where(ReaderRow.collection_id == row.id))
    session.add_all(ReaderRow(collection_id=row.id, principal=p) for p in sorted(wanted))
    details = {"added": sorted(wanted - before), "removed": sorted(before - wanted)}
    await record(session, Event("collection.readers_changed", f"collection:{row.id}", details=details))


async def _counts(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, StateCounts]:
    def share(*states: str) -> ColumnElement[int]:
        return func.sum(case((VersionRow.state.in_(states), 1), else_=0))

    query = (
        select(
            DocumentRow.collection_id,
            func.count(),
            share("indexed"),
            share("partial"),
            share("refused"),
            share("queued", "processing"),
            func.sum(VersionRow.size_bytes),
        )
        .join(VersionRow, VersionRow.id == DocumentRow.latest_version_id)
        .where(DocumentRow.collection_id.in_(ids), DocumentRow.alive == "")
        .group_by(DocumentRow.collection_id)
    )
    return {row[0]: StateCounts(*(int(n) for n in row[1:])) for row in await session.execute(query)}


def _info(row: CollectionRow, readers: frozenset[str], counts: StateCounts) -> CollectionInfo:
    return CollectionInfo(
        id=row.id,
        name=row.name,
        description=row.description,
        owner_id=row.owner_id,
        readers=readers,
        profile=profile_of(row),
        created_at=row.created_at,
        counts=counts,
    )
