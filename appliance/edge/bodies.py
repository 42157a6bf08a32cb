"""Reads the bodies of requests within bounds, and refuses what is no JSON before any handler sees it.

Measured holes in the framework's own reading: deep nesting and broken UTF-8 end as 500, duplicate keys are accepted,
and JSON is read under `text/plain` or `multipart/form-data`, which a page of another site may send without asking.

`StrictJson` does it for ordinary routes. A handler that reads its own bytes, to be quick, says so with
`opt=reads_own_body()` and calls `read_json`, which refuses the same.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

from litestar.enums import RequestEncodingType, ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.params import BodyKwarg
from litestar.types import ASGIApp, Receive, Scope, Send

from appliance.edge.strictjson import check_json
from appliance.foundation import CallerError, InvalidInput

METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})
JSON_TYPES = frozenset({b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8"})
JSON_KINDS = frozenset({"application/json"})
SCIM_TYPE = "application/scim+json"
SCIM_KINDS = JSON_KINDS | {SCIM_TYPE}
OWN_BODY = "reads_own_body"

PART_WAIT_S = 30.0
"""Longest silence in the middle of a body."""

BODY_WAIT_S = 300.0
"""Longest time for a whole body."""


class WrongMediaType(InvalidInput):
    code, status = "unsupported_media_type", 415
    remedy = "Send 'Content-Type: application/json'."


class BodyTooLarge(InvalidInput):
    code, status = "request_too_large", 413
    remedy = "Send less at once; documents go to the upload call."


class BodyTooSlow(CallerError):
    """The body did not come in time."""

    code, status = "request_timeout", 408
    remedy = "Send the whole body without a pause."


class BodyCutOff(InvalidInput):
    """The client left in the middle of its body; nobody reads this."""

    code = "body_cut_off"
    remedy = "Send the whole body."


def reads_own_body() -> dict[str, Any]:
    """`opt` of a handler that calls `read_json` itself."""
    return {OWN_BODY: True}


async def read_json(scope: Scope, receive: Receive, max_bytes: int) -> bytes:
    """The body of a request, strict JSON; empty when there is none.

    Raises:
        WrongMediaType: not declared as JSON in UTF-8, or compressed.
        BodyTooLarge, BodyTooSlow, BodyCutOff: it did not come whole, within its bounds.
        NotJson, TooManyValues: as `check_json`.
    """
    media_type, encoding = b"", b""
    for name, value in scope["headers"]:
        if name == b"content-type":
            media_type = value
        elif name == b"content-encoding":
            encoding = value
        elif name == b"content-length" and len(value) < 19 and value.isdigit() and int(value) > max_bytes:
            raise BodyTooLarge(f"The body is larger than {max_bytes} bytes.")
    body = await read_body(receive, max_bytes)
    if body:
        if encoding and encoding.lower() != b"identity":
            raise WrongMediaType("The body is compressed.", remedy="Send it as it is, without Content-Encoding.")
        if media_type not in JSON_TYPES:
            _refuse_other_types(media_type, SCIM_KINDS if scope["path"].startswith("/scim/") else JSON_KINDS)
        check_json(body)
    return body


async def read_body(receive: Receive, max_bytes: int) -> bytes:
    """All of a body. Raises BodyTooLarge, BodyTooSlow, BodyCutOff."""
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):  # nearly every body comes in one piece
        body: bytes = message.get("body", b"")
        if len(body) > max_bytes:
            raise BodyTooLarge(f"The body is larger than {max_bytes} bytes.")
        return body
    try:
        async with asyncio.timeout(BODY_WAIT_S):
            return await _read_parts(message, receive, max_bytes)
    except TimeoutError as error:
        raise BodyTooSlow(f"The body did not come within {BODY_WAIT_S:.0f} s.") from error


async def _read_parts(message: Any, receive: Receive, max_bytes: int) -> bytes:
    parts, size = [], 0
    while True:
        if message["type"] != "http.request":
            raise BodyCutOff("The client left before its body was complete.")
        part = message.get("body", b"")
        size += len(part)
        if size > max_bytes:
            raise BodyTooLarge(f"The body is larger than {max_bytes} bytes.")
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)
        async with asyncio.timeout(PART_WAIT_S):
            message = await receive()


def _refuse_other_types(media_type: bytes, kinds: frozenset[str]) -> None:
    kind, *parameters = [p.strip().lower() for p in media_type.decode("latin-1").split(";")]
    if kind not in kinds:
        raise WrongMediaType(f"The body's type is '{kind[:80] or 'missing'}', not JSON.")
    for parameter in filter(None, parameters):
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip(' "') not in ("utf-8", "utf8"):
            raise WrongMediaType("JSON is UTF-8.", remedy="Send 'Content-Type: application/json; charset=utf-8'.")


class StrictJson(ASGIMiddleware):
    """Reads and checks JSON bodies, of callers who are known or need not be: it stands behind authentication.

    Multipart forms pass to handlers that declare one, with limits of their own.
    """

    scopes = (ScopeType.HTTP,)
    exclude_opt_key = OWN_BODY

    def __init__(self, *, max_bytes: int, max_bytes_with_images: int, image_paths: Iterable[str]) -> None:
        """`image_paths` are the routes whose bodies may hold pictures as data URLs."""
        self._max_bytes = max_bytes
        self._image_bytes = max_bytes_with_images
        self._image_paths = frozenset(image_paths)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        if scope.get("method") not in METHODS_WITH_BODY or _is_stranger(scope) or _is_form(scope):
            await next_app(scope, receive, send)
            return
        limit = self._image_bytes if scope["path"] in self._image_paths else self._max_bytes
        await next_app(scope, _replay(await read_json(scope, receive, limit), receive), send)


def _is_stranger(scope: Scope) -> bool:
    """Somebody whom the route's guard will refuse: nobody reads what they sent."""
    return scope.get("user") is None and not scope["route_handler"].opt.get("public")


def _is_form(scope: Scope) -> bool:
    """Whether the handler takes a form; one that takes none would read a form's bytes as JSON."""
    field = scope["route_handler"].parsed_data_field
    declared = field.kwarg_definition if field is not None else None
    return isinstance(declared, BodyKwarg) and declared.media_type == RequestEncodingType.MULTI_PART


def _replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body again, then goes on with the connection's own messages."""
    given = False

    async def replayed() -> Any:  # the framework's receive type is a union of five events
        nonlocal given
        if not given:
            given = True
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return replayed
