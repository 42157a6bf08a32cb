"""Files by their SHA-256."""

import asyncio
import hashlib
import sys
from collections.abc import AsyncIterator, Collection
from pathlib import Path

import pytest

from appliance.storage import FileStore, FileTooLarge, StoredFile


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def kept_bytes(store: FileStore, data: bytes) -> StoredFile:
    async with store.keep_bytes(data) as stored:
        return stored


class Rows(set[str]):
    """A table that refers to files by their hash."""

    def refer_to(self, file: StoredFile) -> None:
        self.add(file.sha256)

    async def used(self, names: Collection[str]) -> set[str]:
        return self & set(names)


def store_in(folder: Path, *tables: Rows) -> FileStore:
    return FileStore(folder, [table.used for table in tables])


async def test_bytes_are_kept_once_under_their_hash(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    async with store.keep(chunks(b"one", b"two"), max_bytes=100) as first:
        pass
    second = await kept_bytes(store, b"onetwo")
    assert first == second
    assert first.sha256 == hashlib.sha256(b"onetwo").hexdigest()
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == [first.sha256]
    assert await store.read(first.sha256) == b"onetwo"


async def test_too_much_is_refused_and_nothing_is_kept(tmp_path: Path) -> None:
    with pytest.raises(FileTooLarge):
        async with store_in(tmp_path).keep(chunks(b"x" * 60, b"x" * 60), max_bytes=100):
            pass
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


async def test_only_what_nobody_refers_to_is_dropped(tmp_path: Path) -> None:
    documents, uploads = Rows(), Rows()
    store = store_in(tmp_path, documents, uploads)
    one, two, three = [await kept_bytes(store, data) for data in (b"one", b"two", b"three")]
    documents.refer_to(one)
    uploads.refer_to(three)
    assert await store.drop_unused([one.sha256, two.sha256, three.sha256]) == 1
    assert await store.drop_unused([two.sha256]) == 1  # again is fine
    assert await store.read(one.sha256) == b"one"
    assert b"".join([part async for part in store.chunks(three.sha256)]) == b"three"
    with pytest.raises(FileNotFoundError):
        await store.read(two.sha256)


async def test_bytes_are_not_dropped_between_their_name_and_the_row_that_refers_to_them(tmp_path: Path) -> None:
    """Somebody deletes a document while somebody else uploads the same bytes."""
    rows = Rows()
    store = store_in(tmp_path, rows)
    old = await kept_bytes(store, b"same")
    async with store.keep_bytes(b"same") as new:
        dropping = asyncio.create_task(store.drop_unused([old.sha256]))
        for _ in range(20):
            await asyncio.sleep(0)  # as far as it gets
        rows.refer_to(new)
    assert await dropping == 0
    assert await store.read(new.sha256) == b"same"


async def test_cleaning_takes_what_a_crash_left_and_nothing_else(tmp_path: Path) -> None:
    rows = Rows()
    store = store_in(tmp_path, rows)
    assert await store.clean() == 0
    kept, stray = await kept_bytes(store, b"kept"), await kept_bytes(store, b"stray")
    (tmp_path / "incoming-dead").write_bytes(b"half of an upl")
    arriving, go_on = asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b"arriv"
        arriving.set()
        await go_on.wait()
        yield b"ing"

    async def upload() -> StoredFile:
        async with store.keep(slowly(), max_bytes=100) as stored:
            return stored

    uploading = asyncio.create_task(upload())
    await arriving.wait()
    rows.refer_to(kept)
    assert await store.clean() == 2
    go_on.set()
    arrived = await uploading
    assert {p.name for p in tmp_path.rglob("*") if p.is_file()} == {kept.sha256, arrived.sha256}
    assert stray.sha256 not in {kept.sha256, arrived.sha256}


async def test_another_process_on_the_folder_waits_its_turn(tmp_path: Path) -> None:
    """A gateway that is naming bytes, and a worker that wants to drop the same ones."""
    rows = Rows()
    gateway, worker = store_in(tmp_path / "files", rows), store_in(tmp_path / "files", rows)
    async with gateway.keep_bytes(b"just arrived") as stored:
        dropping = asyncio.create_task(worker.drop_unused([stored.sha256]))
        await asyncio.wait({dropping}, timeout=0.2)
        assert not dropping.done()
        rows.refer_to(stored)
    assert await dropping == 0
    assert await worker.read(stored.sha256) == b"just arrived"


async def test_an_upload_of_another_process_is_no_leftover_until_that_process_is_killed(tmp_path: Path) -> None:
    writes = (
        "import sys, pathlib\n"
        "from appliance.storage.files import _held_file\n"
        "handle, _ = _held_file(pathlib.Path(sys.argv[1]))\n"
        "print('holds', flush=True)\n"
        "sys.stdin.read()\n"
    )
    pipe = asyncio.subprocess.PIPE
    other = await asyncio.create_subprocess_exec(sys.executable, "-c", writes, str(tmp_path), stdin=pipe, stdout=pipe)
    assert other.stdout is not None
    assert await other.stdout.readline() == b"holds\n"
    assert await store_in(tmp_path).clean() == 0
    other.kill()
    await other.wait()
    assert await store_in(tmp_path).clean() == 1
    assert list(tmp_path.iterdir()) == []
