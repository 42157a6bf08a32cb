"""Search in vector stores: for the endpoint, and for whoever else searches on a caller's behalf."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from appliance.identity import Principal
from appliance.library import AttributeFilter, AttributeValue, Members, Passage
from appliance.openai_api.ids import public_id
from appliance.openai_api.vector_stores.service import VectorStores
from appliance.retrieval import Retrieval


@dataclass(frozen=True, slots=True)
class SearchAsk:
    queries: tuple[str, ...]
    """Several are asked one by one; a passage counts with its best score."""
    limit: int
    """Most results, 1 to 50."""
    where: AttributeFilter | None = None
    """Looks only into files whose attributes fulfil it."""
    threshold: float = 0.0
    """Results below this score are left out."""


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One passage of one file."""

    file_id: str
    """As `/v1/vector_stores/{id}/files` names it."""
    score: float
    """0 to 1: the passage's ranks in the dense and the sparse list, fused; comparable within one search only."""
    attributes: dict[str, AttributeValue]
    passage: Passage


class VectorStoreSearch:
    def __init__(self, stores: VectorStores, retrieval: Retrieval, members: Members) -> None:
        self._stores = stores
        self._retrieval = retrieval
        self._members = members

    async def search(self, caller: Principal, store_ids: Sequence[str], ask: SearchAsk) -> list[SearchHit]:
        """Best first.

        Raises:
            NoSuchStore: a store is not there, or not for the caller.
            StoreExpired: a store has expired.
            EngineUnavailable, IndexUnavailable: as `Retrieval.search`.
        """
        collection_ids = await self._stores.usable(caller, store_ids)
        best: dict[UUID, tuple[float, Passage]] = {}
        for query in ask.queries:
            found = await self._retrieval.search(
                caller.scope(), query, collection_ids=collection_ids, limit=ask.limit, where=ask.where
            )
            for ranked in found.passages:
                score = min(1.0, ranked.score)
                if score >= max(ask.threshold, best.get(ranked.passage.id, (0.0,))[0]):
                    best[ranked.passage.id] = (score, ranked.passage)
        order = sorted(best.values(), key=lambda pair: pair[0], reverse=True)[: ask.limit]
        return await self._hits(order)

    async def _hits(self, found: Sequence[tuple[float, Passage]]) -> list[SearchHit]:
        document_ids = list({passage.document_id for _, passage in found})
        keys = await self._members.keys(document_ids)
        attributes = await self._members.attributes(document_ids)
        return [
            SearchHit(
                file_id=public_id("file", keys.get(passage.document_id, passage.document_id)),
                score=score,
                attributes=attributes.get(passage.document_id, {}),
                passage=passage,
            )
            for score, passage in found
        ]
