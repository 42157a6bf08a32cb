"""Bytes on disk, named by what they are."""

import asyncio
import hashlib
import os
import tempfile
from collections.abc import AsyncIterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from appliance.foundation import InvalidInput


class FileTooLarge(InvalidInput):
    """More bytes than allowed arrived."""

    code, status = "file_too_large", 413
    remedy = "Split the file, or raise 'documents.max_file_bytes'."


@dataclass(frozen=True, slots=True)
class StoredFile:
    sha256: str
    size_bytes: int


class FileStore:
    """A folder of immutable files, each named by the SHA-256 of its bytes. Writing the same bytes twice is no work."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, sha256: str) -> Path:
        """Where these bytes lie. The name comes from us, never from a user."""
        return self._folder / sha256[:2] / sha256[2:4] / sha256

    async def put(self, chunks: AsyncIterable[bytes], *, max_bytes: int) -> StoredFile:
        """Store a stream. When this returns, the bytes are on disk.

        Raises:
            FileTooLarge: more than `max_bytes` came; nothing is kept.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        digest, size = hashlib.sha256(), 0
        handle, name = tempfile.mkstemp(dir=self._folder, prefix="incoming-")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as out:
                async for chunk in chunks:
                    size += len(chunk)
                    if size > max_bytes:
                        raise FileTooLarge(f"The file is larger than {max_bytes} bytes.")
                    digest.update(chunk)
                    await asyncio.to_thread(out.write, chunk)
                await asyncio.to_thread(_flush, out)
            target = self.path(digest.hexdigest())
            await asyncio.to_thread(_settle, temporary, target)
        finally:
            await asyncio.to_thread(temporary.unlink, missing_ok=True)
        return StoredFile(digest.hexdigest(), size)

    async def put_bytes(self, data: bytes) -> StoredFile:
        """Store a value that is already in memory."""
        return await self.put(_aiter(data), max_bytes=len(data))

    async def read(self, sha256: str) -> bytes:
        """Raises FileNotFoundError."""
        return await asyncio.to_thread(self.path(sha256).read_bytes)

    async def delete(self, sha256: str) -> None:
        """Remove the bytes; fine when they are not there."""
        await asyncio.to_thread(self.path(sha256).unlink, True)


async def _aiter(data: bytes) -> AsyncIterable[bytes]:
    yield data


def _flush(out: BinaryIO) -> None:
    out.flush()
    os.fsync(out.fileno())


def _settle(temporary: Path, target: Path) -> None:
    """Give the finished file its name, in one step that survives a power cut."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
