"""`POST /v1/chat/completions`."""

from collections.abc import AsyncIterator
from typing import Any

from litestar import Controller, Request, Response, post
from litestar.response import Stream

from appliance.edge import event_stream, sse, while_connected
from appliance.foundation import ApplianceError
from appliance.identity import Principal, requires_login
from appliance.inference import UpstreamReply
from appliance.openai_api.chat_completions.service import ChatCompletions
from appliance.openai_api.chat_completions.wire import ChatCompletionRequest, ErrorBody, ErrorEvent

Call = Request[Principal, Any, Any]


class ChatCompletionsController(Controller):
    path = "/v1/chat/completions"

    @post(guards=[requires_login], status_code=200)
    async def create(
        self, request: Call, data: ChatCompletionRequest, chat_completions: ChatCompletions
    ) -> Response[Any] | Stream:
        """Answer at once or as a stream; a caller who leaves stops the engine."""
        if chat_completions.is_assistant(data.model):
            scope = request.user.scope()
            if data.stream:
                return event_stream(chat_completions.stream_from_assistant(scope, data))
            return Response(await while_connected(request, chat_completions.from_assistant(scope, data)))
        if data.stream:
            reply = await chat_completions.from_engine(data)
            body = reply.body
            first = await anext(body, b"")  # an error that comes before the first byte is still a status
            return event_stream(_relay(first, body))
        return await while_connected(request, _whole(chat_completions, data))


async def _whole(chat_completions: ChatCompletions, data: ChatCompletionRequest) -> Response[bytes]:
    reply: UpstreamReply = await chat_completions.from_engine(data)
    body = b"".join([chunk async for chunk in reply.body])
    return Response(body, media_type="application/json")


async def _relay(first: bytes, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Bytes as the engine sends them; when it breaks off, an error event says so instead of silence."""
    yield first
    try:
        async for chunk in body:
            yield chunk
    except ApplianceError as error:
        yield sse(None, ErrorEvent(ErrorBody(error.sentence(), "server_error", error.code)))
