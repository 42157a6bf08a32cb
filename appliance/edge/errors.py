"""From our error tree to HTTP, once: OpenAI's or Anthropic's shape under `/v1`, SCIM's under `/scim`, else ours."""

import errno
import math
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, InternalServerException, ValidationException
from litestar.types import ExceptionHandlersMap, Send

from appliance.edge.bodies import SCIM_TYPE, BodyCutOff
from appliance.foundation import ApplianceError, CapacityError, DefectError, InvalidInput, disk_full, note_error

log = structlog.get_logger(__name__)

AnyRequest = Request[Any, Any, Any]

HTTP_CODES = {
    400: ("invalid_request", "Correct the request."),
    401: ("not_authenticated", "Log in, or send a valid key as 'Authorization: Bearer <key>'."),
    403: ("not_allowed", "Ask the owner or an administrator for access."),
    404: ("not_found", "Check the address."),
    405: ("method_not_allowed", "Check the method against the description at /schema."),
    413: ("request_too_large", "Send less at once."),
    415: ("unsupported_media_type", "Send 'Content-Type: application/json'."),
    429: ("too_many_requests", "Wait, then try again."),
}

SCIM_PREFIX = "/scim/"
SCIM_ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"

CUT_OFF = "client disconnected prematurely"
"""What the framework says when somebody leaves in the middle of a form; to it, that is an error of the server."""

BROKE = "Something broke on our side."

FULL = (errno.ENOSPC, errno.EDQUOT)

OPENAI_TYPES = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}

ANTHROPIC_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
}


def anthropic_type(status: int) -> str:
    """What Anthropic's clients call an error of this status."""
    return ANTHROPIC_TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")


def exception_handlers() -> ExceptionHandlersMap:
    """What the application hands to Litestar."""
    return {ApplianceError: _ours, HTTPException: framework_error, OSError: _systems, Exception: _defect}


def _ours(request: AnyRequest, error: ApplianceError) -> Response[Any]:
    headers = {}
    if isinstance(error, CapacityError):
        headers["retry-after"] = str(max(1, math.ceil(error.retry_after_s)))
        headers |= {name.decode(): value.decode() for name, value in error.headers}
    if error.status >= 500:  # a refusal is told by the request's own line
        log.warning("request failed", code=error.code, status=error.status, reason=error.message)
    return _reply(request, error.status, error.code, error.message, error.way_out, headers, error.param)


def framework_error(request: AnyRequest, error: HTTPException) -> Response[Any]:
    """What the framework refuses by itself, in the shape of the door that was called."""
    status = error.status_code
    if status >= 500 and error.detail == CUT_OFF:
        return _ours(request, BodyCutOff("The client left before its body was complete."))
    if status >= 500 and isinstance(error.__cause__, msgspec.ValidationError):
        status = 400  # a field has the name of something that we give the handler, and the framework takes it for ours
    if status >= 500:
        return _defect(request, error)
    code, remedy = HTTP_CODES.get(status, ("invalid_request", ""))
    message = error.detail
    if isinstance(error, ValidationException | InternalServerException) and error.extra:
        message = "; ".join(_complaint(e) for e in error.extra if isinstance(e, dict)) or message
    headers = {k: v for k, v in (error.headers or {}).items() if k.lower() in {"allow", "retry-after"}}
    return _reply(request, status, code, message, remedy, headers)


def _systems(request: AnyRequest, error: OSError) -> Response[Any]:
    if error.errno in FULL:
        return _ours(request, disk_full())
    return _defect(request, error)


def _defect(request: AnyRequest, error: Exception) -> Response[Any]:
    if isinstance(error, UnicodeError | LookupError) and _while_reading_a_form(error):
        return _ours(request, InvalidInput("A field of the form is not text.", remedy="Send fields in UTF-8."))
    log.error("defect", endpoint=request.scope.get("path_template"), exc_info=error)
    return _reply(request, 500, DefectError.code, BROKE, DefectError.remedy, {})


async def answer_defect(path: str, request_id: str, error: Exception, send: Send) -> None:
    """The last net: an error that came from outside of the framework is answered and logged as one from inside."""
    log.error("defect", endpoint=None, exc_info=error)
    note_error(DefectError.code)
    told, more = _told(path, request_id, 500, DefectError.code, BROKE, DefectError.remedy)
    body = msgspec.json.encode(told)
    headers = {**more, "content-type": "application/json", "content-length": str(len(body))}
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": 500, "headers": pairs})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _while_reading_a_form(error: Exception) -> bool:
    """The framework decodes fields of forms, by a charset that the caller names, and lets errors of that through."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_code.co_filename.endswith("litestar/_multipart.py")


def _complaint(extra: dict[str, Any]) -> str:
    key = extra.get("key")
    return f"{key}: {extra.get('message', '')}" if key else str(extra.get("message", ""))


def openai_error(error: ApplianceError) -> dict[str, Any]:
    """What `/v1` answers for an error of ours, also where it is written down instead of sent."""
    return _openai_shape(error.status, error.code, f"{error.message} {error.way_out}".strip(), error.param)


def _openai_shape(status: int, code: str, message: str, param: str | None) -> dict[str, Any]:
    kind = OPENAI_TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def _scim_shape(status: int, code: str, message: str) -> dict[str, Any]:
    """As RFC 7644 has it: the status as text, and a `scimType` where the code is one (`scim_invalidFilter`)."""
    kind = {"scimType": code.removeprefix("scim_")} if code.startswith("scim_") and status in (400, 409) else {}
    return {"schemas": [SCIM_ERROR], "status": str(status), "detail": message, **kind}


def _reply(
    request: AnyRequest,
    status: int,
    code: str,
    message: str,
    remedy: str,
    headers: dict[str, str],
    param: str | None = None,
) -> Response[Any]:
    note_error(code)
    request_id = str(request.scope.get("state", {}).get("request_id"))
    body, more = _told(request.scope["path"], request_id, status, code, message, remedy, param)
    media_type = SCIM_TYPE if request.scope["path"].startswith(SCIM_PREFIX) else "application/json"
    return Response(body, status_code=status, headers={**headers, **more}, media_type=media_type)


def _told(
    path: str, request_id: str, status: int, code: str, message: str, remedy: str, param: str | None = None
) -> tuple[dict[str, Any], dict[str, str]]:
    """Body and further headers, in the shape of the door that was called."""
    sentence = f"{message} {remedy}".strip()
    if path.startswith("/v1/messages"):
        error = {"type": anthropic_type(status), "message": sentence}
        return {"type": "error", "error": error, "request_id": request_id}, {"request-id": request_id}
    if path.startswith("/v1"):
        return _openai_shape(status, code, sentence, param), {}
    if path.startswith(SCIM_PREFIX):
        return _scim_shape(status, code, message), {}
    return {"error": {"code": code, "message": message, "remedy": remedy, "request_id": request_id}}, {}
