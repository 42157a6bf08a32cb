"""One request on its way to an engine: a slot, a replica, its first byte; another replica when that does not come."""

import asyncio
import random
import time
from typing import Final

import msgspec
import structlog

from appliance.inference.errors import EngineUnavailable
from appliance.inference.pool.admission import Admission, Lease
from appliance.inference.pool.replica import Replica
from appliance.inference.pool.retry import PASSING, Attempts, Cause, next_step
from appliance.inference.pool.watcher import Watcher
from appliance.inference.port import Forward, UpstreamReply
from appliance.inference.transport import BROKE_OFF, Transport

log = structlog.get_logger(__name__)

EVENTS: Final = "text/event-stream"
BATCH_PRIORITY: Final = b',"priority":10}'
"""vLLM handles lower numbers first; requests without the field have 0."""

WITH_PRIORITY = frozenset({"/v1/chat/completions", "/v1/completions", "/v1/embeddings"})
"""Addresses whose bodies know the field."""

PAUSE_S: Final = (0.05, 0.15)
"""Before the same replica is asked again."""


class Failed(Exception):
    """An attempt ended before its first byte. `reply` is the engine's own, when it has sent a status."""

    def __init__(self, cause: Cause, reply: UpstreamReply | None = None) -> None:
        super().__init__(cause)
        self.cause = cause
        self.reply = reply


class RoutedReply:
    """An `UpstreamReply` that holds its slot until its end, and says who gave it."""

    __slots__ = ("_first", "_lease", "_reply", "content_type", "model_id", "status")

    def __init__(self, model_id: str, reply: UpstreamReply, lease: Lease, first: bytes | None) -> None:
        self.model_id = model_id
        self.status = reply.status
        self.content_type = reply.content_type
        self._reply = reply
        self._lease = lease
        self._first = first

    @property
    def replica(self) -> str:
        """Name of the replica."""
        return self._lease.replica.name

    async def read(self) -> bytes:
        """As `UpstreamReply.read`."""
        if self._first is not None:
            first, self._first = self._first, None
            return first
        replica = self._lease.replica
        try:
            data = await self._reply.read()
        except EngineUnavailable:
            note_failure(replica)
            raise
        if data:
            replica.heard_at = time.monotonic()
        else:
            self._lease.free()
        return data

    async def leave(self, within_s: float) -> bytes:
        """As `UpstreamReply.leave`; the slot is free."""
        first, self._first = self._first or b"", None
        try:
            return first + await self._reply.leave(within_s)
        finally:
            self._lease.free()

    def close(self) -> None:
        """As `UpstreamReply.close`; the slot is free."""
        self._reply.close()
        self._lease.free()


class Dispatch:
    """Sends a model's requests to its replicas."""

    def __init__(self, model_id: str, admission: Admission, watcher: Watcher) -> None:
        self._model_id = model_id
        self._admission = admission
        self._watcher = watcher

    async def forward(self, ask: Forward) -> RoutedReply:
        """The reply, once its first byte is there: of a stream the first event, of all else the status line.

        Raises:
            EngineUnavailable: no replica takes requests, or those that did failed before the first byte.
            EnginesBusy: the line is full, or it took too long.
        """
        began = time.monotonic()
        tried: list[str] = []
        count = 0
        while True:
            lease = await self._admission.enter(ask, tried)
            count += 1
            try:
                return await self._attempt(ask, lease)
            except Failed as error:
                failed = error
            name = lease.replica.name
            others = self._admission.takes([*tried, name])
            step = next_step(Attempts(count, time.monotonic() - began, failed.cause, others))
            if step == "give_up":
                return self._give_up(failed, lease)
            if failed.reply is not None:
                failed.reply.close()
            lease.free()
            if step == "other":
                tried.append(name)
            else:
                await asyncio.sleep(random.uniform(*PAUSE_S))  # noqa: S311 - spreads load, guards nothing
            self._watcher.retried(self._model_id, name, failed.cause)
            log.info("sent again", model=self._model_id, replica=name, cause=failed.cause, step=step)

    def _give_up(self, failed: Failed, lease: Lease) -> RoutedReply:
        if failed.reply is not None:
            return RoutedReply(self._model_id, failed.reply, lease, None)
        lease.free()
        raise EngineUnavailable(f"The engine of '{self._model_id}' does not answer.") from failed

    async def _attempt(self, ask: Forward, lease: Lease) -> RoutedReply:
        """Raises Failed, with the slot still held; on every other error it is free."""
        began = time.monotonic()
        replica = lease.replica
        try:
            reply, first = await _first_byte(ask, replica)
        except Failed:
            note_failure(replica)
            raise
        except BaseException:
            # Whatever it was, a cancellation most likely: the slot must not be lost.
            replica.breaker = replica.breaker.undecided(time.monotonic())
            lease.free()
            raise
        now = time.monotonic()
        if reply.status in PASSING:
            note_failure(replica)
            raise Failed("status", reply)
        replica.answered(now)
        self._watcher.first_byte(self._model_id, replica.name, ask.lane, now - began)
        return RoutedReply(self._model_id, reply, lease, first)


async def _first_byte(ask: Forward, replica: Replica) -> tuple[UpstreamReply, bytes | None]:
    """Status line and, of a stream, the first bytes. Raises Failed; when cancelled, nothing stays open."""
    transport, task = replica.backend.transport, asyncio.current_task()
    if transport is None or task is None:
        raise Failed("lost")
    body = with_priority(ask) if replica.backend.takes_priority else ask.body
    cancelled_before = task.cancelling()
    replica.begin_waiting(task)
    try:
        return await _ask(transport, ask, body)
    except EngineUnavailable as error:
        raise Failed("lost") from error
    except asyncio.CancelledError as cancelled:
        if replica.was_frozen(task) and task.uncancel() <= cancelled_before:
            raise Failed("frozen") from cancelled
        raise
    finally:
        replica.end_waiting(task)


async def _ask(transport: Transport, ask: Forward, body: bytes) -> tuple[UpstreamReply, bytes | None]:
    reply = await transport.post(ask.path, body, ((b"content-type", ask.content_type),) if ask.content_type else ())
    if reply.status != 200 or not reply.content_type.startswith(EVENTS):
        return reply, None
    try:
        first = await reply.read()
    except BaseException:
        reply.close()  # a cancellation too must not leave the request running in the engine
        raise
    if not first:
        reply.close()
        raise EngineUnavailable(BROKE_OFF)
    return reply, first


def note_failure(replica: Replica) -> None:
    """One more failure in a row."""
    jitter = random.uniform(-1.0, 1.0)  # noqa: S311 - spreads load, guards nothing
    replica.breaker = replica.breaker.failed(time.monotonic(), jitter)


def with_priority(ask: Forward) -> bytes:
    """The body with the lane's priority. Callers cannot give one: the doors refuse the field."""
    if ask.lane != "batch" or ask.path not in WITH_PRIORITY or not ask.body.endswith(b"}"):
        return ask.body
    return ask.body[:-1] + BATCH_PRIORITY


def with_model(body: bytes, model_id: str) -> bytes:
    """The body for another model. Raises msgspec.MsgspecError for what is no JSON object."""
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    return msgspec.json.encode({**fields, "model": model_id})
