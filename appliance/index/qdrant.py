"""A Qdrant server as the index, with the same meaning as the embedded one."""

from collections.abc import Awaitable, Sequence
from typing import TypeVar
from uuid import UUID

from qdrant_client import AsyncQdrantClient, models
from qdrant_client.http.exceptions import ApiException

from appliance.index.errors import IndexUnavailable, SpaceMismatch
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


class QdrantIndex:
    """Implements `PassageIndex` on a server; one of its collections per space."""

    def __init__(self, url: str, *, api_key: str, timeout_s: float) -> None:
        self._client = AsyncQdrantClient(
            url=url, api_key=api_key or None, timeout=max(1, round(timeout_s)), check_compatibility=False
        )
        self._tokenizer = Tokenizer()

    async def ensure_space(self, space: str, dimension: int) -> None:
        """Raises SpaceMismatch, IndexUnavailable."""
        if await _asked(self._client.collection_exists(space)):
            info = await _asked(self._client.get_collection(space))
            vectors = info.config.params.vectors
            known = vectors[DENSE].size if isinstance(vectors, dict) else None
            if known != dimension:
                raise SpaceMismatch(f"The space '{space}' has {known} dimensions, not {dimension}.")
            return
        await _asked(
            self._client.create_collection(
                space,
                vectors_config={DENSE: models.VectorParams(size=dimension, distance=models.Distance.COSINE)},
                sparse_vectors_config={SPARSE: models.SparseVectorParams(modifier=models.Modifier.IDF)},
            )
        )
        tenant = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
        await _asked(self._client.create_payload_index(space, COLLECTION_KEY, tenant, wait=True))
        await _asked(self._client.create_payload_index(space, VERSION_KEY, models.PayloadSchemaType.KEYWORD, wait=True))

    async def upsert(self, space: str, points: Sequence[PassagePoint]) -> None:
        if points:
            await _asked(self._client.upsert(space, [self._point(p) for p in points], wait=True))

    async def search(
        self, space: str, *, dense: Sequence[float], text: str, scope: SearchScope, limit: int
    ) -> list[Hit]:
        """One query: dense and sparse candidates under the same filter, fused by RRF on the server."""
        if scope.is_empty or not await _asked(self._client.collection_exists(space)):
            return []
        inside = _filter(scope)
        prefetch = [models.Prefetch(query=list(dense), using=DENSE, filter=inside, limit=PREFETCH_COUNT)]
        terms = query_vector(self._tokenizer, text)
        if terms.indices:
            sparse = models.SparseVector(indices=list(terms.indices), values=list(terms.values))
            prefetch.append(models.Prefetch(query=sparse, using=SPARSE, filter=inside, limit=PREFETCH_COUNT))
        found = await _asked(
            self._client.query_points(
                space,
                query=models.RrfQuery(rrf=models.Rrf(k=RRF_K, weights=list(RRF_WEIGHTS[: len(prefetch)]))),
                prefetch=prefetch,
                query_filter=inside,
                limit=limit,
                with_payload=[DOCUMENT_KEY, VERSION_KEY],
            )
        )
        return [_hit(point) for point in found.points]

    async def delete_versions(self, space: str, version_ids: Sequence[UUID]) -> None:
        if not version_ids or not await _asked(self._client.collection_exists(space)):
            return
        match = models.FieldCondition(key=VERSION_KEY, match=models.MatchAny(any=[str(v) for v in version_ids]))
        selector = models.FilterSelector(filter=models.Filter(must=[match]))
        await _asked(self._client.delete(space, selector, wait=True))

    async def count(self, space: str, version_id: UUID) -> int:
        if not await _asked(self._client.collection_exists(space)):
            return 0
        match = models.FieldCondition(key=VERSION_KEY, match=models.MatchValue(value=str(version_id)))
        return (await _asked(self._client.count(space, models.Filter(must=[match]), exact=True))).count

    async def check(self) -> None:
        """Raises IndexUnavailable."""
        await _asked(self._client.collection_exists("appliance"))

    async def close(self) -> None:
        await self._client.close()

    def _point(self, point: PassagePoint) -> models.PointStruct:
        sparse = document_vector(self._tokenizer, point.text)
        return models.PointStruct(
            id=str(point.passage_id),
            vector={
                DENSE: list(point.dense),
                SPARSE: models.SparseVector(indices=list(sparse.indices), values=list(sparse.values)),
            },
            payload={
                COLLECTION_KEY: str(point.collection_id),
                DOCUMENT_KEY: str(point.document_id),
                VERSION_KEY: str(point.version_id),
            },
        )


async def _asked(call: Awaitable[T]) -> T:
    """Wait for the server; whatever keeps it from answering is one error for the rooms above."""
    try:
        return await call
    except (ApiException, OSError) as error:
        raise IndexUnavailable("The document index does not answer.") from error


def _filter(scope: SearchScope) -> models.Filter:
    inside = [_one_of(COLLECTION_KEY, scope.collection_ids)]
    if scope.only_versions is not None:
        inside.append(_one_of(VERSION_KEY, scope.only_versions))
    if not scope.excluded_versions:
        return models.Filter(must=[*inside])
    return models.Filter(must=[*inside], must_not=[_one_of(VERSION_KEY, scope.excluded_versions)])


def _one_of(key: str, ids: frozenset[UUID]) -> models.FieldCondition:
    return models.FieldCondition(key=key, match=models.MatchAny(any=sorted(str(i) for i in ids)))


def _hit(point: models.ScoredPoint) -> Hit:
    payload = point.payload or {}
    return Hit(
        passage_id=UUID(str(point.id)),
        document_id=UUID(payload[DOCUMENT_KEY]),
        version_id=UUID(payload[VERSION_KEY]),
        score=point.score,
    )
