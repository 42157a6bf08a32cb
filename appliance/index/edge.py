"""The embedded index: Qdrant's own engine inside this process, one shard per space.

All writes run on one thread, so that they keep their order, and all reads on another: the event loop never waits, and a
search waits for no disk. One process owns the folder; a second one is refused.

A write is durable once it is in the shard's log and the log's files are synced: loading a shard replays what was not
flushed. Syncing the log costs a tenth of `flush`, which syncs every file of every segment; so that runs now and then
only, to keep the replay short.

No HNSW graph is built by itself: search is exact, a few milliseconds inside one collection and some tens over 100,000
passages, while building the graph over as many blocks the shard for minutes (decision 0007). `optimize` builds it where
somebody wants that; beyond some hundred thousand passages a Qdrant server is the better home.
"""

import asyncio
import fcntl
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import qdrant_edge as qe

from appliance.foundation import require_room
from appliance.index.errors import IndexLocked, SpaceMismatch
from appliance.index.port import Hit, PassagePoint, SearchScope
from appliance.index.spaces import (
    COLLECTION_KEY,
    DENSE,
    DOCUMENT_KEY,
    PREFETCH_COUNT,
    RRF_K,
    RRF_WEIGHTS,
    SPARSE,
    VERSION_KEY,
)
from appliance.index.sparse import document_vector, query_vector
from appliance.index.tokens import Tokenizer

T = TypeVar("T")

FLUSH_AFTER = 5000
"""Points written before the segments are flushed: an upper bound of what a start after a crash replays (a second)."""

SYNC_TRIES = 3


class EdgeIndex:
    """Implements `PassageIndex` on a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="index-write")
        self._reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="index-read")
        self._passage_words, self._question_words = Tokenizer(), Tokenizer()  # of the writer, of the reader
        self._shards: dict[str, qe.EdgeShard] = {}
        self._lock_file = folder.with_name(f"{folder.name}.lock")
        self._opening = threading.Lock()  # both threads may be the first to want a space
        self._unflushed: dict[str, int] = {}

    async def ensure_space(self, space: str, dimension: int) -> None:
        """Create or open. Raises SpaceMismatch, IndexLocked."""
        await _on(self._writer, lambda: self._ensure(space, dimension))

    async def upsert(self, space: str, points: Sequence[PassagePoint]) -> None:
        """Write points. When this returns they are on disk, in the log at least. Raises DiskFull."""
        if points:
            await _on(self._writer, lambda: self._upsert(space, points))

    async def search(
        self, space: str, *, dense: Sequence[float], text: str, scope: SearchScope, limit: int
    ) -> list[Hit]:
        """One query: dense and sparse candidates under the same filter, fused by RRF."""
        if scope.is_empty:
            return []
        return await _on(self._reader, lambda: self._search(space, dense, text, scope, limit))

    async def delete_versions(self, space: str, version_ids: Sequence[UUID]) -> None:
        if version_ids:
            await _on(self._writer, lambda: self._delete(space, version_ids))

    async def count(self, space: str, version_id: UUID) -> int:
        return await _on(self._reader, lambda: self._count(space, version_id))

    async def check(self) -> None:
        """Nothing to ask: it is in this process. Returns once the reading thread is free."""
        await _on(self._reader, lambda: None)

    async def optimize(self, space: str) -> None:
        """Build the graph now. Writes wait for it; see the module's notes."""
        await _on(self._writer, lambda: self._optimize(space))

    async def close(self) -> None:
        """Flush and let go of the folder."""
        await asyncio.to_thread(self._reader.shutdown)
        await _on(self._writer, self._close)
        self._writer.shutdown()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """While somebody copies the folder, as a backup does, nothing in it changes."""
        self._lock_file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._lock_file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_SH)
            yield
        finally:
            os.close(handle)

    def _ensure(self, space: str, dimension: int) -> None:
        with self._opening, self._writing():
            self._ensure_held(space, dimension)

    def _ensure_held(self, space: str, dimension: int) -> None:
        shard = self._open_held(space)
        note = self._folder / space / "space.json"
        if shard is not None:
            known = json.loads(note.read_text())["dimension"]
            if known != dimension:
                raise SpaceMismatch(f"The space '{space}' has {known} dimensions, not {dimension}.")
            return
        path = self._folder / space / "shard"
        if path.exists():
            shutil.rmtree(path)  # half made when a crash came; the engine would refuse to create over it for ever
        require_room(self._folder)
        path.mkdir(parents=True)
        shard = qe.EdgeShard.create(str(path), _config(dimension))
        tenant = qe.KeywordIndexParams(is_tenant=True)
        shard.update(qe.UpdateOperation.create_field_index(COLLECTION_KEY, tenant))
        shard.update(qe.UpdateOperation.create_field_index(VERSION_KEY, qe.KeywordIndexParams()))
        shard.flush()
        draft = note.with_suffix(".new")
        draft.write_text(json.dumps({"dimension": dimension}))
        _sync(draft)
        draft.replace(note)  # last, and whole or not at all: a space without it is made anew
        for folder in (path, note.parent, self._folder):
            _sync(folder)
        self._shards[space] = shard

    def _open(self, space: str) -> qe.EdgeShard | None:
        """The shard, loaded when it is on disk. None when there is no such space."""
        with self._opening:
            return self._open_held(space)

    def _open_held(self, space: str) -> qe.EdgeShard | None:
        if space in self._shards:
            return self._shards[space]
        if not (self._folder / space / "space.json").exists():
            return None
        try:
            with self._writing():  # what was not flushed is replayed
                shard = qe.EdgeShard.load(str(self._folder / space / "shard"))
        except Exception as error:
            # the library raises plain Exception; a held lock is told apart by its words only
            if "WouldBlock" in str(error) or "lock" in str(error).lower():
                raise IndexLocked(f"The index in {self._folder} is open in another process.") from error
            raise
        self._shards[space] = shard
        return shard

    def _upsert(self, space: str, points: Sequence[PassagePoint]) -> None:
        require_room(self._folder)
        made = [self._point(point) for point in points]
        with self._writing():
            self._shards[space].update(qe.UpdateOperation.upsert_points(made))
            self._settle(space, len(points))

    def _settle(self, space: str, written: int) -> None:
        """Make what was written durable."""
        unflushed = self._unflushed.get(space, 0) + written
        if unflushed >= FLUSH_AFTER or not _sync_log(self._folder / space / "shard"):
            self._shards[space].flush()
            unflushed = 0
        self._unflushed[space] = unflushed

    def _point(self, point: PassagePoint) -> qe.Point:
        sparse = document_vector(self._passage_words, point.text)
        return qe.Point(
            id=point.passage_id,
            vector={
                DENSE: list(point.dense),
                SPARSE: qe.SparseVector(list(sparse.indices), list(sparse.values)),
            },
            payload={
                COLLECTION_KEY: str(point.collection_id),
                DOCUMENT_KEY: str(point.document_id),
                VERSION_KEY: str(point.version_id),
            },
        )

    def _search(self, space: str, dense: Sequence[float], text: str, scope: SearchScope, limit: int) -> list[Hit]:
        shard = self._open(space)
        if shard is None:
            return []
        inside = _filter(scope)
        prefetches = [
            qe.Prefetch(limit=PREFETCH_COUNT, query=qe.Query.Nearest(list(dense), using=DENSE), filter=inside)
        ]
        terms = query_vector(self._question_words, text)
        if terms.indices:
            sparse = qe.SparseVector(list(terms.indices), list(terms.values))
            prefetches.append(
                qe.Prefetch(limit=PREFETCH_COUNT, query=qe.Query.Nearest(sparse, using=SPARSE), filter=inside)
            )
        request = qe.QueryRequest(
            limit=limit,
            query=qe.Fusion.Rrf(k=RRF_K, weights=list(RRF_WEIGHTS[: len(prefetches)])),  # type: ignore[arg-type] # the stub does not make Rrf a Fusion
            prefetches=prefetches,
            filter=inside,
            with_payload=[DOCUMENT_KEY, VERSION_KEY],
        )
        return [_hit(found) for found in shard.query(request)]

    def _delete(self, space: str, version_ids: Sequence[UUID]) -> None:
        shard = self._open(space)
        if shard is None:
            return
        match = qe.FieldCondition(VERSION_KEY, match=qe.MatchAny([str(v) for v in version_ids]))
        with self._writing():
            shard.update(qe.UpdateOperation.delete_points_by_filter(qe.Filter(must=[match])))
            self._settle(space, len(version_ids))

    def _count(self, space: str, version_id: UUID) -> int:
        shard = self._open(space)
        if shard is None:
            return 0
        match = qe.FieldCondition(VERSION_KEY, match=qe.MatchValue(str(version_id)))
        return int(shard.count(qe.CountRequest(exact=True, filter=qe.Filter(must=[match]))))

    def _optimize(self, space: str) -> None:
        shard = self._open(space)
        if shard is not None:
            with self._writing():
                shard.optimize()

    def _close(self) -> None:
        with self._writing():
            for shard in self._shards.values():
                shard.flush()
                shard.close()
        self._shards.clear()
        self._unflushed.clear()


