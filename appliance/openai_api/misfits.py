"""Bodies that the framework decodes for a controller, refused in the same words as those of the busy addresses."""

from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from appliance.edge import exception_handlers
from appliance.foundation import ApplianceError
from appliance.openai_api.errors import invalid_body


def _place(text: str) -> str:
    """The framework puts a body under `data`; the caller has not."""
    return text.replace("`$.data`", "`$`").replace("`$.data.", "`$.")


def names_fields() -> ExceptionHandlersMap:
    """`exception_handlers` of a controller: a body that does not fit says which field."""
    general = exception_handlers()

    def handle(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, msgspec.ValidationError):
            cause = cause.__cause__ or cause.__context__
        if cause is None:
            return general[HTTPException](request, error)
        return general[ApplianceError](request, invalid_body(msgspec.ValidationError(_place(str(cause)))))

    return {HTTPException: handle}
