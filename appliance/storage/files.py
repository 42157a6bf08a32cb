"""Bytes on disk, named by what they are."""

import asyncio
import contextlib
import fcntl
import hashlib
import os
import tempfile
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from appliance.foundation import InvalidInput, require_room

ARRIVING = "incoming-"
ASKED_AT_ONCE = 1000
CHUNK_BYTES = 1024 * 1024

Used = Callable[[Collection[str]], Awaitable[Collection[str]]]
"""Tells which of some names somebody refers to."""


class FileTooLarge(InvalidInput):
    """More bytes than allowed arrived."""

    code, status = "file_too_large", 413
    remedy = "Split the file, or raise 'documents.max_file_bytes'."


@dataclass(frozen=True, slots=True)
class StoredFile:
    sha256: str
    size_bytes: int


class FileStore:
    """A folder of immutable files, each named by the SHA-256 of its bytes. Writing the same bytes twice is no work.

    A file is kept as long as a row somewhere refers to it. Between the moment when bytes get their name and the moment
    when a row says so, nothing may be dropped: `keep` and `hold` span both, and `drop_unused` waits for them, also in
    another process that works on the same folder.
    """

    def __init__(self, folder: Path, used: Sequence[Used]) -> None:
        """`used`: everybody who may refer to a file. Whoever is left out loses theirs at the next sweep."""
        self._folder = folder
        self._used = tuple(used)
        self._lock_file = folder.with_name(f"{folder.name}.lock")
        self._turn = asyncio.Lock()

    def path(self, sha256: str) -> Path:
        """Where these bytes lie. The name comes from us, never from a user."""
        return self._folder / sha256[:2] / sha256[2:4] / sha256

    @asynccontextmanager
    async def _naming(self) -> AsyncIterator[None]:
        """One at a time among all tasks of all processes; the kernel ends it with the process."""
        async with self._turn:
            self._lock_file.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._lock_file, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                await asyncio.to_thread(fcntl.flock, handle, fcntl.LOCK_EX)
                yield
            finally:
                os.close(handle)

    @asynccontextmanager
    async def keep(self, chunks: AsyncIterable[bytes], *, max_bytes: int) -> AsyncIterator[StoredFile]:
        """Store a stream; inside the block the bytes are on disk, and the caller notes who refers to them.

        Raises:
            FileTooLarge: more than `max_bytes` came; nothing is kept.
            DiskFull: there is hardly any room left.
        """
        require_room(self._folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        digest, size = hashlib.sha256(), 0
        async with self._naming():  # so that nobody finds the file before it is held
            handle, temporary = _held_file(self._folder)
        try:
            with os.fdopen(handle, "wb") as out:  # held until the bytes have their name
                async for chunk in chunks:
                    size += len(chunk)
                    if size > max_bytes:
                        raise FileTooLarge(f"The file is larger than {max_bytes} bytes.")
                    digest.update(chunk)
                    await asyncio.to_thread(out.write, chunk)
                await asyncio.to_thread(_flush, out)
                async with self._naming():
                    await asyncio.to_thread(_settle, temporary, self.path(digest.hexdigest()))
                    yield StoredFile(digest.hexdigest(), size)
        finally:
            await asyncio.to_thread(temporary.unlink, missing_ok=True)

    @asynccontextmanager
    async def keep_bytes(self, data: bytes) -> AsyncIterator[StoredFile]:
        """`keep` for a value that is already in memory."""
        async with self.keep(_aiter(data), max_bytes=len(data)) as stored:
            yield stored

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Inside the block nothing is dropped: the caller looks at rows that refer to files, and adds others."""
        async with self._naming():
            yield

    async def read(self, sha256: str) -> bytes:
        """Raises FileNotFoundError."""
        return await asyncio.to_thread(self.path(sha256).read_bytes)

    async def chunks(self, sha256: str) -> AsyncIterator[bytes]:
        """The bytes, a megabyte at a time. Raises FileNotFoundError."""
        with await asyncio.to_thread(self.path(sha256).open, "rb") as file:
            while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
                yield chunk

    async def drop_unused(self, names: Collection[str]) -> int:
        """Remove those files that nobody refers to; fine when they are not there. Returns how many."""
        if not names:
            return 0
        async with self._naming():
            kept = {name for used in self._used for name in await used(names)}
            gone = [self.path(name) for name in names if name not in kept]
            await asyncio.to_thread(_unlink, gone)
        return len(gone)

    async def clean(self) -> int:
        """Remove what a crash left: half of an upload, and files that nobody came to refer to. Returns how many."""
        async with self._naming():
            dropped = await asyncio.to_thread(_drop_abandoned, self._folder)
        for part in await asyncio.to_thread(lambda: sorted(self._folder.glob("??"))):
            names = await asyncio.to_thread(_names_below, part)
            for start in range(0, len(names), ASKED_AT_ONCE):
                dropped += await self.drop_unused(names[start : start + ASKED_AT_ONCE])
        return dropped


def _held_file(folder: Path) -> tuple[int, Path]:
    """A new file for bytes that arrive, locked: the kernel lets go of it when the process dies, however it dies."""
    handle, name = tempfile.mkstemp(dir=folder, prefix=ARRIVING)
    fcntl.flock(handle, fcntl.LOCK_EX)
    return handle, Path(name)


def _drop_abandoned(folder: Path) -> int:
    """Remove halves of uploads that no living process holds. Returns how many."""
    dropped = 0
    for half in folder.glob(f"{ARRIVING}*"):
        with contextlib.suppress(FileNotFoundError, BlockingIOError), half.open("rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            half.unlink()
            dropped += 1
    return dropped


async def _aiter(data: bytes) -> AsyncIterable[bytes]:
    yield data


def _flush(out: BinaryIO) -> None:
    out.flush()
    os.fsync(out.fileno())


def _settle(temporary: Path, target: Path) -> None:
    """Give the finished file its name, in one step that survives a power cut."""
    _make_folder(target.parent)
    temporary.replace(target)
    _sync_folder(target.parent)


def _make_folder(folder: Path) -> None:
    """A folder whose own name survives a power cut as well."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _names_below(part: Path) -> list[str]:
    return [file.name for file in part.glob("??/*")]


def _unlink(files: Iterable[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)
