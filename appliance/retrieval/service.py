"""From a question and a scope to ranked passages."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from appliance.foundation import rests_on, traced
from appliance.identity import AccessScope
from appliance.index import Hit, PassageIndex, SearchScope, space_name
from appliance.inference import Embedder
from appliance.library import AttributeFilter, Passage, ReadableCollection
from appliance.retrieval.port import ShelfPort

SPARE = 1.5
"""Ask the index for more than needed: the database may drop a hit that changed a moment ago."""

RRF_K = 2


@dataclass(frozen=True, slots=True)
class RankedPassage:
    passage: Passage
    score: float
    """Fused rank score; comparable only within one search."""


@dataclass(frozen=True, slots=True)
class Found:
    passages: tuple[RankedPassage, ...]
    searched: tuple[ReadableCollection, ...]


class Retrieval:
    """scope → readable collections → hybrid search inside them → second check in the database."""

    def __init__(self, shelf: ShelfPort, index: PassageIndex, embedder: Embedder) -> None:
        self._shelf = shelf
        self._index = index
        self._embedder = embedder

    async def search(
        self,
        scope: AccessScope,
        query: str,
        *,
        collection_ids: Sequence[UUID] | None,
        limit: int,
        where: AttributeFilter | None = None,
    ) -> Found:
        """Find the passages nearest to a question.

        Args:
            scope: The caller's; with an empty one nothing is found and nothing is asked.
            query: The question as typed.
            collection_ids: Search only these, as far as the scope may read them; None searches all it may read.
            limit: Most passages to return.
            where: Look only into documents whose attributes fulfil this; it becomes part of the index's query.

        Returns:
            Best first. `searched` names what was looked at, also when nothing was found.

        Raises:
            EngineUnavailable: the embedding engine is not ready.
            IndexUnavailable: the index did not answer.
            RightsLost: the scope is older than a change that made it smaller.
        """
        with traced("retrieval"):
            readable = await self._shelf.readable(scope, collection_ids)
            if not readable or not query.strip():
                return Found((), tuple(readable))
            excluded = await self._shelf.excluded_versions()
            only = None
            if where is not None:
                only = await self._shelf.matching_versions(scope, [c.id for c in readable], where)
            lists = [
                await self._search_space(collections, query, _inside(collections, excluded, only), limit)
                for collections in _by_space(readable)
            ]
            hits = lists[0] if len(lists) == 1 else fuse(lists)
            scores = {hit.passage_id: hit.score for hit in hits}
            passages = await self._shelf.load(scope, [hit.passage_id for hit in hits])
            ranked = [RankedPassage(p, scores[p.id]) for p in passages][:limit]
            rests_on({r.passage.collection_id for r in ranked})
            return Found(tuple(ranked), tuple(readable))

    async def _search_space(
        self, collections: Sequence[ReadableCollection], query: str, inside: SearchScope, limit: int
    ) -> list[Hit]:
        profile = collections[0].profile
        if inside.is_empty:
            return []
        with traced("embed"):
            vector = await self._embedder.embed_query(profile, query)
        space = space_name(profile.model_id, profile.dimension)
        return await self._index.search(
            space, dense=vector, text=query, scope=inside, limit=min(100, round(limit * SPARE) + 2)
        )


def fuse(lists: Sequence[Sequence[Hit]]) -> list[Hit]:
    """Reciprocal rank fusion over spaces: scores of two spaces cannot be compared, their ranks can."""
    totals: dict[UUID, float] = {}
    by_id: dict[UUID, Hit] = {}
    for hits in lists:
        for rank, hit in enumerate(hits):
            totals[hit.passage_id] = totals.get(hit.passage_id, 0.0) + 1.0 / (RRF_K + rank)
            by_id[hit.passage_id] = hit
    order = sorted(totals, key=lambda i: totals[i], reverse=True)
    return [Hit(i, by_id[i].document_id, by_id[i].version_id, totals[i]) for i in order]


def _inside(
    collections: Sequence[ReadableCollection], excluded: frozenset[UUID], only: frozenset[UUID] | None
) -> SearchScope:
    return SearchScope(frozenset(c.id for c in collections), excluded, only)


def _by_space(readable: Sequence[ReadableCollection]) -> list[list[ReadableCollection]]:
    """One search per embedding model; prefixes belong to the space as well."""
    spaces: dict[str, list[ReadableCollection]] = {}
    for collection in readable:
        spaces.setdefault(space_name(collection.profile.model_id, collection.profile.dimension), []).append(collection)
    return list(spaces.values())
