"""An engine's reply, looked at once before it goes to the caller."""

from collections.abc import AsyncIterator

import msgspec
import structlog

from appliance.inference import EngineUnavailable, UpstreamReply
from appliance.openai_api.errors import UpstreamRefused

log = structlog.get_logger(__name__)

ERROR_BYTES = 20_000


class _Inner(msgspec.Struct):
    message: str = ""


class _Error(msgspec.Struct):
    error: _Inner | None = None
    message: str = ""


async def checked_body(reply: UpstreamReply) -> UpstreamReply:
    """A plain reply: good ones pass, errors become ours. Raises UpstreamRefused, EngineUnavailable."""
    await _refuse_errors(reply)
    return reply


def checked_stream(reply: UpstreamReply) -> UpstreamReply:
    """A streamed reply; an error status is raised when the first byte is asked for."""
    return UpstreamReply(reply.status, reply.content_type, _with_errors(reply))


async def _with_errors(reply: UpstreamReply) -> AsyncIterator[bytes]:
    await _refuse_errors(reply)
    async for chunk in reply.body:
        yield chunk


async def _refuse_errors(reply: UpstreamReply) -> None:
    if reply.status < 400:
        return
    body = b""
    async for chunk in reply.body:
        body += chunk
        if len(body) > ERROR_BYTES:
            break
    message = _message(body)
    log.warning("engine refused", status=reply.status)
    if reply.status < 500:
        raise UpstreamRefused(message or "The engine cannot serve this request.")
    raise EngineUnavailable("The engine failed on this request.", retry_after_s=5.0)


def _message(body: bytes) -> str:
    try:
        error = msgspec.json.decode(body, type=_Error)
    except msgspec.MsgspecError:
        return ""
    return (error.error.message if error.error else error.message)[:500]
