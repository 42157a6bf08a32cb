"""Asks one engine."""

import asyncio
import socket
from collections.abc import Sequence

from appliance.inference.http1.address import Address
from appliance.inference.http1.connection import Connection
from appliance.inference.http1.errors import NoReply, NotSent
from appliance.inference.http1.exchange import Exchange
from appliance.inference.http1.pool import Limits, Pool
from appliance.inference.http1.request import RequestWriter

STALE_S = 1.0
"""A waiting connection that the engine had closed shows it within a round trip; later than this, the engine died."""

DEAD_HOST = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 3),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 15_000),
)
"""A host that lost its power or its cable closes nothing. Its kernel is asked, so an engine that only takes long over
an answer is not disturbed; seconds, but the last one in milliseconds."""


class Transport:
    """One engine at `http://host:port`, with as many connections as there are requests at once.

    It follows no redirects, keeps no cookies, unpacks nothing, and knows no proxies.
    """

    def __init__(self, base_url: str, limits: Limits | None = None) -> None:
        """Raises UnusableAddress."""
        self._address = Address.parse(base_url)
        self._write = RequestWriter(self._address)
        self._limits = limits or Limits()
        self.pool = Pool(self._limits)

    async def post(self, path: str, body: bytes, headers: Sequence[tuple[bytes, bytes]] = ()) -> Exchange:
        """Send a body, JSON unless `headers` name another content type; returns with the head of the reply.

        Cancelling it closes the connection. The reply is to be read to its end or closed.

        Raises:
            NotSent, NoReply: there is no reply, and another engine may be asked.
            Silent, BrokeOff: the reply did not come in time, or is no HTTP reply.
            UnsafeRequest: a path or header that cannot be sent.
        """
        return await self._ask(self._write.post(path, len(body), headers), body)

    async def get(self, path: str, headers: Sequence[tuple[bytes, bytes]] = ()) -> Exchange:
        """The same without a body."""
        return await self._ask(self._write.get(path, headers), b"")

    def close(self) -> None:
        """Close every connection; nothing can be asked afterwards."""
        self.pool.close()

    async def _ask(self, head: bytes, body: bytes) -> Exchange:
        connection = self.pool.take()
        if connection is not None:
            began = connection.loop.time()
            try:
                return await _reply(connection.send(head, body))
            except NoReply:
                if connection.loop.time() - began > STALE_S:
                    raise
        connection = await self._connect()
        return await _reply(connection.send(head, body))

    async def _connect(self) -> Connection:
        self._refuse_when_closed()
        loop = asyncio.get_running_loop()
        connection = Connection(self.pool, loop)
        address, wait_s = self._address, self._limits.connect_s
        made = False
        try:
            async with asyncio.timeout(wait_s):
                transport, _ = await loop.create_connection(lambda: connection, address.host, address.port)
            for option in DEAD_HOST:
                transport.get_extra_info("socket").setsockopt(*option)
            self._refuse_when_closed()
            made = True
        except TimeoutError as error:
            raise NotSent(f"The engine took no connection within {wait_s:g} s.") from error
        except OSError as error:
            raise NotSent("The engine takes no connection.") from error
        finally:
            if not made:  # it may be there all the same, when it was made in the moment of the cancellation
                connection.abort()
                self.pool.lost(connection)
        return connection

    def _refuse_when_closed(self) -> None:
        if self.pool.closed:
            raise NotSent("The way to the engine is closed.")


async def _reply(exchange: Exchange) -> Exchange:
    try:
        await exchange.begin()
    except BaseException:
        exchange.close()
        raise
    return exchange
