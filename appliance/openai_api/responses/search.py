"""File search: the caller's vector stores, looked into before the model writes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from appliance.answers import supports
from appliance.foundation import new_id, rests_on
from appliance.identity import AccessScope, Principal
from appliance.openai_api.responses.errors import PreviousResponseNotFound, ResponseNotFound
from appliance.openai_api.responses.items import FileAnnotation, FileSearchItem, Note, SearchResult
from appliance.openai_api.responses.wire import FileSearchTool
from appliance.openai_api.vector_stores.filters import read_filter
from appliance.openai_api.vector_stores.search import SearchAsk, SearchHit, VectorStoreSearch
from appliance.retrieval import ShelfPort

GONE = "The previous response, or one before it, is not there."
QUERY_CHARACTERS = 2000
"""Longer questions are searched by their beginning."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What a search found, best first."""

    query: str
    hits: Sequence[SearchHit] = field(repr=False)
    with_results: bool

    def item(self, given: Sequence[SearchHit]) -> FileSearchItem:
        """The output item, with the passages that the model was given."""
        results = [_result(hit) for hit in given] if self.with_results else None
        return FileSearchItem(f"fs_{new_id().hex}", [self.query], "completed", results)


class FileSearch:
    """Searches with the caller's scope; a store that they may not read is not there."""

    def __init__(self, stores: VectorStoreSearch, shelf: ShelfPort) -> None:
        self._stores = stores
        self._shelf = shelf

    async def look(self, caller: Principal, tool: FileSearchTool, question: str, *, with_results: bool) -> Looked:
        """Raises BadFilter, NoSuchStore, StoreExpired, EngineUnavailable, IndexUnavailable."""
        query = " ".join(question[:QUERY_CHARACTERS].split())
        ask = SearchAsk(
            queries=(query,),
            limit=tool.max_num_results,
            where=read_filter(tool.filters) if tool.filters else None,
            threshold=(tool.ranking_options.score_threshold if tool.ranking_options else None) or 0.0,
        )
        return Looked(query, await self._stores.search(caller, tool.vector_store_ids, ask), with_results)

    async def check_previous(self, scope: AccessScope, collection_ids: Sequence[UUID]) -> None:
        """A conversation that rests on collections goes on only while all of them may be read.

        Raises:
            PreviousResponseNotFound: as if it were not there.
        """
        if not await self._may_read(scope, collection_ids):
            raise PreviousResponseNotFound(GONE, param="previous_response_id")
        rests_on(collection_ids)

    async def check_response(self, scope: AccessScope, collection_ids: Sequence[UUID]) -> None:
        """The same for reading a stored response. Raises ResponseNotFound."""
        if not await self._may_read(scope, collection_ids):
            raise ResponseNotFound("There is no such response.")

    async def _may_read(self, scope: AccessScope, collection_ids: Sequence[UUID]) -> bool:
        if not collection_ids:
            return True
        readable = {c.id for c in await self._shelf.readable(scope, collection_ids)}
        return set(collection_ids) <= readable


def citations(text: str, given: Sequence[SearchHit]) -> list[Note]:
    """File citations of what supports the text, and of nothing else."""
    files = {hit.passage.id: hit.file_id for hit in given}
    return [
        FileAnnotation(
            file_id=files[s.passage.id],
            filename=s.passage.document_name,
            index=s.end,
            page=s.passage.page,
            quote=s.quote,
        )
        for s in supports(text, [hit.passage for hit in given])
    ]


def _result(hit: SearchHit) -> SearchResult:
    return SearchResult(hit.file_id, hit.passage.document_name, hit.score, hit.passage.text, hit.attributes)
