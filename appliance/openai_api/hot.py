"""The busiest addresses, as plain ASGI: the framework's request and response objects cost more than the rest.

What the framework still does: routing, middleware (frame, strict JSON, authentication), guards, errors before the first
byte.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from litestar.connection import ASGIConnection
from litestar.exceptions import MethodNotAllowedException
from litestar.handlers import ASGIRouteHandler
from litestar.types import ExceptionHandlersMap, Guard, Receive, Scope, Send

from appliance.edge import PRESENCE, Described, Presence, sse
from appliance.foundation import ApplianceError, explain_cancelled, note_error
from appliance.identity import Permission, Principal, requires
from appliance.openai_api.calls import Opened
from appliance.openai_api.errors import InvalidBody, error_event

Open = Callable[[Principal, bytes], Awaitable[Opened]]
"""Checks the body and begins the work. Raises ApplianceError."""

HEARTBEAT_S = 10.0
WAIT = b": wait\n\n"

STREAM_HEADERS = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
)


def hot_route(path: str, begin: Open, about: Described, *, guards: Sequence[Guard] = ()) -> ASGIRouteHandler:
    """A `POST` that answers with bytes as they come; a caller who leaves stops the work. `guards`: further ones."""

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("method") != "POST":
            raise MethodNotAllowedException(headers={"allow": "POST"})
        body = await _body(receive)
        if not body:
            raise InvalidBody("The body is missing.")
        gone = _Departure(scope["state"].get(PRESENCE) or Presence())
        try:
            opened = await begin(scope["user"], body)
            try:
                await (_stream if opened.streams else _whole)(opened, send)
            finally:
                await opened.aclose()
        except asyncio.CancelledError:
            if not gone.happened:
                raise
        finally:
            gone.forget()

    all_guards: list[Guard] = [requires(Permission.MODELS_USE), *guards]
    return _Handler(path, guards=all_guards, copy_scope=False, opt=about.opt())(handle)


class _Handler(ASGIRouteHandler):
    """The framework's, but for what it makes anew for each request: its copy for each guard, and its error handlers."""

    _errors: "ExceptionHandlersMap | None" = None

    async def authorize_connection(self, connection: ASGIConnection[Any, Any, Any, Any]) -> None:
        """Ask the guards. Raises what they raise."""
        for guard in self.resolve_guards():
            await guard(connection, self)  # type: ignore[misc] # the framework makes all of them coroutines

    def resolve_exception_handlers(self) -> ExceptionHandlersMap:
        """Asked for by each request, when everything is registered: found once."""
        if self._errors is None:
            self._errors = super().resolve_exception_handlers()
        return self._errors


async def _body(receive: Receive) -> bytes:
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body", False):
        return message["body"]
    parts = []
    while message["type"] == "http.request":
        parts.append(message["body"])
        if not message.get("more_body", False):
            break
        message = await receive()
    return b"".join(parts)


class _Departure:
    """Cancels the task that made it when the client leaves. Cheaper than a second task for the work."""

    __slots__ = ("_presence", "_work", "happened")

    def __init__(self, presence: Presence) -> None:
        self.happened = False
        self._work = asyncio.current_task()
        self._presence = presence
        presence.watch(self._note)

    def _note(self) -> None:
        if self._work is not None:
            self.happened = True
            self._work.cancel()

    def forget(self) -> None:
        """The work is over; whoever leaves now leaves in peace."""
        self._presence.forget()
        if self.happened and self._work is not None:
            self._work.uncancel()


async def _whole(opened: Opened, send: Send) -> None:
    body = await opened.whole()
    headers: Sequence[tuple[bytes, bytes]] = (
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        *opened.headers,
    )
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def _stream(opened: Opened, send: Send) -> None:
    """Bytes as they come. Errors before the first byte are raised; later ones become an event, for want of a status."""
    data = await opened.read()
    await send({"type": "http.response.start", "status": 200, "headers": [*STREAM_HEADERS, *opened.headers]})
    pulse = _Pulse(send)
    try:
        while data:
            pulse.beat()
            await send({"type": "http.response.body", "body": data, "more_body": True})
            try:
                data = await opened.read()
            except asyncio.CancelledError:
                explain_cancelled()
                raise
    except ApplianceError as error:
        note_error(error.code)
        await send({"type": "http.response.body", "body": sse(None, error_event(error)), "more_body": True})
    finally:
        pulse.stop()
    await send({"type": "http.response.body", "body": b"", "more_body": False})


class _Pulse:
    """Sends a comment when nothing was sent for a while, so that proxies keep the line open.

    One timer per stream that looks now and then, instead of a deadline around every read.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()
        self._sending: asyncio.Task[None] | None = None
        self._timer = self._loop.call_later(HEARTBEAT_S, self._look)

    def beat(self) -> None:
        self._last = self._loop.time()

    def stop(self) -> None:
        self._timer.cancel()
        if self._sending is not None:
            self._sending.cancel()

    def _look(self) -> None:
        silent_s = self._loop.time() - self._last
        if silent_s >= HEARTBEAT_S:
            self.beat()
            self._sending = self._loop.create_task(self._comment())
        self._timer = self._loop.call_later(max(0.1, HEARTBEAT_S - silent_s % HEARTBEAT_S), self._look)

    async def _comment(self) -> None:
        await self._send({"type": "http.response.body", "body": WAIT, "more_body": True})
