"""Errors of the OpenAI-compatible door, in the words that its clients know."""

import msgspec
from msgspec import Struct

from appliance.foundation import ApplianceError, CallerError, CapacityError, InvalidInput, NotFound
from appliance.inference import EngineUnavailable


class ModelNotFound(NotFound):
    code = "model_not_found"
    remedy = "GET /v1/models lists the models and assistants that you may use."


class UnsupportedValue(InvalidInput):
    code = "unsupported_value"


class UpstreamRefused(CallerError):
    """The engine says that the request cannot be served as it is."""

    code, status = "invalid_request", 400


class _Inner(Struct):
    message: str = ""


class _Error(Struct):
    error: _Inner | None = None
    message: str = ""


def refusal(status: int, body: bytes) -> CallerError | CapacityError:
    """Our error for an engine's error reply: the caller's fault when the engine says so."""
    if status >= 500:
        return EngineUnavailable("The engine failed on this request.", retry_after_s=5.0)
    return UpstreamRefused(_message(body) or "The engine cannot serve this request.")


def _message(body: bytes) -> str:
    try:
        error = msgspec.json.decode(body, type=_Error)
    except msgspec.MsgspecError:
        return ""
    return (error.error.message if error.error else error.message)[:500]


class ErrorBody(Struct):
    message: str
    type: str
    code: str
    param: str | None = None


class ErrorEvent(Struct):
    """Sent inside a stream whose status can no longer be changed."""

    error: ErrorBody


def error_event(error: ApplianceError) -> ErrorEvent:
    """What a stream says instead of falling silent."""
    return ErrorEvent(ErrorBody(error.sentence(), "server_error", error.code))


class InvalidBody(InvalidInput):
    """The body does not fit the endpoint's fields."""

    code = "invalid_request"
    remedy = "docs/reference/http-api.md lists what each endpoint takes."


def invalid_body(error: msgspec.ValidationError) -> InvalidBody:
    """Our error for a body that does not fit; names the place as msgspec does."""
    return InvalidBody(f"{error}.")


class UnknownCursor(InvalidInput):
    code = "invalid_cursor"
    remedy = "Send the 'last_id' of the page before as 'after'."
