"""One call to an engine from beginning to end: allowed, routed, passed through, and booked."""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

import structlog
from msgspec import Struct

from appliance.foundation import ApplianceError, Lane, explain_cancelled
from appliance.identity import Principal, require_model
from appliance.inference import Engines, EngineUnavailable, Forward, RoutedReply, UpstreamReply
from appliance.metrics import CallMeter, CallMeters
from appliance.openai_api.errors import refusal
from appliance.openai_api.tap import StreamTap, usage_of
from appliance.usage import Ask, Reservation, Spent, Usage

log = structlog.get_logger(__name__)

LEAVING_S = 0.3
"""An engine that does not notice that nobody reads any more is cut off after this."""

ERROR_BYTES = 20_000
"""An engine's error is read so far."""


class EngineCall(Struct, frozen=True):
    """A request that was checked, and rebuilt from its allowlist."""

    model_id: str
    endpoint: str
    """As in the address, without the version: `chat/completions`."""
    body: bytes
    prompt_tokens: int
    """An estimate."""
    max_tokens: int
    """Most that may be generated, all choices together."""
    stream: bool = False
    with_usage: bool = False
    """The caller asked for the usage event of a stream; the engine is always asked for it."""
    lane: Lane = "interactive"
    affinity: bytes = b""
    content_type: bytes = b""
    """Empty: JSON."""
    shortened: Callable[[int], bytes] | None = None
    """The body anew, with at most so many tokens to generate: when a budget has less left than was asked for."""

    def __repr__(self) -> str:
        """Without what people wrote."""
        return f"EngineCall({self.model_id!r}, {self.endpoint!r})"


class Opened(Protocol):
    """A reply on its way to the caller, by an engine or by an assistant. Whoever opened it closes it."""

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """`x-ratelimit-*`, and `x-appliance-model`: which model answers."""
        ...

    @property
    def streams(self) -> bool:
        """Server-sent events; otherwise one JSON value."""
        ...

    async def read(self) -> bytes:
        """The next bytes of a stream, whole events; empty at the end. Raises ApplianceError."""
        ...

    async def whole(self) -> bytes:
        """The one JSON value. Raises ApplianceError."""
        ...

    async def aclose(self) -> None:
        """Stop the work if it has not ended, and book what was used. May be called again."""
        ...


class EngineCalls:
    """Opens calls; every pass-through endpoint uses this one way."""

    def __init__(self, engines: Engines, usage: Usage, meters: CallMeters | None = None) -> None:
        self._meters = meters or CallMeters()
        self._engines = engines
        self._usage = usage

    async def open(self, principal: Principal, call: EngineCall) -> "OpenCall":
        """Ask for the right, then ask the engine; returns when its status is known and good.

        Raises:
            OutsideKeyScope: the caller's key is not for this model.
            LimitExceeded: a limit of the caller is reached.
            ModelUnknown: no such model is configured.
            EngineUnavailable: no engine answers, or it failed before its first byte.
            UpstreamRefused: the engine says that the request cannot be served as it is.
        """
        require_model(principal, call.model_id)
        ask = Ask(call.model_id, call.endpoint, call.prompt_tokens, call.max_tokens, call.lane)
        reservation = await self._usage.reserve(principal, ask)
        meter = self._meters.begin(call.model_id, call.endpoint, principal.group_ids)
        opened, failed = None, Spent(0, 0, outcome="failed")
        began = time.monotonic()
        try:
            body = call.body
            if reservation.max_tokens < call.max_tokens and call.shortened is not None:
                body = call.shortened(reservation.max_tokens)
            tokens = call.prompt_tokens + reservation.max_tokens
            reply = await self._engines.forward(
                Forward(
                    call.model_id, f"/v1/{call.endpoint}", body, call.lane, tokens, call.affinity, call.content_type
                )
            )
            if reply.status >= 400:
                raise await _refused(reply, call.endpoint)
            opened = OpenCall(call, reservation, reply, meter)
        except asyncio.CancelledError:
            # The engine worked for a caller who has left; how far it came, it does not say of an unread reply.
            failed = Spent(call.prompt_tokens, 0, time.monotonic() - began, "cancelled")
            raise
        finally:
            if opened is None:
                reservation.settle(failed)
                meter.ended(0, 0, "failed")
        return opened


class OpenCall:
    """`Opened`, by an engine whose status is good."""

    def __init__(self, call: EngineCall, reservation: Reservation, reply: RoutedReply, meter: CallMeter) -> None:
        self._meter = meter
        self.headers = (*reservation.headers, (b"x-appliance-model", reply.model_id.encode()))
        self.streams = call.stream
        self._call = call
        self._reservation = reservation
        self._reply = reply
        self._tap = StreamTap(with_usage=call.with_usage) if call.stream else None
        self._began = time.monotonic()
        self._ended = False
        self._settled = False

    async def read(self) -> bytes:
        """The next bytes for the caller; empty at the end. Raises EngineUnavailable when the engine broke off, and
        what ended the caller's rights.
        """
        while True:
            try:
                data = await self._reply.read()
            except asyncio.CancelledError:
                explain_cancelled()  # a reader whose rights were taken back gets an error, told in its own protocol
                raise
            if not data:
                self._ended = True
                if self._tap is not None and not self._tap.done:
                    raise EngineUnavailable("The engine broke off.")
                return b""
            if self._tap is None:
                return data
            self._meter.came()
            passed = self._tap.feed(data)
            if passed:
                return passed

    async def whole(self) -> bytes:
        """Everything at once, booked and closed. Raises EngineUnavailable."""
        try:
            parts = []
            while data := await self._reply.read():
                parts.append(data)
            self._meter.came()
            body = parts[0] if len(parts) == 1 else b"".join(parts)
            self._ended = True
            self._reply.close()
            self._settle(*usage_of(body))
            return body
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """Book what was used; before the end this also aborts the request in the engine."""
        if self._settled:
            return
        try:
            if self._ended:
                self._reply.close()
            else:
                await self._leave()
        finally:
            used = self._tap.usage if self._tap is not None else None
            generated = self._tap.tokens if self._tap is not None else 0
            self._settle(*(used or (self._call.prompt_tokens, generated)))

    async def _leave(self) -> None:
        """What the engine had made before it knew is on its way, and is part of the cost."""
        try:
            rest = await self._reply.leave(LEAVING_S)
            if self._tap is not None:
                self._tap.feed(rest)
        finally:
            self._reply.close()

    def _settle(self, prompt_tokens: int, completion_tokens: int) -> None:
        self._settled = True
        done = self._ended and (self._tap is None or self._tap.done)
        seconds = time.monotonic() - self._began
        self._reservation.settle(Spent(prompt_tokens, completion_tokens, seconds, "done" if done else "cancelled"))
        self._meter.ended(prompt_tokens, completion_tokens, "done" if done else "cancelled")


async def _refused(reply: UpstreamReply, endpoint: str) -> ApplianceError:
    body = b""
    try:
        while len(body) < ERROR_BYTES and (data := await reply.read()):
            body += data
    finally:
        reply.close()
    log.warning("engine refused", status=reply.status)
    return refusal(reply.status, body, endpoint)
