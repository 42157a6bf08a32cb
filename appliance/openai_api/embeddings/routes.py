"""`POST /v1/embeddings`."""

from typing import Any

import msgspec
from litestar import Controller, Request, Response, post
from msgspec import UNSET

from appliance.edge import while_connected
from appliance.identity import Principal, requires_login
from appliance.inference import Engines, ModelUnknown
from appliance.openai_api.embeddings.wire import EmbeddingsRequest
from appliance.openai_api.errors import ModelNotFound, UnsupportedValue
from appliance.openai_api.upstream import checked_body


class EmbeddingsController(Controller):
    path = "/v1/embeddings"

    @post(guards=[requires_login], status_code=200)
    async def create(
        self, request: Request[Principal, Any, Any], data: EmbeddingsRequest, engines: Engines
    ) -> Response[bytes]:
        """Vectors as the engine makes them; prefixes like `query: ` are the caller's to add, as with the model."""
        try:
            facts = engines.facts(data.model)
        except ModelUnknown as error:
            raise ModelNotFound(f"The model '{data.model}' does not exist.") from error
        if facts.task != "embed":
            raise UnsupportedValue(f"'{data.model}' makes no embeddings; its task is {facts.task}.")
        data.user = UNSET
        return await while_connected(request, _embed(engines, data))


async def _embed(engines: Engines, data: EmbeddingsRequest) -> Response[bytes]:
    reply = await checked_body(await engines.passthrough(data.model, "/v1/embeddings", msgspec.json.encode(data)))
    body = b"".join([chunk async for chunk in reply.body])
    return Response(body, media_type="application/json")
