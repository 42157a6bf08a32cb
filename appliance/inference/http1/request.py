"""Writes the heads of requests. Nothing gets into one that could end a line, or say a second time how it is framed."""

import re
from collections.abc import Sequence

from appliance.foundation import TRAIL
from appliance.inference.http1.address import Address
from appliance.inference.http1.errors import UnsafeRequest

_PATH = re.compile(r'/[!"$-~]*')
"""Visible ASCII without `#`."""
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(rb"[\t -~\x80-\xff]*")
_OURS = frozenset(
    (b"authorization", b"connection", b"content-length", b"expect", b"host", b"keep-alive", b"proxy-connection")
) | frozenset((b"te", b"trailer", b"transfer-encoding", b"upgrade"))
"""Headers that say where a request goes or how it is framed."""

JSON_TYPE = b"content-type: application/json\r\n"


class RequestWriter:
    """For one address."""

    def __init__(self, address: Address) -> None:
        self._prefix = address.prefix
        login = b"authorization: %b\r\n" % address.authorization if address.authorization else b""
        self._fixed = b" HTTP/1.1\r\nhost: %b\r\n%b" % (address.authority, login)

    def get(self, path: str, headers: Sequence[tuple[bytes, bytes]] = ()) -> bytes:
        """The whole request. Raises UnsafeRequest."""
        lines, _ = _lines(headers)
        return b"GET %b%b%b\r\n" % (self._target(path), self._fixed, lines)

    def post(self, path: str, length: int, headers: Sequence[tuple[bytes, bytes]] = ()) -> bytes:
        """The head for a body of `length` bytes, JSON unless the headers say otherwise. Raises UnsafeRequest."""
        lines, kind = _lines(headers) if headers else (b"", JSON_TYPE)
        trail = TRAIL.get()
        if trail is not None and trail.traceparent:  # checked when it came in; the engine's spans join the caller's
            kind += b"traceparent: %b\r\n" % trail.traceparent
        return b"POST %b%b%b%bcontent-length: %d\r\n\r\n" % (self._target(path), self._fixed, kind, lines, length)

    def _target(self, path: str) -> bytes:
        if _PATH.fullmatch(path) is None:
            raise UnsafeRequest(f"{path[:200]!r} is not a path.")
        return (self._prefix + path).encode("ascii")


def _lines(headers: Sequence[tuple[bytes, bytes]]) -> tuple[bytes, bytes]:
    """The headers, and the line for JSON when none of them says the body's type."""
    kind = JSON_TYPE
    for name, value in headers:
        if _NAME.fullmatch(name) is None or _VALUE.fullmatch(value) is None or name.lower() in _OURS:
            raise UnsafeRequest(f"The header {name[:80]!r} cannot be sent.")
        if name.lower() == b"content-type":
            kind = b""
    return b"".join([b"%b: %b\r\n" % header for header in headers]), kind
