"""`/v1/batches`."""

from typing import Annotated, Any

from litestar import Controller, Request, get, post
from litestar.params import Parameter

from appliance.identity import Permission, Principal, requires
from appliance.openai_api.batches.service import Batches
from appliance.openai_api.batches.wire import Batch, BatchCreate, batch
from appliance.openai_api.misfits import names_fields
from appliance.openai_api.pages import Listed, listed, page_ask

Call = Request[Principal, Any, Any]


class BatchesController(Controller):
    path = "/v1/batches"
    guards = [requires(Permission.FILES_KEEP)]  # noqa: RUF012 - the framework's declaration style
    exception_handlers = names_fields()

    @post(status_code=200)
    async def create(self, request: Call, data: BatchCreate, batches: Batches) -> Batch:
        return batch(await batches.create(request.user, data))

    @get()
    async def list(
        self,
        request: Call,
        batches: Batches,
        limit: Annotated[int, Parameter(ge=1, le=100)] = 20,
        after: str | None = None,
    ) -> Listed[Batch]:
        found = await batches.page(request.user, page_ask("batch", limit=limit, order="desc", after=after))
        return listed(found, batch, lambda shown: shown.id)

    @get("/{batch_id:str}")
    async def one(self, request: Call, batch_id: str, batches: Batches) -> Batch:
        return batch(await batches.get(request.user, batch_id))

    @post("/{batch_id:str}/cancel", status_code=200)
    async def cancel(self, request: Call, batch_id: str, batches: Batches) -> Batch:
        return batch(await batches.cancel(request.user, batch_id))
