"""`/v1/vector_stores`: stores and search."""

from typing import Annotated, Any

from litestar import Controller, Request, delete, get, post
from litestar.params import Parameter

from appliance.audit import Audit
from appliance.identity import Permission, Principal, requires
from appliance.openai_api.misfits import names_fields
from appliance.openai_api.pages import Listed, Order, listed, page_ask
from appliance.openai_api.vector_stores.files import VectorStoreFiles
from appliance.openai_api.vector_stores.filters import read_filter
from appliance.openai_api.vector_stores.search import SearchAsk, SearchHit, VectorStoreSearch
from appliance.openai_api.vector_stores.service import VectorStores
from appliance.openai_api.vector_stores.wire import (
    RankingOptions,
    SearchPage,
    SearchRequest,
    SearchResult,
    StoreCreate,
    StoreDeleted,
    StoreUpdate,
    TextContent,
    VectorStore,
)
from appliance.retrieval import searched

Call = Request[Principal, Any, Any]
RESULTS = 10
Limit = Annotated[int, Parameter(ge=1, le=100)]


class VectorStoresController(Controller):
    path = "/v1/vector_stores"
    guards = [requires(Permission.COLLECTIONS_READ)]  # noqa: RUF012 - the framework's declaration style
    exception_handlers = names_fields()

    @post(guards=[requires(Permission.COLLECTIONS_MANAGE)], status_code=200)
    async def create(
        self, request: Call, data: StoreCreate, vector_stores: VectorStores, store_files: VectorStoreFiles
    ) -> VectorStore:
        file_ids = data.file_ids or []
        await store_files.known(request.user, file_ids)  # before anything is made
        made = await vector_stores.create(request.user, data)
        if not file_ids:
            return made
        key = await vector_stores.readable(request.user, made.id)
        await store_files.attach(request.user, key, dict.fromkeys(file_ids, None))
        return await vector_stores.show(request.user, key)

    @get()
    async def list(
        self,
        request: Call,
        vector_stores: VectorStores,
        limit: Limit = 20,
        order: Order = "desc",
        after: str | None = None,
        before: str | None = None,
    ) -> Listed[VectorStore]:
        ask = page_ask("vs", limit=limit, order=order, after=after, before=before)
        return listed(await vector_stores.page(request.user, ask), lambda store: store, lambda shown: shown.id)

    @get("/{store_id:str}")
    async def one(self, request: Call, store_id: str, vector_stores: VectorStores) -> VectorStore:
        return await vector_stores.show(request.user, await vector_stores.readable(request.user, store_id))

    @post("/{store_id:str}", guards=[requires(Permission.COLLECTIONS_MANAGE)], status_code=200)
    async def change(self, request: Call, store_id: str, data: StoreUpdate, vector_stores: VectorStores) -> VectorStore:
        return await vector_stores.change(request.user, store_id, data)

    @delete("/{store_id:str}", guards=[requires(Permission.COLLECTIONS_MANAGE)], status_code=200)
    async def remove(self, request: Call, store_id: str, vector_stores: VectorStores) -> StoreDeleted:
        await vector_stores.delete(request.user, store_id)
        return StoreDeleted(store_id)

    @post("/{store_id:str}/search", status_code=200)
    async def search(
        self, request: Call, store_id: str, data: SearchRequest, store_search: VectorStoreSearch, audit: Audit
    ) -> SearchPage:
        queries = [data.query] if isinstance(data.query, str) else data.query
        ranking = data.ranking_options or RankingOptions()
        ask = SearchAsk(
            queries=tuple(queries),
            limit=data.max_num_results or RESULTS,
            where=None if data.filters is None else read_filter(data.filters),
            threshold=ranking.score_threshold or 0.0,
        )
        found = await store_search.search(request.user, [store_id], ask)
        await audit.record_alone(searched(hit.passage for hit in found))
        return SearchPage(search_query=queries, data=[_result(hit) for hit in found])


def _result(hit: SearchHit) -> SearchResult:
    return SearchResult(
        file_id=hit.file_id,
        filename=hit.passage.document_name,
        score=hit.score,
        attributes=dict(hit.attributes),
        content=[TextContent(hit.passage.text)],
        passage_id=str(hit.passage.id),
        page=hit.passage.page,
    )
