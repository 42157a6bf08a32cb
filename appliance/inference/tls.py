"""The way to engines over TLS: aiohttp (decision 0018). Loaded only where an engine has an https address."""

import aiohttp

from appliance.inference.errors import EngineUnavailable
from appliance.inference.port import UpstreamReply
from appliance.inference.transport import BROKE_OFF, NO_ANSWER, EngineTransport, Headers, root_of


class TlsWays:
    """Ways that share their connections. Made inside the event loop, and closed by whoever made it."""

    def __init__(self) -> None:
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30)
        self._session = aiohttp.ClientSession(connector=connector, trust_env=False, read_bufsize=2**20)

    def way_to(self, base_url: str, silence_s: float) -> EngineTransport:
        """As `transport.way_to`, for https."""
        return AiohttpTransport(self._session, root_of(base_url), silence_s)

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()


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
