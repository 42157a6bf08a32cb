"""Collections, documents, their pages and passages over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from litestar import Controller, Request, Response, delete, get, patch, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body, Parameter
from litestar.response import Stream
from msgspec import UNSET, Struct

from appliance.documents.render import Renderer, page_reply, version_reply
from appliance.documents.service import DocumentService
from appliance.documents.wire import (
    Collection,
    CollectionChange,
    CollectionCreate,
    Document,
    DocumentPage,
    PassageReply,
    SourcePage,
    Uploaded,
)
from appliance.edge import SEALED, event_stream, sse
from appliance.foundation import InvalidInput, rests_on
from appliance.identity import Permission, Principal, requires
from appliance.inference import Engines

Call = Request[Principal, Any, Any]

POLL_S = 0.4
CLOCKS_DIFFER = timedelta(seconds=5)
"""A worker's clock may be so far behind ours; what changed in that time before a stream began is told once more."""

CHUNK_BYTES = 1024 * 1024
UPLOAD_LIMIT_BYTES = 2 * 1024 * 1024 * 1024
"""The framework's own bound; the configured `max_file_bytes` is checked while the bytes arrive."""


class CollectionController(Controller):
    path = "/api/collections"
    guards = [requires(Permission.COLLECTIONS_READ)]  # noqa: RUF012 - the framework's declaration style

    @get()
    async def list(self, request: Call, documents: DocumentService, renderer: Renderer) -> list[Collection]:
        return await renderer.collections(request.user, await documents.collections(request.user))

    @post(guards=[requires(Permission.COLLECTIONS_MANAGE)])
    async def create(
        self, request: Call, data: CollectionCreate, documents: DocumentService, renderer: Renderer, engines: Engines
    ) -> Collection:
        made = await documents.create_collection(
            request.user,
            name=data.name,
            description=data.description,
            readers=await renderer.reader_names(data.readers),
            profile=engines.default_embedding_profile(),
        )
        return (await renderer.collections(request.user, [made]))[0]

    @get("/{collection_id:uuid}")
    async def one(
        self, request: Call, collection_id: UUID, documents: DocumentService, renderer: Renderer
    ) -> Collection:
        return (await renderer.collections(request.user, [await documents.collection(request.user, collection_id)]))[0]

    @patch("/{collection_id:uuid}", guards=[requires(Permission.COLLECTIONS_MANAGE)])
    async def change(
        self,
        request: Call,
        collection_id: UUID,
        data: CollectionChange,
        documents: DocumentService,
        renderer: Renderer,
    ) -> Collection:
        changed = await documents.change_collection(
            request.user,
            collection_id,
            name=None if data.name is UNSET else data.name,
            description=None if data.description is UNSET else data.description,
            readers=None if data.readers is UNSET else await renderer.reader_names(data.readers),
        )
        return (await renderer.collections(request.user, [changed]))[0]

    @delete("/{collection_id:uuid}", guards=[requires(Permission.COLLECTIONS_MANAGE)])
    async def remove(self, request: Call, collection_id: UUID, documents: DocumentService) -> None:
        await documents.delete_collection(request.user, collection_id)

    @get("/{collection_id:uuid}/documents")
    async def documents_page(
        self,
        request: Call,
        collection_id: UUID,
        documents: DocumentService,
        renderer: Renderer,
        offset: Annotated[int, Parameter(ge=0)] = 0,
        limit: Annotated[int, Parameter(ge=1, le=1000)] = 100,
    ) -> DocumentPage:
        total, items = await documents.documents(request.user, collection_id, offset=offset, limit=limit)
        return DocumentPage(total=total, items=[renderer.document(d) for d in items])

    @post(
        "/{collection_id:uuid}/documents",
        guards=[requires(Permission.COLLECTIONS_MANAGE)],
        request_max_body_size=UPLOAD_LIMIT_BYTES,
        status_code=202,
    )
    async def upload(
        self,
        request: Call,
        collection_id: UUID,
        data: Annotated[dict[str, Any], Body(media_type=RequestEncodingType.MULTI_PART)],
        documents: DocumentService,
        renderer: Renderer,
    ) -> Uploaded:
        """Accept one file. When this answers, the bytes are kept and no crash loses them."""
        file, path = data.get("file"), data.get("path")
        if not isinstance(file, UploadFile):
            raise InvalidInput("The part 'file' is missing.", remedy="Send multipart/form-data with 'file' and 'path'.")
        name = path if isinstance(path, str) and path else file.filename
        document, registration = await documents.upload(request.user, collection_id, name, _chunks(file))
        return Uploaded(document=renderer.document(document), outcome=registration.outcome)

    @get("/{collection_id:uuid}/progress")
    async def progress(
        self, request: Call, collection_id: UUID, documents: DocumentService, renderer: Renderer
    ) -> Stream:
        await documents.collection(request.user, collection_id)  # a refusal must be a status, not an event
        return event_stream(_progress(request.user, collection_id, documents, renderer))


