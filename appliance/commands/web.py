"""The web server around the application: what it may do by itself, and what it says when a request is none."""

import uvicorn
from litestar import Litestar
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from appliance.edge import FIXED

GRACE_S = 20
"""Open requests get this long when the process ends."""


class Protocol(HttpToolsProtocol):
    """uvicorn's, whose own answer to what is no HTTP carries our headers too."""

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
        lifespan="off",
        http=Protocol,
        ws="none",
        proxy_headers=False,
    )
