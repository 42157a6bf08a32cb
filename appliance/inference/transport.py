"""The way to one engine: our own client over plain http, aiohttp over TLS (decision 0018)."""

from collections.abc import Sequence
from typing import Protocol

from appliance.inference import http1
from appliance.inference.port import UpstreamReply

BROKE_OFF = "The engine broke off."
NO_ANSWER = "The engine does not answer."

Headers = Sequence[tuple[bytes, bytes]]


class Transport(Protocol):
    """Asks an engine. Cancelling a call closes its connection, which aborts the request in the engine."""

    async def post(self, path: str, body: bytes, headers: Headers = ()) -> UpstreamReply:
        """Send a body, JSON unless `headers` name another content type; returns with the status line.

        Raises:
            EngineUnavailable: no connection, or it ended before the status line.
        """
        ...


class EngineTransport(Transport, Protocol):
    """The same to one certain engine, which may be asked about itself too."""

    async def get(self, path: str) -> UpstreamReply:
        """As `post`, without a body."""
        ...

    def close(self) -> None:
        """Close every connection; whoever waits for a reply is told that the engine broke off."""
        ...


def check_base_url(url: str) -> None:
    """Raises UnusableAddress."""
    http1.Address.parse(root_of(url).replace("https://", "http://", 1))


def way_to(base_url: str, silence_s: float) -> EngineTransport:
    """To the engine at `base_url` over plain http, a trailing `/v1` aside. `tls.py` is for https.

    `silence_s`: an engine that is waited for and sends nothing for so long is given up.

    Raises:
        UnusableAddress: it is no http URL of a host.
    """
    return http1.Transport(root_of(base_url), http1.Limits(silence_s=silence_s))


def root_of(base_url: str) -> str:
    """Without `/v1`."""
    return base_url.rstrip("/").removesuffix("/v1")
