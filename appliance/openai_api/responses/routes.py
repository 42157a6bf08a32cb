"""`/v1/responses/{id}`: what was kept. Creating is a hot route, in `app.py`."""

from typing import Annotated, Any, Literal

from litestar import Controller, Request, Response, delete, get, post
from litestar.params import Parameter

from appliance.identity import Permission, Principal, requires
from appliance.openai_api.errors import UnsupportedValue
from appliance.openai_api.responses.history import ItemList
from appliance.openai_api.responses.reply import DeletedResponse, InputTokensReply
from appliance.openai_api.responses.service import Responses
from appliance.openai_api.responses.wire import InputTokensRequest

Call = Request[Principal, Any, Any]


class InputTokensController(Controller):
    path = "/v1/responses/input_tokens"
    guards = [requires(Permission.MODELS_USE)]  # noqa: RUF012 - the framework's declaration style

    @post(status_code=200)
    async def count(self, request: Call, data: InputTokensRequest, responses: Responses) -> InputTokensReply:
        return await responses.count(request.user, data)


class ResponsesController(Controller):
    path = "/v1/responses/{response_id:str}"
    guards = [requires(Permission.FILES_KEEP)]  # noqa: RUF012 - the framework's declaration style

    @get()
    async def retrieve(
        self, request: Call, response_id: str, responses: Responses, stream: bool = False
    ) -> Response[bytes]:
        """The response as it is now."""
        if stream:
            raise UnsupportedValue(
                "A stored response is not streamed.", remedy="Leave out 'stream'; ask again until it is completed."
            )
        return Response(await responses.retrieve(request.user, response_id), media_type="application/json")

    @delete(status_code=200)
    async def remove(self, request: Call, response_id: str, responses: Responses) -> DeletedResponse:
        return await responses.delete(request.user, response_id)

    @post("/cancel", status_code=200)
    async def cancel(self, request: Call, response_id: str, responses: Responses) -> Response[bytes]:
        """Stop one of the background."""
        return Response(await responses.cancel(request.user, response_id), media_type="application/json")

    @get("/input_items")
    async def input_items(
        self,
        request: Call,
        response_id: str,
        responses: Responses,
        limit: Annotated[int, Parameter(ge=1, le=100)] = 20,
        order: Literal["asc", "desc"] = "desc",
        after: str | None = None,
    ) -> ItemList:
        return await responses.input_items(
            request.user, response_id, limit=limit, newest_first=order == "desc", after=after
        )
