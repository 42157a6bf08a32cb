"""What people do with collections and documents. Rights to change are decided here, once."""

from collections.abc import AsyncIterable, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from appliance.documents.ingest import load_blocks, page_blocks
from appliance.documents.jobs import DocumentJobs
from appliance.documents.settings import DocumentSettings
from appliance.foundation import NotAllowed, NotFound
from appliance.identity import Permission, Principal
from appliance.inference import EmbeddingProfile
from appliance.library import (
    Arrival,
    Attributes,
    CollectionInfo,
    Collections,
    DocumentInfo,
    Documents,
    PassageView,
    Registration,
    Shelf,
    VersionInfo,
    checked_path,
)
from appliance.parsing import Block, render_page
from appliance.storage import FileStore, FileTooLarge, Page, PageAsk


class DocumentService:
    """Collections and documents in the words of their users."""

    def __init__(
        self,
        collections: Collections,
        documents: Documents,
        shelf: Shelf,
        files: FileStore,
        jobs: DocumentJobs,
        settings: DocumentSettings,
    ) -> None:
        self._collections = collections
        self._documents = documents
        self._shelf = shelf
        self._files = files
        self._jobs = jobs
        self._settings = settings

    async def create_collection(
        self, caller: Principal, *, name: str, description: str, readers: Iterable[str], profile: EmbeddingProfile
    ) -> CollectionInfo:
        """Everybody may make one and owns it, but not with a key for some collections, which could not read it.

        Raises:
            NotAllowed, CollectionNameTaken, BadReader.
        """
        if caller.scope().collections is not None:
            raise NotAllowed(
                "This key is for some collections and cannot make others.", remedy="Use a key for all collections."
            )
        return await self._collections.create(
            owner_id=caller.user_id, name=name, description=description, readers=readers, profile=profile
        )

    async def collections(self, caller: Principal) -> list[CollectionInfo]:
        return await self._collections.visible(caller.scope())

    async def collections_by_age(self, caller: Principal, ask: PageAsk) -> Page[CollectionInfo]:
        return await self._collections.page(caller.scope(), ask)

    async def collection(self, caller: Principal, collection_id: UUID) -> CollectionInfo:
        """Raises NotFound."""
        return await self._collections.get(caller.scope(), collection_id)

    async def change_collection(
        self,
        caller: Principal,
        collection_id: UUID,
        *,
        name: str | None,
        description: str | None,
        readers: Iterable[str] | None,
    ) -> CollectionInfo:
        """Raises NotFound, NotAllowed, CollectionNameTaken, BadReader."""
        await self.managed(caller, collection_id)
        return await self._collections.change(collection_id, name=name, description=description, readers=readers)

    async def delete_collection(self, caller: Principal, collection_id: UUID) -> None:
        """Raises NotFound, NotAllowed."""
        await self.managed(caller, collection_id)
        await self._collections.delete(collection_id)

    async def upload(
        self, caller: Principal, collection_id: UUID, path: str, chunks: AsyncIterable[bytes]
    ) -> tuple[DocumentInfo, Registration]:
        """Store bytes under a path and queue them. When this returns, no crash loses them.

        Raises:
            NotFound, NotAllowed: the collection.
            FileTooLarge, BadPath: the file.
        """
        await self.managed(caller, collection_id)
        checked_path(path)
        async with self._files.keep(chunks, max_bytes=self._settings.max_file_bytes) as stored:
            registration = await self._documents.register(collection_id, path, stored)
        if registration.outcome == "queued":
            await self._jobs.enqueue(registration.version_id)
        return await self._documents.for_manager(registration.document_id), registration

    async def add_stored(
        self, caller: Principal, collection_id: UUID, arrivals: Sequence[Arrival]
    ) -> list[Registration]:
        """Make documents of bytes that are in the file store already, all or none, and queue them.

        Raises:
            NotFound, NotAllowed: the collection.
            NotFound, FileTooLarge, BadPath: a file.
        """
        await self.managed(caller, collection_id)
        for arrival in arrivals:
            if arrival.stored.size_bytes > self._settings.max_file_bytes:
                raise FileTooLarge(f"'{arrival.path}' is larger than {self._settings.max_file_bytes} bytes.")
        async with self._files.hold():  # so that nobody drops the bytes before the documents refer to them
            for arrival in arrivals:
                if not self._files.path(arrival.stored.sha256).is_file():
                    raise NotFound(f"The bytes of '{arrival.path}' are gone.")
            registrations = await self._documents.register_all(collection_id, arrivals)
        for registration in registrations:
            if registration.outcome == "queued":
                await self._jobs.enqueue(registration.version_id)
        return registrations

    async def change_attributes(self, caller: Principal, document: DocumentInfo, values: Attributes) -> None:
        """Replace them all. Raises NotFound, NotAllowed."""
        await self.managed(caller, document.collection_id)
        await self._documents.change_attributes(document.id, values)

    async def documents(
        self, caller: Principal, collection_id: UUID, *, offset: int, limit: int
    ) -> tuple[int, list[DocumentInfo]]:
        """(total, one page). Raises NotFound."""
        await self._collections.get(caller.scope(), collection_id)
        return await self._documents.page(caller.scope(), collection_id, offset=offset, limit=limit)

    async def changes(self, caller: Principal, collection_id: UUID, since: datetime | None) -> tuple[DocumentInfo, ...]:
        """Documents that changed since, or all that are in work. Raises NotFound."""
        await self._collections.get(caller.scope(), collection_id)
        return await self._documents.changed_since(caller.scope(), collection_id, since)

    async def document(self, caller: Principal, document_id: UUID) -> tuple[DocumentInfo, tuple[VersionInfo, ...]]:
        """Raises NotFound."""
        scope = caller.scope()
        return await self._documents.get(scope, document_id), await self._documents.versions(scope, document_id)

    async def delete_document(self, caller: Principal, document_id: UUID) -> None:
        """Raises NotFound, NotAllowed."""
        document = await self._documents.get(caller.scope(), document_id)
        await self.managed(caller, document.collection_id)
        await self._documents.delete(document_id)

    async def file(self, caller: Principal, document_id: UUID) -> tuple[DocumentInfo, bytes]:
        """The bytes of the published version. Raises NotFound."""
        document = await self._documents.get(caller.scope(), document_id)
        if document.published is None:
            raise NotFound("The document has no published version.")
        await self._documents.note_read(document, document.published.number, file=True)
        return document, await self._files.read(document.published.sha256)

    async def page(
        self, caller: Principal, document_id: UUID, page: int, number: int | None
    ) -> tuple[VersionInfo, tuple[Block, ...]]:
        """Blocks of one page, of the published version unless another is asked for. Raises NotFound."""
        document, version = await self._version(caller, document_id, number)
        if version.blocks_sha256 is None or not 1 <= page <= max(1, version.page_count):
            raise NotFound("There is no such page.")
        await self._documents.note_read(document, version.number, page=page)
        return version, page_blocks(await load_blocks(self._files, version.blocks_sha256), page)

    async def page_image(self, caller: Principal, document_id: UUID, page: int, number: int | None) -> bytes:
        """A PDF page as PNG. Raises NotFound."""
        document, version = await self._version(caller, document_id, number)
        if not has_page_image(version) or not 1 <= page <= version.page_count:
            raise NotFound("There is no picture of this page.")
        await self._documents.note_read(document, version.number, page=page, picture=True)
        return await render_page(self._files.path(version.sha256), page)

    async def passage(self, caller: Principal, passage_id: UUID) -> tuple[PassageView, DocumentInfo]:
        """What a citation points to. Raises NotFound."""
        view = await self._shelf.view(caller.scope(), passage_id)
        document = await self._documents.get(caller.scope(), view.passage.document_id)
        await self._documents.note_read(document, view.passage.version_number, passage=str(passage_id))
        return view, document

    async def known(self, key: UUID, *, is_document: bool) -> tuple[CollectionInfo, str]:
        """A collection, or that of a document, with the name of what was asked for; whoever asks is not looked at.

        For explaining access: the caller of this decides who may know. Raises NotFound.
        """
        if not is_document:
            collection = await self._collections.for_manager(key)
            return collection, collection.name
        document = await self._documents.for_manager(key)
        return await self._collections.for_manager(document.collection_id), document.name

    async def is_readable(self, caller: Principal, collection_id: UUID) -> bool:
        """The check that every reading goes through, as an answer."""
        try:
            await self._collections.get(caller.scope(), collection_id)
        except NotFound:
            return False
        return True

    async def readable(self, caller: Principal) -> frozenset[UUID]:
        """Every collection of which `is_readable` is true, by one question."""
        return await self._collections.visible_ids(caller.scope())

    async def owned(self, owner_id: UUID | None) -> list[CollectionInfo]:
        """All of an owner, or of everybody with None, by name: for those who manage them."""
        return await self._collections.owned(owner_id)

    def may_write(self, caller: Principal, collection: CollectionInfo) -> bool:
        if not caller.scope().reaches(collection.id):
            return False
        return caller.reach(Permission.COLLECTIONS_MANAGE) == "any" or collection.owner_id == caller.user_id

    async def managed(self, caller: Principal, collection_id: UUID) -> CollectionInfo:
        """The collection, for somebody who may change it; a stranger cannot tell it from one that is not there."""
        collection = await self._collections.for_manager(collection_id)
        if self.may_write(caller, collection):
            return collection
        await self._collections.get(caller.scope(), collection_id)
        raise NotAllowed("Only the owner of the collection or an administrator may do this.")

    async def _version(
        self, caller: Principal, document_id: UUID, number: int | None
    ) -> tuple[DocumentInfo, VersionInfo]:
        document = await self._documents.get(caller.scope(), document_id)
        if number is None:
            if document.published is None:
                raise NotFound("The document has no published version.")
            return document, document.published
        for version in await self._documents.versions(caller.scope(), document_id):
            if version.number == number:
                return document, version
        raise NotFound("There is no such version.")


def has_page_image(version: VersionInfo) -> bool:
    return version.media_type == "application/pdf"
