"""The frame around each request: its id, the headers that every answer carries, and its one line in the log."""

import itertools
import os
import re
from time import monotonic
from typing import Protocol

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from appliance.edge.errors import answer_defect
from appliance.edge.headers import FIXED, Headers, with_fixed
from appliance.edge.proxies import Proxies
from appliance.edge.requestlog import RequestLog
from appliance.foundation import TRAIL, Trail

ID_PATTERN = re.compile(rb"[A-Za-z0-9._-]{1,64}")
TRACE_PATTERN = re.compile(rb"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class RequestWatch(Protocol):
    """Counts requests."""

    def began(self) -> None:
        """One came."""
        ...

    def ended(self, endpoint: str, method: str, status: int, seconds: float, code: str) -> None:
        """It is over.

        `endpoint` is the route as written, empty when there is none; `status` 0: none was sent; `code` of the error.
        """
        ...


class RequestTracing(Protocol):
    """Times requests for a collector of traces."""

    def begin(self, trail: Trail, method: str) -> None:
        """Give the trail its tracer."""
        ...

    def end(self, trail: Trail, endpoint: str, status: int) -> None:
        """The request is over."""
        ...


class DenialWatch(Protocol):
    """Hears of answers that may be refusals."""

    async def denied(self, trail: Trail, method: str, route: str, path: str, status: int) -> None:
        """Before the answer is sent. `route` as written, `path` as asked for."""
        ...


class RequestFrame:
    """Gives each request an id (the caller's own `x-request-id` when it is plain), and closes the browser's doors.

    It stands around the whole application, so that also an answer of the framework itself (no such route, wrong
    method) has both, is counted and logged. Every request passes here: a microsecond here is one of each request.
    """

    def __init__(
        self,
        app: ASGIApp,
        watch: RequestWatch,
        log: RequestLog,
        tracing: RequestTracing | None = None,
        denials: DenialWatch | None = None,
        *,
        fixed: Headers = FIXED,
        proxies: Proxies | None = None,
    ) -> None:
        """`fixed`: headers of every answer. `proxies`: who may say where a request came from."""
        self._app = app
        self._fixed = fixed
        self._proxies = proxies or Proxies(())
        self._watch = watch
        self._log = log
        self._tracing = tracing
        self._denials = denials
        self._prefix = os.urandom(8).hex()
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        trail = self._trail_of(scope)
        scope["state"]["request_id"] = trail.request_id
        TRAIL.set(trail)
        status, whole, began, denials, fixed = 0, False, monotonic(), self._denials, self._fixed

        async def framed_send(message: Message) -> None:
            nonlocal status, whole
            if message["type"] == "http.response.start":
                status = message["status"]
                if status >= 400 and denials is not None:
                    await denials.denied(trail, scope["method"], scope.get("path_template", ""), scope["path"], status)
                answer_id = (b"x-request-id", trail.request_id.encode("ascii"))
                message["headers"] = [answer_id, *with_fixed(message["headers"], fixed)]
            elif message["type"] == "http.response.body" and not message.get("more_body"):
                whole = True
            await send(message)

        self._watch.began()
        if self._tracing is not None:
            self._tracing.begin(trail, scope["method"])
        try:
            await self._app(scope, receive, framed_send)
        except Exception as error:  # whatever it is, somebody waits for an answer
            if status:  # the answer has begun: the web server breaks the connection
                raise
            await answer_defect(scope["path"], trail.request_id, error, framed_send)
        finally:
            seconds = monotonic() - began
            self._watch.ended(scope.get("path_template", ""), scope["method"], status, seconds, trail.error_code)
            if self._tracing is not None:
                self._tracing.end(trail, scope.get("path_template", ""), status)
            self._log.note(scope, trail, status, seconds, whole=whole)

    def _trail_of(self, scope: Scope) -> Trail:
        request_id, traceparent = "", b""
        for name, value in scope["headers"]:
            if name == b"x-request-id" and ID_PATTERN.fullmatch(value):
                request_id = value.decode("ascii")
            elif name == b"traceparent" and TRACE_PATTERN.fullmatch(value):
                traceparent = value
        trail = Trail(request_id or f"{self._prefix}{next(self._numbers):012x}", traceparent)
        trail.source = self._proxies.source(scope)
        return trail
