"""The way to one engine: our own client over plain http, aiohttp over TLS (decision 0018)."""

from collections.abc import Sequence
from typing import Protocol

import aiohttp

from appliance.inference import http1
from appliance.inference.errors import EngineUnavailable
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
    http1.Address.parse(_root(url).replace("https://", "http://", 1))


def way_to(base_url: str, session: aiohttp.ClientSession, silence_s: float) -> EngineTransport:
    """To the engine at `base_url`, a trailing `/v1` aside. The session, for TLS, belongs to the caller.

    `silence_s`: an engine that is waited for and sends nothing for so long is given up.

    Raises:
        UnusableAddress: it is no http or https URL of a host.
    """
    root = _root(base_url)
    if root.startswith("https://"):
        return AiohttpTransport(session, root, silence_s)
    return http1.Transport(root, http1.Limits(silence_s=silence_s))


def _root(base_url: str) -> str:
    return base_url.rstrip("/").removesuffix("/v1")


class AiohttpTransport:
    """An engine at `root`, a URL without `/v1`. The session is shared and belongs to the caller."""

    def __init__(self, session: aiohttp.ClientSession, root: str, silence_s: float) -> None:
        self._session = session
        self._root = root
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=5.0, sock_read=silence_s)

    async def post(self, path: str, body: bytes, headers: Headers = ()) -> UpstreamReply:
        """As `Transport.post`."""
        named = {name.decode(): value.decode() for name, value in headers}
        return await self._ask("POST", path, body, {"content-type": "application/json"} | named)

    async def get(self, path: str) -> UpstreamReply:
        """As `EngineTransport.get`."""
        return await self._ask("GET", path, None, {})

    def close(self) -> None:
        """The connections are the session's."""

    async def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> UpstreamReply:
        url = f"{self._root}{path}"
        try:
            return _Reply(await self._session.request(method, url, data=body, headers=headers, timeout=self._timeout))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise EngineUnavailable(NO_ANSWER) from error


class _Reply:
    """An `UpstreamReply` over aiohttp."""

    def __init__(self, reply: aiohttp.ClientResponse) -> None:
        self._reply = reply
        self.status = reply.status
        self.content_type = reply.content_type

    async def read(self) -> bytes:
        try:
            return await self._reply.content.readany()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise EngineUnavailable(BROKE_OFF) from error

    async def leave(self, within_s: float) -> bytes:  # noqa: ARG002 - there is no half of a TLS connection to close
        self.close()
        return b""

    def close(self) -> None:
        if self._reply.content.at_eof():
            self._reply.release()
        else:
            self._reply.close()
