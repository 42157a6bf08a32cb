"""Files of a vector store: attached, listed, read, taken out."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from uuid import UUID

from appliance.documents import DocumentService
from appliance.foundation import NotAllowed, NotFound
from appliance.identity import Principal
from appliance.library import Arrival, Attributes, DocumentInfo, Members
from appliance.openai_api.files.errors import NoSuchFile
from appliance.openai_api.files.repository import FileInfo, FileRepository
from appliance.openai_api.ids import public_id, read_id
from appliance.openai_api.vector_stores.errors import NoSuchStoreFile
from appliance.openai_api.vector_stores.shapes import STATES, store_file
from appliance.openai_api.vector_stores.wire import FileContent, FileStatus, StoreFile, TextContent
from appliance.storage import Page, PageAsk, StoredFile


class VectorStoreFiles:
    """Works within a collection that `VectorStores` has found readable; changing it is decided by `documents`."""

    def __init__(self, documents: DocumentService, members: Members, uploads: FileRepository) -> None:
        self._documents = documents
        self._members = members
        self._uploads = uploads

    async def attach(
        self, caller: Principal, collection_id: UUID, files: Mapping[str, Attributes | None]
    ) -> list[DocumentInfo]:
        """Make documents of the caller's files, all or none. Attributes of None are those the file has there already.

        Raises:
            NoSuchFile: one of them is not the caller's.
            NotAllowed: the collection is somebody else's.
        """
        await self._documents.managed(caller, collection_id)
        arrivals = [_arrival(info, files[file_id]) for file_id, info in (await self.known(caller, [*files])).items()]
        await self._documents.add_stored(caller, collection_id, arrivals)
        return await self._members.some(caller.scope(), collection_id, [a.file_id for a in arrivals if a.file_id])

    async def known(self, caller: Principal, file_ids: Sequence[str]) -> dict[str, FileInfo]:
        """Uploaded files by their ids. Raises NoSuchFile when one of them is not the caller's."""
        keys = {file_id: read_id("file", file_id) for file_id in file_ids}
        found = await self._uploads.some(caller.holder(), [key for key in keys.values() if key is not None])
        for file_id, key in keys.items():
            if key is None or key not in found:
                raise NoSuchFile(f"There is no file '{file_id[:100]}'.")
        return {file_id: found[key] for file_id, key in keys.items() if key is not None}

    async def page(
        self, caller: Principal, collection_id: UUID, ask: PageAsk, status: FileStatus | None
    ) -> Page[StoreFile]:
        """By age; the cursor is a file's id. Raises NoSuchStoreFile for a cursor that is not there."""
        ask = PageAsk(
            ask.limit,
            ask.newest_first,
            await self._cursor(caller, collection_id, ask.after),
            await self._cursor(caller, collection_id, ask.before),
        )
        states = None if status is None else STATES[status]
        found = await self._members.page(caller.scope(), collection_id, ask, states=states)
        attributes = await self._members.attributes([d.id for d in found.items])
        return found.map(lambda d: store_file(d, attributes.get(d.id, {})))

    async def one(self, caller: Principal, collection_id: UUID, file_id: str) -> DocumentInfo:
        """Raises NoSuchStoreFile."""
        key = read_id("file", file_id)
        with suppress(NotFound):
            if key is not None:
                return await self._members.one(caller.scope(), collection_id, key)
        raise NoSuchStoreFile("There is no such file in the vector store.")

    async def show(self, documents: Sequence[DocumentInfo]) -> list[StoreFile]:
        """In the same order."""
        attributes = await self._members.attributes([d.id for d in documents])
        return [store_file(d, attributes.get(d.id, {})) for d in documents]

    async def content(self, caller: Principal, collection_id: UUID, file_id: str) -> FileContent:
        """Its text as passages. Raises NoSuchStoreFile."""
        document = await self.one(caller, collection_id, file_id)
        texts = await self._members.texts(caller.scope(), document)
        return FileContent(
            file_id=file_id,
            filename=document.name,
            attributes=(await self._members.attributes([document.id])).get(document.id, {}),
            data=[TextContent(text) for text in texts],
        )

    async def change(self, caller: Principal, collection_id: UUID, file_id: str, values: Attributes) -> StoreFile:
        """Other attributes, for all searches from now on. Raises NoSuchStoreFile, NotAllowed."""
        document = await self.one(caller, collection_id, file_id)
        await self._documents.change_attributes(caller, document, values)
        return (await self.show([document]))[0]

    async def remove(self, caller: Principal, collection_id: UUID, file_id: str) -> None:
        """Out of the store; the file itself stays. Raises NoSuchStoreFile, NotAllowed."""
        document = await self.one(caller, collection_id, file_id)
        await self._documents.delete_document(caller, document.id)

    async def forget(self, caller: Principal, key: UUID) -> None:
        """Take a file out of every store that the caller may change."""
        for document_id, _ in await self._members.made_from(key):
            with suppress(NotFound, NotAllowed):
                await self._documents.delete_document(caller, document_id)

    async def _cursor(self, caller: Principal, collection_id: UUID, key: UUID | None) -> UUID | None:
        return None if key is None else (await self.one(caller, collection_id, public_id("file", key))).id


def _arrival(file: FileInfo, attributes: Attributes | None) -> Arrival:
    """The file's id is part of the path: two files of one name are two documents."""
    return Arrival(
        path=f"{public_id('file', file.id)}/{file.filename}",
        stored=StoredFile(file.sha256, file.size_bytes),
        file_id=file.id,
        attributes=attributes,
    )
