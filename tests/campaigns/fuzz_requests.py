"""Whole requests: a route, a body, headers and an address, each good or spoilt, and clients that misbehave."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from tests.campaigns.fuzz_bodies import GOOD, UUID, body_for

Manner = Literal["plain", "pieces", "cut", "leave", "garbage", "pipeline", "chunked"]

ODD_HEADERS: list[tuple[str, str]] = [
    *(("x-request-id", v) for v in ("mine", "a" * 64, "a" * 65, "a b", "é", "x'\"", "../..", "")),
    *(("traceparent", v) for v in ("00-" + "a" * 32 + "-" + "b" * 16 + "-01", "00-0-0-00", "x" * 500)),
    *(("accept", v) for v in ("text/event-stream", "image/*", "x", "", "application/json;q=0.0", "a/b;" * 500)),
    *(("cookie", v) for v in ("a=b", "appliance_session=" + "x" * 43, "=;=;=", ";" * 300, "a=\x01", "é=ü")),
    *(("accept-encoding", v) for v in ("gzip", "identity;q=0", "x")),
    *(("origin", v) for v in ("null", "http://evil.example", "é")),
    *(("x-requested-with", v) for v in ("appliance", "x")),
    *(("host", v) for v in ("x", "", "a b", "[::1]:8", "é", "x" * 500)),
    *(("range", v) for v in ("bytes=0-", "bytes=9-1", "x")),
    *(("if-none-match", v) for v in ("*", '"x"')),
    *(("x-forwarded-for", v) for v in ("1.2.3.4", "x")),
    *(("content-length", v) for v in ("0", "-1", "x", "9" * 30, "5, 5")),
    *(("transfer-encoding", v) for v in ("chunked", "gzip", "identity", "x")),
    *(("expect", v) for v in ("100-continue", "x")),
    *(("connection", v) for v in ("close", "upgrade", "x")),
    *(("upgrade", v) for v in ("websocket", "h2c")),
    *(("sec-websocket-key", v) for v in ("x",)),
    *(("x-api-key", v) for v in ("pma_x", "")),
    *(
        ("x" * 300, "y"),
        ("x-long", "y" * 9000),
        ("content-type", "x"),
        ("openai-organization", "x"),
        ("last-event-id", "9"),
    ),
]

SECRETS = (
    *("Bearer x", "Bearer ", "Basic eDp5", "bearer", "Bearer pma_aaaaaaaa_" + "b" * 43 + "_00000000", "", "é"),
    *("Bearer pmo_" + "x" * 43, "Bearer " + "x" * 4000, "Negotiate x", "Bearer a b"),
)

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "FOO", "get", "PROPFIND")

METHODS_OF_HTTP = METHODS[:7]
"""The others the server itself may refuse."""

PATHS = (
    *("/", "//", "/..", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/v1", "/v1/", "/v1//models", "/v1/models/"),
    *("/%00", "/v1/models/%00", "/v1/models/%ff", "/assets/..%2f..%2fapp.py", "/assets/%2e%2e/%2e%2e", "/*", "/v1/%"),
    *("/v1/models/" + "a" * 3000, "/schema", "/schema/openapi.json", "/health/live", "/health/ready", "/metrics"),
    *(
        "/v1/models/é",
        "/api/collections/" + UUID + "/../x",
        "/index.html",
        "/favicon.svg",
        "/library/x",
        "/v1/x%0d%0ax",
    ),
    *(
        "/v1/files?limit=x",
        "/v1/files?limit=-1&after=%00&order=%ff",
        "/api/collections/x/documents?offset=-1",
        "/?" * 200,
    ),
)

IDS = (
    *(UUID, UUID, "x", "0", "-1", "%00", "%ff", "é", "a" * 500, "..", "%2e%2e", "null", "file-" + "0" * 32),
    *(
        "resp_" + "0" * 32,
        "vs_" + "0" * 32,
        "batch_" + "0" * 32,
        "smollm2-135m-instruct",
        "documents",
        "1",
        "2",
        "9" * 30,
    ),
)

MOST_IDS = 60
"""Of things that exist; some of them are deleted as the run goes."""

GARBAGE = (
    *(
        b"\r\n",
        b"\x00" * 50,
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02",
    ),
    *(b"GET / HTTP/1.1\r\nhost: x\r\n x: folded\r\n\r\n", b"GET / HTTP/1.1\r\n: x\r\n\r\n", b"a" * 70_000),
    *(
        b"POST /v1/models HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"GET http://x/ HTTP/1.1\r\n\r\n",
    ),
)


@dataclass(frozen=True)
class Shot:
    """What is sent, and what is fair to expect."""

    pieces: tuple[bytes, ...]
    method: str
    path: str
    manner: Manner
    replies: int = 1
    """How many replies a good server gives; 0: none can be asked for."""
    is_http: bool = True
    """Our own application sees it; otherwise the server itself may refuse, in words of its own."""


class Shooter:
    """Makes requests from routes, credentials and chance."""

    def __init__(self, rng: random.Random, operations: Sequence[str], keys: Sequence[str]) -> None:
        """`operations` are `METHOD /path` with `{}` for each parameter."""
        self._rng = rng
        self._operations = operations
        self._busy = [o for o in operations if o in GOOD and "/v1/" in o and "{}" not in o]
        self._made: list[str] = []
        self._slow = {"POST /auth/login", "POST /api/me/password"}
        self._keys = keys

    def shot(self) -> Shot:
        """The next one."""
        rng = self._rng
        if rng.random() < 0.01:
            return Shot(
                (rng.choice(GARBAGE) + rng.randbytes(rng.choice((0, 0, 5))),), "", "", "garbage", 0, is_http=False
            )
        operation = rng.choice(self._busy if rng.random() < 0.6 else self._operations)
        while operation in self._slow and rng.random() < 0.95:  # a password's hash takes a tenth of a second by design
            operation = rng.choice(self._operations)
        method, path = operation.split(" ", 1)
        spoilt = body_for(rng, operation) if method != "GET" or rng.random() < 0.1 else None
        if rng.random() < 0.06:
            method = rng.choice(METHODS)
        headers = dict(spoilt.headers) if spoilt else {}
        if "/messages" in path and rng.random() < 0.9:
            headers["anthropic-version"] = "2023-06-01"
        return self._sent(method, self._address(method, path), headers, spoilt.body if spoilt else b"")

    def learn(self, made: object) -> None:
        """An id that a reply named; later requests use it."""
        if isinstance(made, str) and len(made) < 100 and made.isascii() and made.isprintable():
            self._made.append(quote(made, safe="-_"))
            if len(self._made) > MOST_IDS:
                del self._made[self._rng.randrange(MOST_IDS)]

    def _address(self, method: str, path: str) -> str:
        rng = self._rng
        if rng.random() < 0.03:
            return rng.choice(PATHS)
        while "{}" in path:
            known = self._made if rng.random() < (0.02 if method == "DELETE" else 0.5) else ()
            path = path.replace("{}", rng.choice(known or IDS), 1)
        way = rng.random()
        if way < 0.05:
            path += "?" + "&".join(
                f"{rng.choice(('limit', 'offset', 'after', 'order', 'x', ''))}={rng.choice(IDS)}" for _ in range(3)
            )
        elif way < 0.07:
            path = (
                quote(path, safe="") if rng.random() < 0.3 else path.replace("/", rng.choice(("//", "/./", "%2f")), 1)
            )
        return path

    def _sent(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Shot:
        rng = self._rng
        plain = all(value.isascii() for value in headers.values())
        is_http = plain and path.isascii() and path.startswith("/") and method in METHODS_OF_HTTP
        pairs = [("host", "x"), ("authorization", rng.choice(self._keys)), *headers.items()]
        if rng.random() < 0.04:
            pairs[1] = ("authorization", rng.choice(SECRETS))
        manner: Manner = "plain"
        if rng.random() < 0.06:
            pairs += rng.sample(ODD_HEADERS, rng.choice((1, 1, 2, 4)))
            is_http = False
        elif body and rng.random() < 0.08:
            manner = rng.choice(("pieces", "cut", "leave", "pipeline", "chunked"))
        if manner == "chunked":
            pairs.append(("transfer-encoding", "chunked"))
            body = b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"
        elif body or method != "GET":
            pairs.append(("content-length", str(len(body))))
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in pairs) + "\r\n"
        raw = head.encode("utf-8")
        if manner == "pieces":
            third = max(1, len(body) // 3)
            pieces = (raw, body[:third], body[third : 2 * third], body[2 * third :])
            return Shot(pieces, method, path, manner, is_http=is_http)
        if manner == "cut":
            return Shot((raw, body[: len(body) // 2]), method, path, manner, 0, is_http=is_http)
        if manner == "leave":
            return Shot((raw + body,), method, path, manner, 0, is_http=is_http)
        if manner == "pipeline":
            return Shot((raw + body + raw + body,), method, path, manner, 2, is_http=is_http)
        return Shot((raw + body,), method, path, manner, is_http=is_http)
