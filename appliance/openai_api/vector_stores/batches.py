"""Batches of files that are attached together."""

from uuid import UUID

from appliance.documents import DocumentService
from appliance.identity import Principal
from appliance.library import Attributes, Members
from appliance.openai_api.ids import public_id, read_id
from appliance.openai_api.vector_stores.errors import BadFileBatch, NoSuchFileBatch
from appliance.openai_api.vector_stores.files import VectorStoreFiles
from appliance.openai_api.vector_stores.repository import FileBatch, VectorStoreRepository
from appliance.openai_api.vector_stores.shapes import cancelled_file, file_batch, key_of, status_of
from appliance.openai_api.vector_stores.wire import FileBatchCreate, FileBatchReply, FileStatus, StoreFile
from appliance.storage import Page, PageAsk


class FileBatches:
    """What is in work is known by the documents; a batch only remembers which they are."""

    def __init__(
        self,
        documents: DocumentService,
        members: Members,
        files: VectorStoreFiles,
        repository: VectorStoreRepository,
    ) -> None:
        self._documents = documents
        self._members = members
        self._files = files
        self._repository = repository

    async def create(self, caller: Principal, collection_id: UUID, asked: FileBatchCreate) -> FileBatchReply:
        """Attach all or none. Raises BadFileBatch, NoSuchFile, NotAllowed."""
        documents = await self._files.attach(caller, collection_id, _wanted(asked))
        batch = await self._repository.add_batch(collection_id, [key_of(d) for d in documents])
        return file_batch(batch, documents)

    async def show(self, caller: Principal, collection_id: UUID, batch_id: str) -> FileBatchReply:
        """Raises NoSuchFileBatch."""
        batch = await self._batch(collection_id, batch_id)
        return file_batch(batch, await self._members.some(caller.scope(), collection_id, [f for f, _ in batch.files]))

    async def cancel(self, caller: Principal, collection_id: UUID, batch_id: str) -> FileBatchReply:
        """Take back what is not in the store yet. Raises NoSuchFileBatch, NotAllowed."""
        await self._documents.managed(caller, collection_id)
        batch = await self._batch(collection_id, batch_id)
        documents = await self._members.some(caller.scope(), collection_id, [f for f, _ in batch.files])
        unfinished = [d for d in documents if status_of(d) == "in_progress"]
        await self._repository.cancel_batch(batch.id, [key_of(d) for d in unfinished])
        for document in unfinished:
            await self._documents.delete_document(caller, document.id)
        return await self.show(caller, collection_id, batch_id)

    async def files(
        self, caller: Principal, collection_id: UUID, batch_id: str, ask: PageAsk, status: FileStatus | None
    ) -> Page[StoreFile]:
        """Raises NoSuchFileBatch."""
        batch = await self._batch(collection_id, batch_id)
        documents = await self._members.some(caller.scope(), collection_id, [f for f, _ in batch.files])
        shown = [*await self._files.show(documents), *(cancelled_file(batch, f) for f, gone in batch.files if gone)]
        if status is not None:
            shown = [file for file in shown if file.status == status]
        shown.sort(key=lambda file: (file.created_at, file.id), reverse=ask.newest_first)
        return _cut(shown, ask)

    async def _batch(self, collection_id: UUID, batch_id: str) -> FileBatch:
        batch = await self._repository.batch(collection_id, read_id("vsfb", batch_id))
        if batch is None:
            raise NoSuchFileBatch("There is no such batch of files in the vector store.")
        return batch


def _wanted(asked: FileBatchCreate) -> dict[str, Attributes | None]:
    """Each file with the attributes it is to have."""
    if (asked.file_ids is None) == (asked.files is None):
        raise BadFileBatch("One of 'file_ids' and 'files' is needed.")
    if asked.file_ids is not None:
        wanted: dict[str, Attributes | None] = dict.fromkeys(asked.file_ids, asked.attributes)
        named = len(asked.file_ids)
    else:
        wanted = {file.file_id: file.attributes for file in asked.files or []}
        named = len(asked.files or [])
    if len(wanted) != named:
        raise BadFileBatch("A file is named twice.")
    return wanted


def _cut(shown: list[StoreFile], ask: PageAsk) -> Page[StoreFile]:
    """At most 2,000 files, so they are cut here."""
    ids = [file.id for file in shown]
    if ask.after is not None:
        name = public_id("file", ask.after)
        rest = shown[ids.index(name) + 1 :] if name in ids else []
        return Page(tuple(rest[: ask.limit]), len(rest) > ask.limit)
    if ask.before is not None:
        name = public_id("file", ask.before)
        rest = shown[: ids.index(name)] if name in ids else []
        return Page(tuple(rest[-ask.limit :]), len(rest) > ask.limit)
    return Page(tuple(shown[: ask.limit]), len(shown) > ask.limit)
