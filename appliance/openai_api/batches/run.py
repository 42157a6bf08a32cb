"""One batch from its lease to its end: check, lines, files. Can be broken off and taken up again at any point."""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Literal, Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from appliance.foundation import ApplianceError, CapacityError, Clock, Lane
from appliance.identity import Access, Principal, require_endpoint
from appliance.openai_api.batches.errors import LeaseLost
from appliance.openai_api.batches.leases import BatchLeases
from appliance.openai_api.batches.lines import Line, answered, check_input, not_run, read_lines, refused
from appliance.openai_api.batches.settings import BatchSettings
from appliance.openai_api.batches.values import BatchInfo, Ending, Endpoint, Lease, LineResult
from appliance.openai_api.files.repository import NewFile
from appliance.openai_api.ids import public_id
from appliance.storage import FileStore

log = structlog.get_logger(__name__)

LOOK_S = 1.0
"""How soon a running batch hears that it was cancelled."""
SHORTEST_WAIT_S, LONGEST_WAIT_S = 0.5, 60.0
MOST_TRIES = 30
"""Tries of a line on engines that fail, with waits that grow: about a quarter of an hour. A limit is waited for."""
MARKED_AT_ONCE = 500
GATHER_S = 0.02
"""Quick lines end close together, and one transaction keeps them all."""
MESSAGES: Mapping[Ending, str] = {
    "expired": "This request could not be run before the completion window was over.",
    "cancelled": "This request was not run, because the batch was cancelled.",
}


class LineService(Protocol):
    """An endpoint as batches need it."""

    async def whole_raw(self, principal: Principal, body: bytes, lane: Lane) -> bytes:
        """A request's body in, a reply's body out. Raises ApplianceError."""
        ...


class Tools:
    """What every run of the process shares."""

    def __init__(
        self,
        leases: BatchLeases,
        store: FileStore,
        access: Access,
        services: Mapping[Endpoint, LineService],
        clock: Clock,
        settings: BatchSettings,
    ) -> None:
        self.leases = leases
        self.store = store
        self.access = access
        self.services = services
        self.clock = clock
        self.settings = settings
        self.slots = asyncio.Semaphore(max(1, settings.parallel))


