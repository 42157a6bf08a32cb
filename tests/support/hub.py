"""A model hub on the loopback address: the few answers that the hub's own client asks for."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class FakeHub:
    """Repositories by name, files by path."""

    repositories: dict[str, dict[str, bytes]]
    asked: list[str] = field(default_factory=list)
    url: str = ""


class HubServer(ThreadingHTTPServer):
    hub: FakeHub


class Handler(BaseHTTPRequestHandler):
    server: HubServer

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        path = self.path.split("?")[0].strip("/")
        self.server.hub.asked.append(path)
        if path.startswith("api/models/"):
            status, headers, content = self._about(path.removeprefix("api/models/"))
        else:
            status, headers, content = self._file(path)
        self.send_response(status)
        for name, value in {"content-length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(content)

    def _about(self, path: str) -> tuple[int, dict[str, str], bytes]:
        name, _, _ = path.partition("/revision/")
        name, _, tree = name.partition("/tree/")
        files = self.server.hub.repositories.get(name)
        if files is None:
            return 404, {"x-error-code": "RepoNotFound"}, b"{}"
        if tree:
            listed = [{"type": "file", "path": f, "size": len(c), "oid": _etag(c)} for f, c in files.items()]
            return 200, {}, json.dumps(listed).encode()
        about = {"id": name, "sha": COMMIT, "siblings": [{"rfilename": f} for f in files]}
        return 200, {}, json.dumps(about).encode()

    def _file(self, path: str) -> tuple[int, dict[str, str], bytes]:
        name, _, rest = path.partition("/resolve/")
        content = self.server.hub.repositories.get(name, {}).get(rest.partition("/")[2])
        if content is None:
            return 404, {"x-error-code": "EntryNotFound"}, b""
        return 200, {"x-repo-commit": COMMIT, "etag": f'"{_etag(content)}"'}, content

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def serving_hub(repositories: dict[str, dict[str, bytes]]) -> Iterator[FakeHub]:
    server = HubServer(("127.0.0.1", 0), Handler)
    server.hub = FakeHub(repositories, url=f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _etag(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()
