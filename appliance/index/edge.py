"""The embedded index: Qdrant's own engine inside this process, one shard per space.

All calls of a shard run on one thread of its own: the event loop never waits, and writes keep their order. One process
owns the folder; a second one is refused.

No HNSW graph is built by itself: search is exact, a few milliseconds inside one collection and some tens over 100,000
passages, while building the graph over as many blocks the shard for minutes (decision 0007). `optimize` builds it where
somebody wants that; beyond some hundred thousand passages a Qdrant server is the better home.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import qdrant_edge as qe

from appliance.index.errors import IndexLocked, SpaceMismatch
from appliance.index.port import Hit, PassagePoint, SearchScope
from appliance.index.spaces import (
    COLLECTION_KEY,
    DENSE,
    DOCUMENT_KEY,
    PREFETCH_COUNT,
    RRF_K,
    SPARSE,
    VERSION_KEY,
)
from appliance.index.sparse import document_vector, query_vector
from appliance.index.tokens import Tokenizer

T = TypeVar("T")


class EdgeIndex:
    """Implements `PassageIndex` on a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="index")
        self._tokenizer = Tokenizer()
        self._shards: dict[str, qe.EdgeShard] = {}

    async def ensure_space(self, space: str, dimension: int) -> None:
        """Create or open. Raises SpaceMismatch, IndexLocked."""
        await self._run(lambda: self._ensure(space, dimension))

    async def upsert(self, space: str, points: Sequence[PassagePoint]) -> None:
        """Write points. When this returns they are flushed to disk."""
        if points:
            await self._run(lambda: self._upsert(space, points))

    async def search(
        self, space: str, *, dense: Sequence[float], text: str, scope: SearchScope, limit: int
    ) -> list[Hit]:
        """One query: dense and sparse candidates under the same filter, fused by RRF."""
        if not scope.collection_ids:
            return []
        return await self._run(lambda: self._search(space, dense, text, scope, limit))

    async def delete_versions(self, space: str, version_ids: Sequence[UUID]) -> None:
        if version_ids:
            await self._run(lambda: self._delete(space, version_ids))

    async def count(self, space: str, version_id: UUID) -> int:
        return await self._run(lambda: self._count(space, version_id))

    async def optimize(self, space: str) -> None:
        """Build the graph now. Blocks searches of this index while it runs; see the module's notes."""
        await self._run(lambda: self._optimize(space))

    async def close(self) -> None:
        """Flush and let go of the folder."""
        await self._run(self._close)
        self._thread.shutdown()

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _ensure(self, space: str, dimension: int) -> qe.EdgeShard:
        shard = self._open(space)
        note = self._folder / space / "space.json"
        if shard is not None:
            known = json.loads(note.read_text())["dimension"]
            if known != dimension:
                raise SpaceMismatch(f"The space '{space}' has {known} dimensions, not {dimension}.")
            return shard
        path = self._folder / space / "shard"
        path.mkdir(parents=True, exist_ok=True)
        shard = qe.EdgeShard.create(str(path), _config(dimension))
        tenant = qe.KeywordIndexParams(is_tenant=True)
        shard.update(qe.UpdateOperation.create_field_index(COLLECTION_KEY, tenant))
        shard.update(qe.UpdateOperation.create_field_index(VERSION_KEY, qe.KeywordIndexParams()))
        shard.flush()
        note.write_text(json.dumps({"dimension": dimension}))  # last: a space without it is made anew
        self._shards[space] = shard
        return shard

    def _open(self, space: str) -> qe.EdgeShard | None:
        """The shard, loaded when it is on disk. None when there is no such space."""
        if space in self._shards:
            return self._shards[space]
        if not (self._folder / space / "space.json").exists():
            return None
        try:
            shard = qe.EdgeShard.load(str(self._folder / space / "shard"))
        except Exception as error:
            # the library raises plain Exception; a held lock is told apart by its words only
            if "WouldBlock" in str(error) or "lock" in str(error).lower():
                raise IndexLocked(f"The index in {self._folder} is open in another process.") from error
            raise
        self._shards[space] = shard
        return shard

    def _upsert(self, space: str, points: Sequence[PassagePoint]) -> None:
        shard = self._shards[space]
        shard.update(qe.UpdateOperation.upsert_points([self._point(p) for p in points]))
        shard.flush()

    def _point(self, point: PassagePoint) -> qe.Point:
        sparse = document_vector(self._tokenizer, point.text)
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
        terms = query_vector(self._tokenizer, text)
        if terms.indices:
            sparse = qe.SparseVector(list(terms.indices), list(terms.values))
            prefetches.append(
                qe.Prefetch(limit=PREFETCH_COUNT, query=qe.Query.Nearest(sparse, using=SPARSE), filter=inside)
            )
        request = qe.QueryRequest(
            limit=limit,
            query=qe.Fusion.Rrf(k=RRF_K),  # type: ignore[arg-type] # the stub does not make Rrf a Fusion
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
        shard.update(qe.UpdateOperation.delete_points_by_filter(qe.Filter(must=[match])))
        shard.flush()

    def _count(self, space: str, version_id: UUID) -> int:
        shard = self._open(space)
        if shard is None:
            return 0
        match = qe.FieldCondition(VERSION_KEY, match=qe.MatchValue(str(version_id)))
        return int(shard.count(qe.CountRequest(exact=True, filter=qe.Filter(must=[match]))))

    def _optimize(self, space: str) -> None:
        shard = self._open(space)
        if shard is not None:
            shard.optimize()

    def _close(self) -> None:
        for shard in self._shards.values():
            shard.flush()
            shard.close()
        self._shards.clear()


def _config(dimension: int) -> qe.EdgeConfig:
    return qe.EdgeConfig(
        vectors={DENSE: qe.EdgeVectorParams(size=dimension, distance=qe.Distance.Cosine)},
        sparse_vectors={SPARSE: qe.EdgeSparseVectorParams(modifier=qe.Modifier.Idf)},
    )


def _filter(scope: SearchScope) -> qe.Filter:
    inside = qe.FieldCondition(COLLECTION_KEY, match=qe.MatchAny(sorted(str(c) for c in scope.collection_ids)))
    if not scope.excluded_versions:
        return qe.Filter(must=[inside])
    dead = qe.FieldCondition(VERSION_KEY, match=qe.MatchAny(sorted(str(v) for v in scope.excluded_versions)))
    return qe.Filter(must=[inside], must_not=[dead])


def _hit(found: qe.ScoredPoint) -> Hit:
    payload = found.payload or {}
    return Hit(
        passage_id=UUID(str(found.id)),
        document_id=UUID(payload[DOCUMENT_KEY]),
        version_id=UUID(payload[VERSION_KEY]),
        score=float(found.score),
    )
