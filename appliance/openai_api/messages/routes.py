"""`POST /v1/messages/count_tokens`. Creating a message is a hot route, in `app.py`."""

from typing import Any

from litestar import Controller, Request, post

from appliance.identity import Permission, Principal, requires
from appliance.openai_api.messages.guards import requires_version
from appliance.openai_api.messages.service import Messages
from appliance.openai_api.messages.wire import CountReply, CountRequest

Call = Request[Principal, Any, Any]


class CountTokensController(Controller):
    path = "/v1/messages/count_tokens"
    guards = [requires(Permission.MODELS_USE), requires_version]  # noqa: RUF012 - the framework's declaration style

    @post(status_code=200)
    async def count(self, request: Call, data: CountRequest, messages: Messages) -> CountReply:
        return await messages.count_tokens(request.user, data)
