#!/usr/bin/python3
"""Stands in for Qdrant's server where only its unit is looked at: reads the same settings, asks for the same key."""

import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SETTINGS = Path(sys.argv[sys.argv.index("--config-path") + 1]).read_text(encoding="utf-8")


def setting(name: str) -> str:
    found = re.search(rf"^\s*{name}: (.+)$", SETTINGS, re.MULTILINE)
    if found is None:
        raise SystemExit(f"{name} is not set")
    return found[1].strip('"')


class Door(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        is_open = self.path == "/readyz" or self.headers.get("api-key") == setting("api_key")
        self.send_response(200 if is_open else 401)
        self.send_header("Content-Length", "0")
        self.end_headers()


if __name__ == "__main__":
    assert "--disable-telemetry" in sys.argv
    (Path(setting("storage_path")) / "collections").mkdir(parents=True, exist_ok=True)
    ThreadingHTTPServer((setting("host"), int(setting("http_port"))), Door).serve_forever()
