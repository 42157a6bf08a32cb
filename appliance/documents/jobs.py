"""Starts, feeds and stops the durable workflows, and picks up what was lost between two databases.

The job store is opened when there is the first work for it (`workflow.py`): an installation that only passes requests
on never pays for it, and one at rest pays after its first document.
"""

import asyncio
from typing import TYPE_CHECKING
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from appliance.documents.ingest import Ingest
from appliance.documents.patience import Patience
from appliance.documents.settings import DocumentSettings
from appliance.foundation import ApplianceError
from appliance.library import IngestLog

if TYPE_CHECKING:
    from appliance.documents.workflow import JobStore

log = structlog.get_logger(__name__)

ENDED = ("ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED", "SUCCESS")
ASKED_AT_ONCE = 500
"""Runs looked up by one query: a large upload has thousands of versions waiting."""
GIVEN_UP = "It could not be finished after several tries. Upload it again once the cause is mended; the log has it."


class DocumentJobs:
    """The versions that wait, and the runs that take them in."""

    def __init__(self, ingest: Ingest, shelf: IngestLog, settings: DocumentSettings) -> None:
        self._ingest = ingest
        self._log = shelf
        self._settings = settings
        self._patience = Patience()
        self._store: JobStore | None = None
        self._opening = asyncio.Lock()
        self._started = False
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Go on with whatever a crash left unfinished."""
        self._started = True
        if self._settings.takes_from_others:
            await self.store()
        await self._enqueue_waiting()
        self._sweeper = asyncio.create_task(self._sweep_for_ever())

    async def stop(self) -> None:
        """Stop taking work. Steps under way are repeated at the next start."""
        self._started = False
        self._patience.end()
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.wait({self._sweeper})
        async with self._opening:
            if self._store is not None:
                await asyncio.to_thread(self._store.close)
                self._store = None

    async def store(self) -> "JobStore":
        """The job store, open."""
        async with self._opening:
            if self._store is None:
                self._store = await asyncio.to_thread(self._open, asyncio.get_running_loop())
            return self._store

    async def enqueue(self, version_id: UUID, attempt: int = 1) -> None:
        """Hand a version to the workers. Doing it twice starts one run."""
        if not self._started:
            return  # the version is kept as queued; the next start picks it up
        store = await self.store()
        await asyncio.to_thread(store.enqueue, _workflow_id(version_id, attempt), version_id)

    def _open(self, loop: asyncio.AbstractEventLoop) -> "JobStore":
        from appliance.documents.workflow import DocumentWorkflow, JobStore  # noqa: PLC0415 - see its rule

        return JobStore(self._settings, DocumentWorkflow(self._ingest, self._log, loop, self._patience))

    async def _enqueue_waiting(self) -> None:
        """Our table and the job store are two databases: a crash between them leaves a version without a run."""
        waiting = await self._log.waiting()
        if not waiting:
            return
        store = await self.store()
        for start in range(0, len(waiting), ASKED_AT_ONCE):
            some = {_workflow_id(w.version_id, w.attempt): w for w in waiting[start : start + ASKED_AT_ONCE]}
            known = await asyncio.to_thread(store.statuses, list(some))
            for workflow_id, version in some.items():
                if workflow_id not in known:
                    await self.enqueue(version.version_id, version.attempt)
                elif known[workflow_id] in ENDED:
                    await self._run_again(version.version_id)

    async def _run_again(self, version_id: UUID) -> None:
        attempt = await self._log.try_again(version_id, at_most=self._settings.attempts)
        if attempt is None:
            await self._log.refuse(version_id, GIVEN_UP)
        else:
            await self.enqueue(version_id, attempt)

    async def _sweep_for_ever(self) -> None:
        cleaned = False
        while True:
            try:
                if not cleaned:
                    await self._ingest.clean_files()
                    cleaned = True
                while await self._ingest.sweep():
                    pass
                await self._enqueue_waiting()
            except (ApplianceError, SQLAlchemyError, OSError) as error:
                log.warning("sweep failed, will be repeated", exc_info=error)
            await asyncio.sleep(self._settings.sweep_interval_s)


def _workflow_id(version_id: UUID, attempt: int) -> str:
    return f"document-{version_id}-{attempt}"
