"""Errors of the OpenAI-compatible door, in the words that its clients know."""

from appliance.foundation import CallerError, InvalidInput, NotFound


class ModelNotFound(NotFound):
    code = "model_not_found"
    remedy = "GET /v1/models lists the models and assistants that you may use."


class UnsupportedValue(InvalidInput):
    code = "unsupported_value"


class UpstreamRefused(CallerError):
    """The engine says that the request cannot be served as it is."""

    code, status = "invalid_request", 400
