"""Files by their SHA-256."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance.storage import FileStore, FileTooLarge


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_bytes_are_kept_once_under_their_hash(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    first = await store.put(chunks(b"one", b"two"), max_bytes=100)
    second = await store.put_bytes(b"onetwo")
    assert first == second
    assert first.sha256 == hashlib.sha256(b"onetwo").hexdigest()
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == [first.sha256]
    assert await store.read(first.sha256) == b"onetwo"


async def test_too_much_is_refused_and_nothing_is_kept(tmp_path: Path) -> None:
    with pytest.raises(FileTooLarge):
        await FileStore(tmp_path).put(chunks(b"x" * 60, b"x" * 60), max_bytes=100)
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


async def test_deleting_twice_is_fine(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    kept = await store.put_bytes(b"x")
    await store.delete(kept.sha256)
    await store.delete(kept.sha256)
    with pytest.raises(FileNotFoundError):
        await store.read(kept.sha256)
