"""Durable workflows: one per document version, so that a crash at any moment costs at most one batch.

DBOS runs the workflow's body on a thread of its own and remembers each finished step; our work is async and belongs to
the application's event loop, so every step hands a coroutine over to that loop and waits (decision 0005).
"""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine
from contextlib import closing, suppress
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import structlog
from dbos import DBOS, DBOSConfig, DBOSConfiguredInstance, SetWorkflowID
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from appliance.documents.ingest import Ingest
from appliance.documents.patience import BUSY, Patience
from appliance.documents.settings import DocumentSettings
from appliance.foundation import ApplianceError
from appliance.library import IngestLog

log = structlog.get_logger(__name__)

T = TypeVar("T")
QUEUE = "documents"
WORKFLOW_VERSION = "documents-1"
"""Change it only together with the order of steps: unfinished runs of another version are started anew."""
ENDED = ("ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED", "SUCCESS")
ASKED_AT_ONCE = 500
"""Runs looked up by one query: a large upload has thousands of versions waiting."""
GIVEN_UP = "It could not be finished after several tries. Upload it again once the cause is mended; the log has it."


@DBOS.dbos_class()
class DocumentWorkflow(DBOSConfiguredInstance):
    """The steps of `Ingest`, remembered."""

    def __init__(self, ingest: Ingest, shelf: IngestLog, loop: asyncio.AbstractEventLoop, patience: Patience) -> None:
        super().__init__(config_name="documents")
        self._ingest = ingest
        self._log = shelf
        self._loop = loop
        self._patience = patience

    @DBOS.workflow()
    def run(self, version: str) -> str:
        """Take a version from bytes to published. Returns what became of it, for the job store."""
        version_id = UUID(version)
        step = partial(self._step, version_id)
        task = step("take", lambda: self._log.take(version_id))
        if task is None:
            return "overtaken"
        blocks = step("read", lambda: self._ingest.read(task))
        if blocks is None:
            return "not read"
        count = step("cut", lambda: self._ingest.cut(task, blocks))
        done = 0
        while done < count:
            done = step("index", partial(self._ingest.index_batch, task, blocks, done, count))
        published = step("publish", lambda: self._ingest.publish(task, blocks, count)) if count else False
        return "published" if published else "not published"

    def _step(self, version_id: UUID, name: str, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        def on_loop() -> T:
            return asyncio.run_coroutine_threadsafe(work(), self._loop).result()

        def tell(reason: str) -> None:
            note = self._log.note(version_id, stage="waiting", detail=reason)
            with suppress(*BUSY):  # the database may be what is waited for
                asyncio.run_coroutine_threadsafe(note, self._loop).result()

        options: Any = {"name": name, "retries_allowed": True, "max_attempts": 6, "interval_seconds": 1.0}
        return DBOS.run_step(options, lambda: self._patience.outwait(on_loop, tell))


class DocumentJobs:
    """Starts, feeds and stops the durable workflows, and picks up what was lost between two databases."""

    def __init__(self, ingest: Ingest, shelf: IngestLog, settings: DocumentSettings) -> None:
        self._ingest = ingest
        self._log = shelf
        self._settings = settings
        self._patience = Patience()
        self._workflow: DocumentWorkflow | None = None
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open the job store and go on with whatever a crash left unfinished."""
        config: DBOSConfig = {
            "name": "appliance",
            "system_database_url": self._settings.jobs_database_url,
            "application_version": WORKFLOW_VERSION,
            "executor_id": self._settings.worker_name,
            "log_level": "WARNING",
        }
        loop = asyncio.get_running_loop()
        await asyncio.to_thread(self._launch, config, loop)
        await self._enqueue_waiting()
        self._sweeper = asyncio.create_task(self._sweep_for_ever())

    async def stop(self) -> None:
        """Stop taking work. Steps under way are repeated at the next start."""
        self._patience.end()
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.wait({self._sweeper})
        await asyncio.to_thread(DBOS.destroy, destroy_registry=False)

    async def enqueue(self, version_id: UUID, attempt: int = 1) -> None:
        """Hand a version to the workers. Doing it twice starts one run."""
        await asyncio.to_thread(self._enqueue, version_id, attempt)

    def _launch(self, config: DBOSConfig, loop: asyncio.AbstractEventLoop) -> None:
        _share_sqlite(self._settings.jobs_database_url)
        DBOS(config=config)
        works = self._settings.parallel > 0
        if not works:
            DBOS.listen_queues([])
        self._workflow = DocumentWorkflow(self._ingest, self._log, loop, self._patience)
        DBOS.launch()
        DBOS.register_queue(
            QUEUE,
            worker_concurrency=self._settings.parallel or None,
            polling_interval_sec=0.2,
            on_conflict="always_update" if works else "never_update",
        )

    def _enqueue(self, version_id: UUID, attempt: int) -> None:
        if self._workflow is None:
            return  # the version is kept as queued; the next start picks it up
        with SetWorkflowID(_workflow_id(version_id, attempt)):
            DBOS.enqueue_workflow(QUEUE, self._workflow.run, str(version_id))

    async def _enqueue_waiting(self) -> None:
        """Our table and the job store are two databases: a crash between them leaves a version without a run."""
        waiting = await self._log.waiting()
        for start in range(0, len(waiting), ASKED_AT_ONCE):
            some = {_workflow_id(w.version_id, w.attempt): w for w in waiting[start : start + ASKED_AT_ONCE]}
            known = await asyncio.to_thread(_statuses, list(some))
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


def _share_sqlite(url: str) -> None:
    """Give the job store's SQLite file a write-ahead log, which it then keeps.

    DBOS leaves it with a rollback journal, where whoever looks for work and whoever notes a finished step wait for each
    other, and each note costs several syncs.
    """
    database = make_url(url)
    if database.get_backend_name() == "sqlite" and database.database:
        with closing(sqlite3.connect(database.database)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")


def _statuses(workflow_ids: list[str]) -> dict[str, str]:
    """Status of those that the job store knows."""
    found = DBOS.list_workflows(workflow_ids=workflow_ids, load_input=False, load_output=False)
    return {status.workflow_id: status.status for status in found}


def _workflow_id(version_id: UUID, attempt: int) -> str:
    return f"document-{version_id}-{attempt}"
