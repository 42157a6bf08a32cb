"""File search: the caller's vector stores, looked into before the model writes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from appliance.answers import supports
from appliance.foundation import new_id
from appliance.identity import AccessScope
from appliance.library import Passage
from appliance.openai_api.responses.errors import PreviousResponseNotFound, ResponseNotFound, VectorStoreNotFound
from appliance.openai_api.responses.ids import STORE_MARK, read_name
from appliance.openai_api.responses.items import FileAnnotation, FileSearchItem, Note, SearchResult
from appliance.openai_api.responses.wire import FileSearchTool
from appliance.retrieval import RankedPassage, Retrieval, ShelfPort

QUERY_CHARACTERS = 2000
"""Longer questions are searched by their beginning."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What a search found, best first."""

    query: str
    passages: tuple[RankedPassage, ...] = field(repr=False)
    with_results: bool

    def item(self, given: Sequence[RankedPassage]) -> FileSearchItem:
        """The output item, with the passages that the model was given."""
        results = [_result(r) for r in given] if self.with_results else None
        return FileSearchItem(f"fs_{new_id().hex}", [self.query], "completed", results)


class FileSearch:
    """Searches with the caller's scope; a store that they may not read is not there."""

    def __init__(self, retrieval: Retrieval, shelf: ShelfPort) -> None:
        self._retrieval = retrieval
        self._shelf = shelf

    async def look(self, scope: AccessScope, tool: FileSearchTool, question: str, *, with_results: bool) -> Looked:
        """Raises VectorStoreNotFound, EngineUnavailable, IndexUnavailable."""
        wanted = [self._collection(name) for name in tool.vector_store_ids]
        query = " ".join(question[:QUERY_CHARACTERS].split())
        found = await self._retrieval.search(scope, query, collection_ids=wanted, limit=tool.max_num_results)
        readable = {c.id for c in found.searched}
        for name, key in zip(tool.vector_store_ids, wanted, strict=True):
            if key not in readable:
                raise VectorStoreNotFound(f"There is no vector store '{name}'.")
        return Looked(query, found.passages, with_results)

    async def check_previous(self, scope: AccessScope, collection_ids: Sequence[UUID]) -> None:
        """A conversation that rests on collections goes on only while all of them may be read.

        Raises:
            PreviousResponseNotFound: as if it were not there.
        """
        if not await self._may_read(scope, collection_ids):
            raise PreviousResponseNotFound("The previous response, or one before it, is not there.")

    async def check_response(self, scope: AccessScope, collection_ids: Sequence[UUID]) -> None:
        """The same for reading a stored response. Raises ResponseNotFound."""
        if not await self._may_read(scope, collection_ids):
            raise ResponseNotFound("There is no such response.")

    async def _may_read(self, scope: AccessScope, collection_ids: Sequence[UUID]) -> bool:
        if not collection_ids:
            return True
        readable = {c.id for c in await self._shelf.readable(scope, collection_ids)}
        return set(collection_ids) <= readable

    @staticmethod
    def _collection(name: str) -> UUID:
        key = read_name(name, STORE_MARK)
        if key is None:
            raise VectorStoreNotFound(f"There is no vector store '{name}'.")
        return key


def citations(text: str, passages: Sequence[Passage]) -> list[Note]:
    """File citations of what supports the text, and of nothing else."""
    return [
        FileAnnotation(
            file_id=file_name(s.passage),
            filename=s.passage.document_name,
            index=s.end,
            page=s.passage.page,
            quote=s.quote,
        )
        for s in supports(text, passages)
    ]


def file_name(passage: Passage) -> str:
    return f"file-{passage.document_id.hex}"


def _result(ranked: RankedPassage) -> SearchResult:
    passage = ranked.passage
    return SearchResult(file_name(passage), passage.document_name, ranked.score, passage.text)
