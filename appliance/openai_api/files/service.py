"""What a program does with its files."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from typing import Protocol
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from appliance.identity import Principal
from appliance.openai_api.files.errors import UploadTooLarge
from appliance.openai_api.files.repository import FileInfo, FileRepository, NewFile
from appliance.openai_api.files.settings import FileSettings
from appliance.openai_api.ids import read_id
from appliance.storage import FileStore, FileTooLarge, Page, PageAsk

log = structlog.get_logger(__name__)


class AttachedFiles(Protocol):
    """Whatever was made of files elsewhere."""

    async def forget(self, caller: Principal, key: UUID) -> None:
        """Take away what was made of a file, where the caller may."""
        ...


class ApiFiles:
    """Upload, list, read and delete, each within the caller's own files."""

    def __init__(
        self, repository: FileRepository, store: FileStore, settings: FileSettings, attached: AttachedFiles
    ) -> None:
        self._repository = repository
        self._attached = attached
        self._store = store
        self._settings = settings
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._sweeper = asyncio.create_task(self._sweep_for_ever())

    async def stop(self) -> None:
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.wait({self._sweeper})

    async def create(
        self,
        caller: Principal,
        chunks: AsyncIterable[bytes],
        *,
        filename: str,
        purpose: str,
        expires_after_s: int | None,
    ) -> FileInfo:
        """Keep a stream of bytes; a caller who leaves before its end leaves nothing. Raises UploadTooLarge."""
        new = NewFile(caller.user_id, _plain_name(filename), purpose, expires_after_s, caller.key_id)
        try:
            async with self._store.keep(chunks, max_bytes=self._settings.max_bytes) as stored:
                return await self._repository.add(new, stored)
        except FileTooLarge as error:
            raise UploadTooLarge(error.message) from error

    async def page(self, caller: Principal, ask: PageAsk, *, purpose: str | None) -> Page[FileInfo]:
        return await self._repository.page(caller.holder(), ask, purpose=purpose)

    async def get(self, caller: Principal, file_id: str) -> FileInfo:
        """Raises NoSuchFile."""
        return await self._repository.get(caller.holder(), read_id("file", file_id))

    async def content(self, caller: Principal, file_id: str) -> tuple[FileInfo, AsyncIterator[bytes]]:
        """Raises NoSuchFile."""
        info = await self.get(caller, file_id)
        await self._repository.note_download(info.id)
        return info, self._store.chunks(info.sha256)

    async def delete(self, caller: Principal, file_id: str) -> None:
        """Also out of the vector stores that the caller may change. Raises NoSuchFile."""
        info = await self.get(caller, file_id)
        await self._attached.forget(caller, info.id)
        await self._repository.delete(caller.user_id, info.id)
        await self._store.drop_unused([info.sha256])

    async def sweep(self) -> int:
        """Forget what has expired. Returns how many files' bytes were looked at."""
        names = await self._repository.forget_expired()
        await self._store.drop_unused(names)
        return len(names)

    async def _sweep_for_ever(self) -> None:
        while True:
            try:
                await self.sweep()
            except (SQLAlchemyError, OSError) as error:
                log.warning("sweep of expired files failed, will be repeated", exc_info=error)
            await asyncio.sleep(self._settings.sweep_interval_s)


def _plain_name(filename: str) -> str:
    """The last part of a name, without what a path or a header could be misled by."""
    last = filename.replace("\\", "/").rpartition("/")[2]
    plain = "".join(c for c in last if c.isprintable()).strip()[:400]
    return "file" if plain in ("", ".", "..") else plain
