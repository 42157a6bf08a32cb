"""Responses that are written without a caller who waits, and the upkeep of what is stored."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any
from uuid import UUID

import msgspec
import structlog
from sqlalchemy.exc import SQLAlchemyError

from appliance.foundation import ApplianceError
from appliance.identity import Leases, Principal
from appliance.openai_api.responses.errors import BackgroundFull
from appliance.openai_api.responses.reply import ResponseError, ResponseObject
from appliance.openai_api.responses.repository import ResponseRepository
from appliance.openai_api.responses.settings import ResponseSettings

log = structlog.get_logger(__name__)

LOOK_S = 2.0
"""How often a response that is being written asks whether somebody cancelled or deleted it at another gateway."""
SWEEP_S = 3600.0
INTERRUPTED = "The appliance was stopped while this was written. Ask once more."


class Live:
    """The events so far of a response that is being written, and a bell for the next ones."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._done = False
        self._bell = asyncio.Event()

    def add(self, events: bytes) -> None:
        self._parts.append(events)
        self._ring()

    def finish(self) -> None:
        self._done = True
        self._ring()

    async def follow(self) -> AsyncGenerator[bytes]:
        """From the first event on, to the last."""
        at = 0
        while True:
            bell = self._bell
            while at < len(self._parts):
                yield self._parts[at]
                at += 1
            if self._done:
                return
            await bell.wait()

    def _ring(self) -> None:
        bell, self._bell = self._bell, asyncio.Event()
        bell.set()


Writing = Callable[[Live], Awaitable[None]]
"""Writes a response, adds its events, and keeps it at the end. Raises no ApplianceError."""


class BackgroundWork:
    """The tasks of this process. Whoever cancels or deletes at another gateway is heard within two seconds."""

    def __init__(self, repository: ResponseRepository, settings: ResponseSettings, leases: Leases) -> None:
        self._repository = repository
        self._leases = leases
        self._at_most = settings.background_at_most
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """End what a crash cut off, and begin to delete what is over."""
        for orphan in await self._repository.orphans():
            await self._repository.finish(orphan.id, "failed", failed(orphan.response, INTERRUPTED))
        self._sweeper = asyncio.create_task(self._sweep_for_ever())

    async def stop(self) -> None:
        """End everything; what was being written is kept as failed."""
        tasks = [*self._tasks.values(), *([self._sweeper] if self._sweeper else [])]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def require_room(self) -> None:
        """Raises BackgroundFull."""
        if len(self._tasks) >= self._at_most:
            raise BackgroundFull(f"{len(self._tasks)} responses are being written in the background.")

    def begin(self, caller: Principal, key: UUID, response: bytes, write: Writing) -> Live:
        """Write the stored response `key`; `response` is how it is kept should it be cut off.

        It goes on for as long as the caller's rights do.
        """
        live = Live()
        task = asyncio.create_task(self._run(key, response, live, self._held(caller, live, write)))
        self._tasks[key] = task
        task.add_done_callback(lambda _: self._tasks.pop(key, None))
        return live

    async def cancel(self, key: UUID) -> None:
        """Stop it if it runs here; the engine is told at once."""
        task = self._tasks.get(key)
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    async def _held(self, caller: Principal, live: Live, write: Writing) -> None:
        with self._leases.held(caller):
            await write(live)

    async def _run(self, key: UUID, response: bytes, live: Live, writing: Coroutine[Any, Any, None]) -> None:
        work = asyncio.ensure_future(writing)
        watch = asyncio.create_task(self._until_ended(key))
        try:
            await asyncio.wait({work, watch}, return_when=asyncio.FIRST_COMPLETED)
            if work.done() and (defect := work.exception()) is not None:
                await self._repository.finish(key, "failed", failed(response, _sentence(defect)))
        except asyncio.CancelledError:  # cancelled by a caller, who has noted it, or the process ends
            await _ended(work)
            await self._repository.finish(key, "failed", failed(response, INTERRUPTED))
        finally:
            await _ended(work, watch)
            live.finish()

    async def _until_ended(self, key: UUID) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            with suppress(SQLAlchemyError, OSError):  # the database is away for a moment: go on writing
                if not await self._repository.is_unfinished(key):
                    return

    async def _sweep_for_ever(self) -> None:
        while True:
            try:
                gone = await self._repository.sweep()
                if gone:
                    log.info("responses are over", count=gone)
            except (SQLAlchemyError, OSError) as error:
                log.warning("responses could not be swept", reason=type(error).__name__)
            await asyncio.sleep(SWEEP_S)


def _sentence(error: BaseException) -> str:
    """Why it broke, for the caller."""
    if isinstance(error, ApplianceError):  # the caller's rights were taken back
        return error.sentence()
    log.error("background response broke", exc_info=error)
    return "Something broke on our side."


def failed(response: bytes, sentence: str) -> bytes:
    """A stored response as one that broke."""
    broken = msgspec.json.decode(response, type=ResponseObject)
    broken.status, broken.error = "failed", ResponseError("server_error", sentence)
    return msgspec.json.encode(broken)


def cancelled(response: bytes) -> bytes:
    """A stored response as one that was cancelled."""
    stopped = msgspec.json.decode(response, type=ResponseObject)
    stopped.status = "cancelled"
    return msgspec.json.encode(stopped)


async def _ended(*tasks: "asyncio.Future[None]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