class DocumentController(Controller):
    path = "/api"
    guards = [requires(Permission.COLLECTIONS_READ)]  # noqa: RUF012 - the framework's declaration style

    @get("/documents/{document_id:uuid}")
    async def one(self, request: Call, document_id: UUID, documents: DocumentService, renderer: Renderer) -> Document:
        document, versions = await documents.document(request.user, document_id)
        reply = renderer.document(document)
        reply.versions = [version_reply(v) for v in versions]
        return reply

    @delete("/documents/{document_id:uuid}", guards=[requires(Permission.COLLECTIONS_MANAGE)])
    async def remove(self, request: Call, document_id: UUID, documents: DocumentService) -> None:
        await documents.delete_document(request.user, document_id)

    @get("/documents/{document_id:uuid}/file")
    async def file(self, request: Call, document_id: UUID, documents: DocumentService) -> Response[bytes]:
        document, data = await documents.file(request.user, document_id)
        name = f"attachment; filename*=UTF-8''{quote(document.name, safe='')}"
        headers = {**SEALED, "content-disposition": name}
        return Response(data, media_type="application/octet-stream", headers=headers)

    @get("/documents/{document_id:uuid}/pages/{page:int}")
    async def page(
        self, request: Call, document_id: UUID, page: int, documents: DocumentService, version: int | None = None
    ) -> SourcePage:
        found, blocks = await documents.page(request.user, document_id, page, version)
        return page_reply(document_id, page, found, blocks)

    @get("/documents/{document_id:uuid}/pages/{page:int}/image")
    async def image(
        self, request: Call, document_id: UUID, page: int, documents: DocumentService, version: int | None = None
    ) -> Response[bytes]:
        png = await documents.page_image(request.user, document_id, page, version)
        headers = {**SEALED, "cache-control": "private, max-age=300"}
        return Response(png, media_type="image/png", headers=headers)

    @get("/passages/{passage_id:uuid}")
    async def passage(
        self, request: Call, passage_id: UUID, documents: DocumentService, renderer: Renderer
    ) -> PassageReply:
        view, document = await documents.passage(request.user, passage_id)
        return renderer.passage(view, document)


class Idle(Struct):
    """Nothing is in work."""

    processing: int = 0


async def _chunks(file: UploadFile) -> AsyncIterator[bytes]:
    while chunk := await file.read(CHUNK_BYTES):
        yield chunk


async def _progress(
    caller: Principal, collection_id: UUID, documents: DocumentService, renderer: Renderer
) -> AsyncIterator[bytes]:
    """What is in work now, then every change. The database is asked, so it does not matter which process works."""
    rests_on({collection_id})
    since = datetime.now(UTC) - CLOCKS_DIFFER
    busy = await documents.changes(caller, collection_id, None)
    for document in busy:
        yield sse("document", renderer.document(document))
    was_busy = True
    while True:
        if was_busy and not busy:
            yield sse("idle", Idle())
        was_busy = bool(busy)
        await asyncio.sleep(POLL_S)
        changed = await documents.changes(caller, collection_id, since)
        for document in changed:
            since = max(since, document.updated_at)
            yield sse("document", renderer.document(document))
        busy = await documents.changes(caller, collection_id, None)
        was_busy = was_busy or bool(changed)  # what came and went between two looks ends with idle too
