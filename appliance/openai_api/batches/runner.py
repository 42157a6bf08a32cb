"""The part of a process that runs batches: looks for one, runs it, looks again."""

import asyncio

import structlog
from sqlalchemy.exc import SQLAlchemyError

from appliance.openai_api.batches.errors import LeaseLost
from appliance.openai_api.batches.run import BatchRun, Tools
from appliance.openai_api.batches.values import Lease

log = structlog.get_logger(__name__)


class BatchRunner:
    """Takes batches under leases, so that several gateways on one database never run one twice."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._news = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()
        self._looking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Go on with what a crash left unfinished, then with whatever comes."""
        if self._tools.settings.parallel > 0:
            await self._tools.leases.free_own()
            self._looking = asyncio.create_task(self._look_for_ever())

    async def stop(self) -> None:
        """Break off; lines without a result are run by the next start, or by another gateway."""
        tasks = {*self._running, *({self._looking} if self._looking else ())}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
            await self._tools.leases.free_own()

    def wake(self) -> None:
        """There is something new."""
        self._news.set()

    async def _look_for_ever(self) -> None:
        while True:
            self._news.clear()
            try:
                while len(self._running) < self._tools.settings.at_once and (lease := await self._tools.leases.take()):
                    task = asyncio.create_task(self._run(lease))
                    self._running.add(task)
                    task.add_done_callback(self._ended)
            except (SQLAlchemyError, OSError) as error:
                log.warning("no batch could be taken, will be tried again", exc_info=error)
            try:
                async with asyncio.timeout(self._tools.settings.poll_s):
                    await self._news.wait()
            except TimeoutError:
                continue

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._news.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("defect", part="batches", exc_info=error)

    async def _run(self, lease: Lease) -> None:
        """Whatever it broke off by: the lease runs out, and the batch is taken up again by whoever looks first."""
        try:
            await BatchRun(self._tools, lease).run()
        except* LeaseLost:
            log.warning("a batch was taken by another process", batch=str(lease.batch_id))
        except* (SQLAlchemyError, OSError) as errors:
            log.warning("a batch broke off, will be taken up again", batch=str(lease.batch_id), exc_info=errors)