class BatchRun:
    def __init__(self, tools: Tools, lease: Lease) -> None:
        self._tools = tools
        self._leases = tools.leases
        self._lease = lease
        self._ending: Ending = "completed"
        self._asking: set[asyncio.Task[LineResult]] = set()
        self._results: list[LineResult] = []
        self._keeping = asyncio.Lock()
        self._reading = asyncio.Lock()

    async def run(self) -> None:
        """Until its end. Raises LeaseLost; database and file errors, after which it can be taken up again."""
        batch = await self._leases.look(self._lease)
        if batch.status == "validating":
            batch = await self._validated(batch)
        if batch.status in ("in_progress", "cancelling") and batch.total:
            self._ending = self._present_ending(batch)
            await self._run_lines(batch)
            await self._leases.finish_lines(self._lease, self._ending)
            batch = await self._leases.look(self._lease)
        if batch.status in ("finalizing", "cancelling"):
            await self._write_files(batch)
            ending = "cancelled" if batch.status == "cancelling" else batch.ending
            await self._leases.finish(self._lease, ending)
        await self._tools.store.drop_unused([batch.input_sha256])

    async def _validated(self, batch: BatchInfo) -> BatchInfo:
        path = self._tools.store.path(batch.input_sha256)
        checked = await asyncio.to_thread(check_input, path, batch.endpoint, self._tools.settings)
        if checked.errors:
            await self._leases.refuse(self._lease, checked.errors)
        else:
            await self._leases.begin(self._lease, total=checked.total, model=checked.model)
        return await self._leases.look(self._lease)

    async def _run_lines(self, batch: BatchInfo) -> None:
        done = await self._leases.done(self._lease)
        watching = asyncio.create_task(self._watch(batch))
        try:
            async with aclosing(self._open_lines(batch, done)) as lines, asyncio.TaskGroup() as group:
                for _ in range(self._tools.settings.parallel):
                    group.create_task(self._work(batch, lines))
        finally:
            watching.cancel()
            await asyncio.wait({watching})
        if not watching.cancelled() and (error := watching.exception()) is not None:
            raise error
        if self._stopped():
            await self._mark_rest(batch)

    async def _open_lines(self, batch: BatchInfo, done: set[int]) -> AsyncGenerator[tuple[int, Line]]:
        async for number, line in read_lines(self._tools.store.path(batch.input_sha256)):
            if number not in done:
                yield number, line

    async def _work(self, batch: BatchInfo, lines: AsyncIterator[tuple[int, Line]]) -> None:
        """One line after another, until there are none or the batch ends early."""
        while not self._stopped():
            async with self._reading:
                found = await anext(lines, None)
            if found is None:
                return
            asking = asyncio.create_task(self._ask(batch, *found))
            self._asking.add(asking)
            try:
                result = await asking
            except asyncio.CancelledError:
                if self._stopped() and asking.cancelled():
                    return  # the batch ends early, and this line is marked with the rest
                asking.cancel()
                raise
            finally:
                self._asking.discard(asking)
            await self._keep(result)

    def _stopped(self) -> bool:
        return self._ending != "completed"

    async def _ask(self, batch: BatchInfo, number: int, line: Line) -> LineResult:
        """What becomes of a line. Waits for whatever is busy, for as long as that makes sense."""
        tries = 0
        while True:
            tries += 1
            try:
                async with self._tools.slots:
                    return answered(number, line, await self._reply(batch, line))
            except CapacityError as error:
                wait_s = _wait_s(error, tries)
                left_s = (batch.expires_at - self._tools.clock.now()).total_seconds()
                if wait_s >= left_s or (error.status != 429 and tries >= MOST_TRIES):
                    return refused(number, line, error)
                await asyncio.sleep(wait_s)
            except ApplianceError as error:
                return refused(number, line, error)

    async def _reply(self, batch: BatchInfo, line: Line) -> bytes:
        """Raises ApplianceError."""
        principal = await self._tools.access.again(batch.owner_id, batch.key_id)
        require_endpoint(principal, "batches")
        require_endpoint(principal, batch.endpoint.removeprefix("/v1/"))
        with self._tools.access.leases.held(principal):
            return await self._tools.services[batch.endpoint].whole_raw(principal, bytes(line.body), "batch")

    async def _keep(self, result: LineResult) -> None:
        """When this returns, the line is never run again. Who waits for their turn mostly finds it kept along."""
        self._results.append(result)
        async with self._keeping:
            if all(waiting is not result for waiting in self._results):
                return
            await asyncio.sleep(GATHER_S)
            kept, self._results = self._results, []
            await self._leases.keep(self._lease, kept)

    async def _watch(self, batch: BatchInfo) -> None:
        """Hears of a cancellation, sees the window's end, and keeps the lease."""
        looks_per_lease = max(1, round(self._tools.settings.lease_s / 3 / LOOK_S))
        looks = 0
        while True:
            await asyncio.sleep(LOOK_S)
            looks += 1
            try:
                if looks % looks_per_lease:
                    status = (await self._leases.look(self._lease)).status
                else:
                    status = await self._leases.renew(self._lease)
            except LeaseLost:
                self._end("cancelled")  # whoever has it now decides; here nothing more can be kept
                raise
            except (SQLAlchemyError, OSError) as error:
                log.warning("a batch could not be looked at, will be tried again", exc_info=error)
                continue
            ending = self._present_ending(replace(batch, status=status))
            if ending != "completed":
                self._end(ending)

    def _present_ending(self, batch: BatchInfo) -> Ending:
        if batch.status == "cancelling":
            return "cancelled"
        return "expired" if self._tools.clock.now() >= batch.expires_at else "completed"

    def _end(self, ending: Ending) -> None:
        self._ending = ending
        for asking in self._asking:
            asking.cancel()

    async def _mark_rest(self, batch: BatchInfo) -> None:
        """Every line ends in one of the files."""
        code, message = f"batch_{self._ending}", MESSAGES[self._ending]
        rest: list[LineResult] = []
        async for number, line in self._open_lines(batch, await self._leases.done(self._lease)):
            rest.append(not_run(number, line, code, message))
            if len(rest) == MARKED_AT_ONCE:
                await self._leases.keep(self._lease, rest)
                rest = []
        if rest:
            await self._leases.keep(self._lease, rest)

    async def _write_files(self, batch: BatchInfo) -> None:
        if batch.completed and batch.output_file_id is None:
            await self._write(batch, "output", good=True)
        if batch.failed and batch.error_file_id is None:
            await self._write(batch, "error", good=False)

    async def _write(self, batch: BatchInfo, kind: Literal["output", "error"], *, good: bool) -> None:
        name = f"{public_id('batch', batch.id)}_{kind}.jsonl"
        new = NewFile(batch.owner_id, name, "batch_output", batch.output_expires_after_s, batch.key_id)
        results = self._leases.results(self._lease, good=good)
        async with self._tools.store.keep(results, max_bytes=2**63) as stored:
            await self._leases.attach(self._lease, new, stored, good=good)


def _wait_s(error: CapacityError, tries: int) -> float:
    """As long as the server says, longer with every try on what fails, and never all at once."""
    patient = min(LONGEST_WAIT_S, SHORTEST_WAIT_S * 2**tries) if error.status != 429 else SHORTEST_WAIT_S
    return max(error.retry_after_s, patient) * (1 + random.random() / 4)  # noqa: S311 - spreads load, guards nothing
