"""The frame around each request: its id, and the headers that every answer carries."""

import itertools
import os
import re

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from appliance.foundation import REQUEST_ID

ID_PATTERN = re.compile(rb"[A-Za-z0-9._-]{1,64}")

PAGE_POLICY = (
    b"default-src 'self'; img-src 'self' data: blob:; connect-src 'self'; object-src 'none'; base-uri 'none'; "
    b"frame-ancestors 'none'; form-action 'self'"
)

FIXED_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
    (b"content-security-policy", PAGE_POLICY),
    (b"cache-control", b"no-store"),
)
"""Sent with every answer; one that an answer has of its own counts instead."""


class RequestFrame:
    """Gives each request an id (the caller's own `x-request-id` when it is plain), and closes the browser's doors.

    It stands around the whole application, so that also an answer of the framework itself (no such route, wrong
    method) has both. Every request passes here: a microsecond here is one of each request.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._prefix = os.urandom(8).hex()
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        request_id = self._id_of(scope)
        scope["state"]["request_id"] = request_id
        REQUEST_ID.set(request_id)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _framed(message["headers"], request_id)
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _id_of(self, scope: Scope) -> str:
        for name, value in scope["headers"]:
            if name == b"x-request-id" and ID_PATTERN.fullmatch(value):
                return value.decode("ascii")
        return f"{self._prefix}{next(self._numbers):012x}"


def _framed(headers: object, request_id: str) -> list[tuple[bytes, bytes]]:
    own: list[tuple[bytes, bytes]] = list(headers)  # type: ignore[call-overload] # any iterable of pairs
    names = {name for name, _ in own}
    own.append((b"x-request-id", request_id.encode("ascii")))
    own.extend(header for header in FIXED_HEADERS if header[0] not in names)
    return own
