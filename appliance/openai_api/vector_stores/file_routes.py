"""`/v1/vector_stores/{id}/files` and `/v1/vector_stores/{id}/file_batches`."""

from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Controller, Request, delete, get, post
from litestar.di import Provide
from litestar.params import Parameter, QueryParameter

from appliance.identity import Permission, Principal, requires
from appliance.openai_api.misfits import names_fields
from appliance.openai_api.pages import Listed, Order, listed, page_ask
from appliance.openai_api.vector_stores.batches import FileBatches
from appliance.openai_api.vector_stores.files import VectorStoreFiles
from appliance.openai_api.vector_stores.service import VectorStores
from appliance.openai_api.vector_stores.wire import (
    FileAttach,
    FileBatchCreate,
    FileBatchReply,
    FileContent,
    FileStatus,
    FileUpdate,
    StoreFile,
    StoreFileDeleted,
)
from appliance.storage import PageAsk

Call = Request[Principal, Any, Any]


@dataclass(frozen=True, slots=True)
class FilesAsk:
    """Which files of a store."""

    page: PageAsk
    status: FileStatus | None


def files_ask(
    limit: Annotated[int, Parameter(ge=1, le=100)] = 20,
    order: Order = "desc",
    after: str | None = None,
    before: str | None = None,
    status: Annotated[FileStatus | None, QueryParameter(name="filter")] = None,
) -> FilesAsk:
    """From the query string. Raises UnknownCursor."""
    return FilesAsk(page_ask("file", limit=limit, order=order, after=after, before=before), status)


ASK = {"asked": Provide(files_ask, sync_to_thread=False)}


class StoreFilesController(Controller):
    path = "/v1/vector_stores/{store_id:str}/files"
    guards = [requires(Permission.COLLECTIONS_READ)]  # noqa: RUF012 - the framework's declaration style
    exception_handlers = names_fields()

    @post(guards=[requires(Permission.COLLECTIONS_MANAGE)], status_code=200)
    async def attach(
        self,
        request: Call,
        store_id: str,
        data: FileAttach,
        vector_stores: VectorStores,
        store_files: VectorStoreFiles,
    ) -> StoreFile:
        (key,) = await vector_stores.usable(request.user, [store_id])
        documents = await store_files.attach(request.user, key, {data.file_id: data.attributes})
        return (await store_files.show(documents))[0]

    @get(dependencies=ASK)
    async def list(
        self,
        request: Call,
        store_id: str,
        asked: FilesAsk,
        vector_stores: VectorStores,
        store_files: VectorStoreFiles,
    ) -> Listed[StoreFile]:
        key = await vector_stores.readable(request.user, store_id)
        found = await store_files.page(request.user, key, asked.page, asked.status)
        return listed(found, lambda file: file, lambda shown: shown.id)

    @get("/{file_id:str}")
    async def one(
        self,
        request: Call,
        store_id: str,
        file_id: str,
        vector_stores: VectorStores,
        store_files: VectorStoreFiles,
    ) -> StoreFile:
        key = await vector_stores.readable(request.user, store_id)
        return (await store_files.show([await store_files.one(request.user, key, file_id)]))[0]

    @post("/{file_id:str}", guards=[requires(Permission.COLLECTIONS_MANAGE)], status_code=200)
    async def change(
        self,
        request: Call,
        store_id: str,
        file_id: str,
        data: FileUpdate,
        vector_stores: VectorStores,
        store_files: VectorStoreFiles,
    ) -> StoreFile:
        key = await vector_stores.readable(request.user, store_id)
        return await store_files.change(request.user, key, file_id, data.attributes or {})

    @delete("/{file_id:str}", guards=[requires(Permission.COLLECTIONS_MANAGE)], status_code=200)
    async def remove(
        self,
        request: Call,
        store_id: str,
        file_id: str,
        vector_stores: VectorStores,
        store_files: VectorStoreFiles,
    ) -> StoreFileDeleted:
        key = await vector_stores.readable(request.user, store_id)
        await store_files.remove(request.user, key, file_id)
        return StoreFileDeleted(file_id)

    @get("/{file_id:str}/content")
    async def content(
        self,
        request: Call,
        store_id: str,
        file_id: str,
        vector_stores: VectorStores,
        store_files: VectorStoreFiles,
    ) -> FileContent:
        key = await vector_stores.readable(request.user, store_id)
        return await store_files.content(request.user, key, file_id)


class FileBatchesController(Controller):
    path = "/v1/vector_stores/{store_id:str}/file_batches"
    guards = [requires(Permission.COLLECTIONS_READ)]  # noqa: RUF012 - the framework's declaration style
    exception_handlers = names_fields()

    @post(guards=[requires(Permission.COLLECTIONS_MANAGE)], status_code=200)
    async def create(
        self,
        request: Call,
        store_id: str,
        data: FileBatchCreate,
        vector_stores: VectorStores,
        file_batches: FileBatches,
    ) -> FileBatchReply:
        (key,) = await vector_stores.usable(request.user, [store_id])
        return await file_batches.create(request.user, key, data)

    @get("/{batch_id:str}")
    async def one(
        self, request: Call, store_id: str, batch_id: str, vector_stores: VectorStores, file_batches: FileBatches
    ) -> FileBatchReply:
        key = await vector_stores.readable(request.user, store_id)
        return await file_batches.show(request.user, key, batch_id)

    @post("/{batch_id:str}/cancel", guards=[requires(Permission.COLLECTIONS_MANAGE)], status_code=200)
    async def cancel(
        self, request: Call, store_id: str, batch_id: str, vector_stores: VectorStores, file_batches: FileBatches
    ) -> FileBatchReply:
        key = await vector_stores.readable(request.user, store_id)
        return await file_batches.cancel(request.user, key, batch_id)

    @get("/{batch_id:str}/files", dependencies=ASK)
    async def files(
        self,
        request: Call,
        store_id: str,
        batch_id: str,
        asked: FilesAsk,
        vector_stores: VectorStores,
        file_batches: FileBatches,
    ) -> Listed[StoreFile]:
        key = await vector_stores.readable(request.user, store_id)
        found = await file_batches.files(request.user, key, batch_id, asked.page, asked.status)
        return listed(found, lambda file: file, lambda shown: shown.id)
