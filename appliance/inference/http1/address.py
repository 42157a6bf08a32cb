"""Where an engine is."""

import base64
import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from appliance.foundation import InvalidInput

_PREFIX = re.compile(r"(/[!\"$->@-~]+)?")
"""Visible ASCII without `#` and `?`."""


class UnusableAddress(InvalidInput):
    """The base URL of an engine cannot be used."""

    remedy = "Write it as http://host:port/v1."


@dataclass(frozen=True, slots=True)
class Address:
    host: str
    """A name or an address; IPv6 without brackets."""
    port: int
    prefix: str = ""
    """What stands before every path."""
    authorization: bytes = b""
    """Of the user and password in the URL."""

    @property
    def authority(self) -> bytes:
        """As in the header `host`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}".encode("idna" if not host.isascii() else "ascii")

    @classmethod
    def parse(cls, url: str) -> "Address":
        """Of `http://[user:password@]host[:port][/prefix]`. Raises UnusableAddress."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port or 80
            host.encode("idna")
        except ValueError as error:
            raise UnusableAddress(f"'{url}' is not the address of an engine.") from error
        prefix = parts.path.rstrip("/")
        if parts.scheme != "http" or not re.fullmatch(r"[^\s/@\\\x00-\x1f]+", host) or not _PREFIX.fullmatch(prefix):
            raise UnusableAddress(f"'{url}' is not the address of an engine.")
        if parts.query or parts.fragment:
            raise UnusableAddress(f"'{url}' has more than host, port and path.")
        login = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
        basic = b"Basic " + base64.b64encode(login.encode()) if parts.username is not None else b""
        return cls(host, port, prefix, basic)
