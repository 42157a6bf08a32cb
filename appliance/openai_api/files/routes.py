"""`/v1/files`."""

from collections.abc import AsyncIterator
from typing import Annotated, Any
from urllib.parse import quote

from litestar import Controller, Request, delete, get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body, Parameter
from litestar.response import Stream

from appliance.edge import SEALED
from appliance.identity import Permission, Principal, requires
from appliance.openai_api.files.service import ApiFiles
from appliance.openai_api.files.wire import FileDeleted, FileObject, ListedPurpose, file_object, read_upload
from appliance.openai_api.misfits import names_fields
from appliance.openai_api.pages import Listed, Order, listed, page_ask

Call = Request[Principal, Any, Any]

CHUNK_BYTES = 1024 * 1024
UPLOAD_LIMIT_BYTES = 2 * 1024 * 1024 * 1024
"""The framework's own bound; the configured `files.max_bytes` is checked while the bytes are kept."""


class FilesController(Controller):
    path = "/v1/files"
    guards = [requires(Permission.FILES_KEEP)]  # noqa: RUF012 - the framework's declaration style
    exception_handlers = names_fields()

    @post(request_max_body_size=UPLOAD_LIMIT_BYTES, status_code=200)
    async def create(
        self,
        request: Call,
        data: Annotated[dict[str, Any], Body(media_type=RequestEncodingType.MULTI_PART)],
        api_files: ApiFiles,
    ) -> FileObject:
        """Keep a file. When this answers, no crash loses it."""
        upload = read_upload(data)
        made = await api_files.create(
            request.user,
            _chunks(upload.file),
            filename=upload.file.filename,
            purpose=upload.purpose,
            expires_after_s=upload.expires_after_s,
        )
        return file_object(made)

    @get()
    async def list(
        self,
        request: Call,
        api_files: ApiFiles,
        limit: Annotated[int, Parameter(ge=1, le=10_000)] = 10_000,
        order: Order = "desc",
        after: str | None = None,
        purpose: ListedPurpose | None = None,
    ) -> Listed[FileObject]:
        ask = page_ask("file", limit=limit, order=order, after=after)
        found = await api_files.page(request.user, ask, purpose=purpose)
        return listed(found, file_object, lambda shown: shown.id)

    @get("/{file_id:str}")
    async def one(self, request: Call, file_id: str, api_files: ApiFiles) -> FileObject:
        return file_object(await api_files.get(request.user, file_id))

    @delete("/{file_id:str}", status_code=200)
    async def remove(self, request: Call, file_id: str, api_files: ApiFiles) -> FileDeleted:
        await api_files.delete(request.user, file_id)
        return FileDeleted(file_id)

    @get("/{file_id:str}/content")
    async def content(self, request: Call, file_id: str, api_files: ApiFiles) -> Stream:
        info, chunks = await api_files.content(request.user, file_id)
        name = f"attachment; filename*=UTF-8''{quote(info.filename, safe='')}"
        headers = {**SEALED, "content-disposition": name, "content-length": str(info.size_bytes)}
        return Stream(chunks, media_type="application/octet-stream", headers=headers)


async def _chunks(file: UploadFile) -> AsyncIterator[bytes]:
    while chunk := await file.read(CHUNK_BYTES):
        yield chunk
