"""Refuses bodies that parsers disagree about, before any parser sees them.

Measured holes in the framework's own reading: deep nesting and broken UTF-8 end as 500, duplicate keys are accepted
(the last wins, another parser may take the first), and JSON is read under `text/plain`, which lets another site's page
send it without a preflight.
"""

import json
import re
from typing import Any

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from appliance.foundation import InvalidInput

TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{}]', re.DOTALL)
METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class NotJson(InvalidInput):
    """The body is not one strict JSON value."""

    code = "invalid_json"
    remedy = "Send one JSON object in UTF-8 with unique keys."


class WrongMediaType(InvalidInput):
    code, status = "unsupported_media_type", 415
    remedy = "Send 'Content-Type: application/json'."


class BodyTooLarge(InvalidInput):
    code, status = "request_too_large", 413
    remedy = "Send less at once; documents go to the upload call."


class StrictJson(ASGIMiddleware):
    """Reads and checks JSON bodies; multipart uploads pass through to their own limits."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, *, max_bytes: int = 4 * 1024 * 1024, max_depth: int = 64) -> None:
        self._max_bytes = max_bytes
        self._max_depth = max_depth

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        if scope.get("method") not in METHODS_WITH_BODY:
            await next_app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        media_type = headers.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower()
        if media_type == "multipart/form-data":
            await next_app(scope, receive, send)
            return
        body = await self._read(receive)
        if body:
            if media_type != "application/json":
                raise WrongMediaType(f"The body's type is '{media_type or 'missing'}', not JSON.")
            self._check(body)
        await next_app(scope, _replay(body, receive), send)

    async def _read(self, receive: Receive) -> bytes:
        parts, size = [], 0
        while True:
            message = await receive()
            if message["type"] != "http.request":
                break
            part = message.get("body", b"")
            size += len(part)
            if size > self._max_bytes:
                raise BodyTooLarge(f"The body is larger than {self._max_bytes} bytes.")
            parts.append(part)
            if not message.get("more_body", False):
                break
        return b"".join(parts)

    def _check(self, body: bytes) -> None:
        if nesting(body) > self._max_depth:
            raise NotJson(f"The body is nested more than {self._max_depth} levels deep.")
        try:
            text = body.decode("utf-8")
            json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
            text.encode("utf-8")
        except (UnicodeError, ValueError) as error:
            raise NotJson(f"The body is not JSON: {error}.") from error


def nesting(body: bytes) -> int:
    """Deepest level of brackets outside strings, found without recursion."""
    depth = deepest = 0
    for match in TOKENS.finditer(body):
        token = match[0]
        if token in (b"[", b"{"):
            depth += 1
            deepest = max(deepest, depth)
        elif token in (b"]", b"}"):
            depth -= 1
    return deepest


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    for key, value in pairs:
        for text in (key, value):
            if isinstance(text, str):
                text.encode("utf-8")  # a lone surrogate raises UnicodeEncodeError
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


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