async def _on(thread: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(thread, work)


def _config(dimension: int) -> qe.EdgeConfig:
    return qe.EdgeConfig(
        vectors={DENSE: qe.EdgeVectorParams(size=dimension, distance=qe.Distance.Cosine)},
        sparse_vectors={SPARSE: qe.EdgeSparseVectorParams(modifier=qe.Modifier.Idf)},
    )


def _sync_log(shard: Path) -> bool:
    """Sync the files of the shard's log. False when that cannot be said for sure of all of them."""
    log = shard / "wal"
    try:
        for name in os.listdir(log):  # noqa: PTH208 - runs for every write; a path object for each name takes longer
            _sync(f"{log}/{name}", os.fdatasync)
        _sync(log)  # a new part of the log has a name to keep
    except FileNotFoundError:
        return False  # the engine gave a part of its log another name meanwhile, or keeps it elsewhere
    return True


def _sync(path: Path | str, how: Callable[[int], None] = os.fsync) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        how(handle)
    finally:
        os.close(handle)


def _filter(scope: SearchScope) -> qe.Filter:
    inside = [_one_of(COLLECTION_KEY, scope.collection_ids)]
    if scope.only_versions is not None:
        inside.append(_one_of(VERSION_KEY, scope.only_versions))
    if not scope.excluded_versions:
        return qe.Filter(must=[*inside])
    return qe.Filter(must=[*inside], must_not=[_one_of(VERSION_KEY, scope.excluded_versions)])


def _one_of(key: str, ids: frozenset[UUID]) -> qe.FieldCondition:
    return qe.FieldCondition(key, match=qe.MatchAny(sorted(str(i) for i in ids)))


def _hit(found: qe.ScoredPoint) -> Hit:
    payload = found.payload or {}
    return Hit(
        passage_id=found.id if isinstance(found.id, UUID) else UUID(str(found.id)),
        document_id=_id(payload[DOCUMENT_KEY]),
        version_id=_id(payload[VERSION_KEY]),
        score=found.score,
    )


@lru_cache(maxsize=20_000)
def _id(text: str) -> UUID:
    """Hits of one search share documents, and reading an id takes longer than finding it again."""
    return UUID(text)
