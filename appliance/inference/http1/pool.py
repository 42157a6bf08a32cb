"""Keeps the connections of one engine, and watches over all of them with one timer."""

import asyncio
import math
from dataclasses import dataclass

from appliance.inference.http1.connection import Connection
from appliance.inference.http1.errors import Silent


@dataclass(frozen=True, slots=True)
class Limits:
    connect_s: float = 5.0
    """Longest wait for a connection."""
    silence_s: float = 120.0
    """An engine that is waited for and sends nothing for this long is given up; up to two sweeps late."""
    idle_s: float = 4.0
    """How long a connection waits for its next request: less than the 5 s after which vLLM closes it."""
    idle_connections: int = 512
    """Most that wait for their next request."""

    @property
    def sweep_s(self) -> float:
        return max(0.01, min(0.5, self.silence_s / 8, self.idle_s / 8))


class Pool:
    """The last one given back is the first one taken, so that those too many grow old."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._idle_sweeps = math.ceil(limits.idle_s / limits.sweep_s)
        self._silent_sweeps = math.ceil(limits.silence_s / limits.sweep_s)
        self._all: set[Connection] = set()
        self._idle: dict[Connection, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self.closed = False

    def __len__(self) -> int:
        """Open connections, busy ones too."""
        return len(self._all)

    @property
    def idle(self) -> int:
        return len(self._idle)

    def take(self) -> Connection | None:
        """One that waits, if there is one."""
        while self._idle:
            connection, _ = self._idle.popitem()
            if connection.usable:
                return connection
        return None

    def close(self) -> None:
        """Close all; who waits for a reply is told that the engine broke off."""
        self.closed = True
        for connection in tuple(self._all):
            connection.abort()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # -- for connections

    def made(self, connection: Connection) -> None:
        self._all.add(connection)
        if self._timer is None and not self.closed:
            self._timer = connection.loop.call_later(self._limits.sweep_s, self._sweep, connection.loop)

    def give_back(self, connection: Connection) -> None:
        if self.closed or len(self._idle) >= self._limits.idle_connections:
            connection.abort()
        else:
            connection.quiet = 0
            self._idle[connection] = None

    def lost(self, connection: Connection) -> None:
        self._all.discard(connection)
        self._idle.pop(connection, None)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        for connection in tuple(self._all):
            connection.quiet += 1
            exchange = connection.exchange
            if exchange is None:
                if connection.quiet >= self._idle_sweeps:
                    connection.abort()
            elif exchange.waiting and connection.quiet > self._silent_sweeps:
                exchange.fail(Silent(f"The engine sent nothing for {self._limits.silence_s:g} s."))
        self._timer = loop.call_later(self._limits.sweep_s, self._sweep, loop) if self._all else None
