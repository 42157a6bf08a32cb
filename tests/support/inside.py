"""Calling the application in its own process: no socket, no client library, a fraction of a millisecond."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from litestar import Litestar

BOUNDARY = "inside"


@dataclass(slots=True)
class Reply:
    """What came back. Of a stream of events only the beginning: then the caller leaves."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def is_stream(self) -> bool:
        return self.headers.get("content-type", "").startswith("text/event-stream")


@dataclass(slots=True)
class Body:
    """Bytes with their type."""

    data: bytes = b""
    kind: str = "application/json"

    @classmethod
    def of(cls, value: Any) -> "Body":
        return cls() if value is None else cls(json.dumps(value).encode())

    @classmethod
    def form(cls, file: bytes, name: str, **fields: str) -> "Body":
        """A file among fields, as a browser sends it."""
        mark = f"--{BOUNDARY}\r\nContent-Disposition: form-data; "
        parts = [f'{mark}name="{key}"\r\n\r\n{value}\r\n'.encode() for key, value in fields.items()]
        parts.append(f'{mark}name="file"; filename="{name}"\r\n\r\n'.encode() + file + b"\r\n")
        return cls(b"".join(parts) + f"--{BOUNDARY}--\r\n".encode(), f"multipart/form-data; boundary={BOUNDARY}")


async def call(app: Litestar, method: str, path: str, headers: dict[str, str], body: Body | None = None) -> Reply:
    """One request in a task of its own, as a server would run it."""
    reply, over = Reply(), asyncio.Event()
    sent = body or Body()
    waiting = [{"type": "http.request", "body": sent.data, "more_body": False}]

    async def receive() -> Any:
        if waiting:
            return waiting.pop()
        await over.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            reply.status = message["status"]
            reply.headers = {k.decode().lower(): v.decode() for k, v in message["headers"]}
        else:
            reply.body += message.get("body", b"")
            if (reply.body and reply.is_stream) or not message.get("more_body"):
                over.set()

    work = asyncio.create_task(app(_scope(method, path, headers, sent), receive, send))  # type: ignore[arg-type]
    ended = asyncio.create_task(over.wait())
    await asyncio.wait({work, ended}, return_when=asyncio.FIRST_COMPLETED)
    if reply.is_stream and not work.done():
        work.cancel()
    await asyncio.gather(work, return_exceptions=reply.is_stream)
    ended.cancel()
    return reply


def _scope(method: str, path: str, headers: dict[str, str], body: Body) -> dict[str, Any]:
    where, _, query = path.partition("?")
    own = {"host": "inside.test", "content-length": str(len(body.data)), "anthropic-version": "2023-06-01"}
    sent = own | headers
    if body.data:
        sent["content-type"] = body.kind
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(where),
        "raw_path": where.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(k.lower().encode(), v.encode()) for k, v in sent.items()],
        "client": ("192.0.2.1", 40000),
        "server": ("inside.test", 80),
        "state": {},
    }
