"""Errors of the OpenAI-compatible door, in the words that its clients know."""

import re

import msgspec
from msgspec import Struct

from appliance.foundation import ApplianceError, CallerError, CapacityError, InvalidInput, NotFound
from appliance.inference import EngineUnavailable
from appliance.openai_api.fields import Field, refusals


class ModelNotFound(NotFound):
    code = "model_not_found"
    remedy = "GET /v1/models lists the models and assistants that you may use."


class TaskNotServed(NotFound):
    """No model of this kind is configured here."""

    code = "task_not_served"
    remedy = "An administrator can add one to [engines] models; GET /v1/models lists what is served."


class UnsupportedValue(InvalidInput):
    code = "unsupported_value"


class UnsupportedSchema(InvalidInput):
    """Decoding cannot hold an answer to this schema."""

    code = "unsupported_schema"
    remedy = "docs/reference/http-api.md lists the keywords."


class AnswerUnfit(CapacityError):
    """The model's answer does not have the form that was asked for, also at the second try."""

    code = "answer_unfit"
    remedy = "Ask again, make the schema simpler, or choose a larger model."


class UpstreamRefused(CallerError):
    """The engine says that the request cannot be served as it is."""

    code, status = "invalid_request", 400


class WindowExceeded(UpstreamRefused):
    """Prompt and answer do not fit the model's window."""

    code = "context_length_exceeded"
    remedy = "Shorten the messages or ask for fewer tokens."


class _Inner(Struct):
    message: str = ""
    param: str | None = None


class _Error(Struct):
    error: _Inner | None = None
    message: str = ""


WINDOW = ("context length", "max_model_len", "max_tokens=", "longer than the maximum")
PROMPTS = {"chat/completions": "messages", "completions": "prompt", "embeddings": "input"}
"""What an engine calls `input_tokens`, in the words of each endpoint."""


def refusal(status: int, body: bytes, endpoint: str = "") -> CallerError | CapacityError:
    """Our error for an engine's error reply: the caller's fault when the engine says so."""
    if status >= 500:
        return EngineUnavailable("The engine failed on this request.", retry_after_s=5.0)
    said = _inner(body)
    message = re.sub(r" \(parameter=.*\)$", "", said.message)[:500] or "The engine cannot serve this request."
    if any(mark in message for mark in WINDOW):
        param = "max_tokens" if said.param == "max_tokens" else PROMPTS.get(endpoint)
        return WindowExceeded(message, param=param)
    return UpstreamRefused(message, param=said.param)


def _inner(body: bytes) -> _Inner:
    try:
        error = msgspec.json.decode(body, type=_Error)
    except msgspec.MsgspecError:
        return _Inner()
    return error.error or _Inner(error.message)


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

    code = "invalid_value"
    remedy = "docs/reference/http-api.md lists what each endpoint takes."


class UnknownCursor(InvalidInput):
    code = "invalid_cursor"
    remedy = "Send the 'last_id' of the page before as 'after'."


class WrongType(InvalidBody):
    code = "invalid_type"


class MissingParameter(InvalidBody):
    code = "missing_required_parameter"


class UnknownParameter(InvalidBody):
    code = "unknown_parameter"


class UnsupportedParameter(InvalidBody):
    """The specification knows the field; the appliance does not serve it, and says why."""

    code = "unsupported_parameter"


PLACE = re.compile(r" - at `\$\.?([^`]*)`$")
LACKING = re.compile(r"^Object (missing required|contains unknown) field `([^`]*)`")


def invalid_body(error: msgspec.ValidationError, fields: tuple[Field, ...] = ()) -> InvalidBody:
    """Our error for a body that does not fit: which field, and why when it is one that is refused by design."""
    text = str(error)
    place = PLACE.search(text)
    param = place[1] if place else ""
    message = PLACE.sub("", text)
    lacking = LACKING.match(message)
    if lacking:
        param = ".".join(filter(None, [param, lacking[2]]))
        if lacking[1] == "missing required":
            return MissingParameter(f"The field '{param}' is missing.", param=param)
        return UnknownParameter(f"The field '{param}' is not known.", param=param)
    why = refusals(fields).get(param.partition(".")[0].partition("[")[0])
    if why:
        return UnsupportedParameter(f"The field '{param}' is not supported.", remedy=why, param=param)
    wrong = WrongType if message.startswith("Expected") and ", got" in message else InvalidBody
    return wrong(f"'{param or 'The body'}': {message}.", param=param or None)
