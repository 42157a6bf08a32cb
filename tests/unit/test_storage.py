"""Files by their SHA-256."""

import asyncio
import hashlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from pathlib import Path

import pytest

from appliance.storage import FileStore, FileTooLarge, StoredFile


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def kept_bytes(store: FileStore, data: bytes) -> StoredFile:
    async with store.keep_bytes(data) as stored:
        return stored


def refers_to(*files: StoredFile) -> Callable[[Collection[str]], Awaitable[set[str]]]:
    async def used(names: Collection[str]) -> set[str]:
        return {f.sha256 for f in files} & set(names)

    return used


async def test_bytes_are_kept_once_under_their_hash(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    async with store.keep(chunks(b"one", b"two"), max_bytes=100) as first:
        pass
    second = await kept_bytes(store, b"onetwo")
    assert first == second
    assert first.sha256 == hashlib.sha256(b"onetwo").hexdigest()
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == [first.sha256]
    assert await store.read(first.sha256) == b"onetwo"


async def test_too_much_is_refused_and_nothing_is_kept(tmp_path: Path) -> None:
    with pytest.raises(FileTooLarge):
        async with FileStore(tmp_path).keep(chunks(b"x" * 60, b"x" * 60), max_bytes=100):
            pass
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


async def test_only_what_nobody_refers_to_is_dropped(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    one, two = await kept_bytes(store, b"one"), await kept_bytes(store, b"two")
    assert await store.drop_unused([one.sha256, two.sha256], refers_to(one)) == 1
    assert await store.drop_unused([two.sha256], refers_to(one)) == 1  # again is fine
    assert await store.read(one.sha256) == b"one"
    with pytest.raises(FileNotFoundError):
        await store.read(two.sha256)


async def test_bytes_are_not_dropped_between_their_name_and_the_row_that_refers_to_them(tmp_path: Path) -> None:
    """Somebody deletes a document while somebody else uploads the same bytes."""
    store = FileStore(tmp_path)
    rows: set[str] = set()

    async def used(names: Collection[str]) -> set[str]:
        return rows & set(names)

    old = await kept_bytes(store, b"same")
    async with store.keep_bytes(b"same") as new:
        dropping = asyncio.create_task(store.drop_unused([old.sha256], used))
        for _ in range(20):
            await asyncio.sleep(0)  # as far as it gets
        rows.add(new.sha256)
    assert await dropping == 0
    assert await store.read(new.sha256) == b"same"


async def test_cleaning_takes_what_a_crash_left_and_nothing_else(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    assert await store.clean(refers_to()) == 0
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
    assert await store.clean(refers_to(kept)) == 2
    go_on.set()
    arrived = await uploading
    assert {p.name for p in tmp_path.rglob("*") if p.is_file()} == {kept.sha256, arrived.sha256}
    assert stray.sha256 not in {kept.sha256, arrived.sha256}


async def test_another_process_on_the_folder_waits_its_turn(tmp_path: Path) -> None:
    """A gateway that is naming bytes, and a worker that wants to drop the same ones."""
    gateway, worker = FileStore(tmp_path / "files"), FileStore(tmp_path / "files")
    referred: set[str] = set()

    async def used(_: Collection[str]) -> Collection[str]:
        return referred

    async with gateway.keep_bytes(b"just arrived") as stored:
        dropping = asyncio.create_task(worker.drop_unused([stored.sha256], used))
        await asyncio.wait({dropping}, timeout=0.2)
        assert not dropping.done()
        referred.add(stored.sha256)
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
    assert await FileStore(tmp_path).clean(refers_to()) == 0
    other.kill()
    await other.wait()
    assert await FileStore(tmp_path).clean(refers_to()) == 1
    assert list(tmp_path.iterdir()) == []
