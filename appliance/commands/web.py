"""The web server around the application: what it may do by itself, and what it says when a request is none."""

from typing import Any
from urllib.parse import unquote

import httptools
import uvicorn
from litestar import Litestar
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from appliance.commands.cycle import Bell, Cycle
from appliance.edge import FIXED, PRESENCE, Presence

GRACE_S = 20
"""Open requests get this long when the process ends."""

IDLE_S = 75
"""So long a connection is kept on which nothing is asked, seconds: longer than the 60 that proxies keep theirs, since
whoever closes first should be the one who asks. A request that meets a closing connection is lost."""

LAST_WORD_S = 2.0
"""So long a connection without a request is kept when the process ends, seconds."""


class Protocol(HttpToolsProtocol):
    """uvicorn's, with a cheaper cycle of request and answer, and our headers on its answer to what is no HTTP."""

    _running: Cycle | None = None
    _idle_since = 0.0
    """By the loop's clock; 0 while a request is under way."""
    _ending = False
    """The next answer is the last one here."""

    def on_headers_complete(self) -> None:
        """The head of a request is here: the application begins, unless an earlier request is still being answered."""
        parser, scope, presence = self.parser, self.scope, Presence()
        version = parser.get_http_version()
        url = httptools.parse_url(self.url)
        path = url.path.decode("ascii")
        scope["method"] = parser.get_method().decode("ascii")
        scope["http_version"] = version
        scope["path"] = unquote(path) if "%" in path else path
        scope["raw_path"] = url.path
        scope["query_string"] = url.query or b""
        scope["state"][PRESENCE] = presence
        before = self.cycle
        self.cycle = Cycle(
            presence,
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=Bell(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and parser.should_keep_alive() and not self._ending,
            on_response=self.on_response_complete,
        )
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def data_received(self, data: bytes) -> None:
        """The client goes on."""
        self._idle_since = 0.0
        super().data_received(data)

    def _unset_keepalive_if_required(self) -> None:
        """The timer stays: setting a new one after each answer costs more than one that looks now and then."""

    def on_response_complete(self) -> None:
        """Answer the next request that has come already, or begin to wait for one."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._look_later(self.timeout_keep_alive)

    def _look_later(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def shutdown(self) -> None:
        """The server ends. An answer under way is finished, and a request on its way here is still answered.

        A connection that was taken a moment ago is such one: whoever opened it has not been heard yet, and would else
        find it closed.
        """
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False
        elif self._idle_since:
            self.transport.close()
        else:
            self._ending = True
            self.loop.call_later(LAST_WORD_S, self._close_unheard)

    def _close_unheard(self) -> None:
        if (self.cycle is None or self.cycle.response_complete) and not self.transport.is_closing():
            self.transport.close()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection on which nothing was asked for too long."""
        self.timeout_keep_alive_task = None
        if self._idle_since and not self.transport.is_closing():
            left_s = self._idle_since + self.timeout_keep_alive - self.loop.time()
            if left_s > 0:
                self._look_later(left_s)
            else:
                self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever answers, not only whoever asks for the next message."""
        super().connection_lost(exc)
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None
        if self._running is not None:
            self._running.leave()
            self._running = None

    def send_400_response(self, msg: str) -> None:
        """Answer, and close the connection: what else came on it is not looked at."""
        body = msg.encode("ascii")
        headers = ((b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close"), *FIXED)
        lines = [b"HTTP/1.1 400 Bad Request", *(name + b": " + value for name, value in headers)]
        lines.append(b"content-length: " + str(len(body)).encode())
        self.transport.write(b"\r\n".join([*lines, b"", body]))
        self.transport.close()


def server_config(app: Litestar, *, host: str = "127.0.0.1", port: int = 0) -> uvicorn.Config:
    """How the gateway is served. `host` and `port` count only where no socket is handed over.

    Forwarding headers are not the web server's to read (edge/proxies.py).
    """
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=IDLE_S,
        lifespan="off",
        http=Protocol,
        ws="none",
        proxy_headers=False,
    )
