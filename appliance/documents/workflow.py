"""Durable workflows: one per document version, so that a crash at any moment costs at most one batch.

DBOS runs the workflow's body on a thread of its own and remembers each finished step; our work is async and belongs to
the application's event loop, so every step hands a coroutine over to that loop and waits (decision 0005).

Rule: only `jobs.py` imports this module, when there is work, since DBOS and its drivers take a fifth of the memory of
a gateway at rest.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Sequence
from contextlib import closing, suppress
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from dbos import DBOS, DBOSConfig, DBOSConfiguredInstance, SetWorkflowID
from sqlalchemy import make_url

from appliance.documents.ingest import Ingest
from appliance.documents.patience import BUSY, Patience
from appliance.documents.settings import DocumentSettings
from appliance.library import IngestLog

T = TypeVar("T")
QUEUE = "documents"
WORKFLOW_VERSION = "documents-1"
"""Change it only together with the order of steps: unfinished runs of another version are started anew."""


@DBOS.dbos_class()
class DocumentWorkflow(DBOSConfiguredInstance):
    """The steps of `Ingest`, remembered."""

    def __init__(self, ingest: Ingest, shelf: IngestLog, loop: asyncio.AbstractEventLoop, patience: Patience) -> None:
        super().__init__(config_name="documents")
        self._ingest = ingest
        self._log = shelf
        self._loop = loop
        self.patience = patience

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
        return DBOS.run_step(options, lambda: self.patience.outwait(on_loop, tell))


class JobStore:
    """The open job store of this process. Every method blocks: call them from threads."""

    def __init__(self, settings: DocumentSettings, workflow: DocumentWorkflow) -> None:
        """Open it, and go on with whatever a crash left unfinished."""
        self.workflow = workflow
        config: DBOSConfig = {
            "name": "appliance",
            "system_database_url": settings.jobs_database_url,
            "application_version": WORKFLOW_VERSION,
            "executor_id": settings.worker_name,
            "log_level": "WARNING",
        }
        _share_sqlite(settings.jobs_database_url)
        DBOS(config=config)
        works = settings.parallel > 0
        if not works:
            DBOS.listen_queues([])
        DBOS.launch()
        DBOS.register_queue(
            QUEUE,
            worker_concurrency=settings.parallel or None,
            polling_interval_sec=0.2,
            on_conflict="always_update" if works else "never_update",
        )

    def enqueue(self, workflow_id: str, version_id: UUID) -> None:
        """Hand a version to the workers. Doing it twice starts one run."""
        with SetWorkflowID(workflow_id):
            DBOS.enqueue_workflow(QUEUE, self.workflow.run, str(version_id))

    def statuses(self, workflow_ids: Sequence[str]) -> dict[str, str]:
        """Status of those that the job store knows."""
        found = DBOS.list_workflows(workflow_ids=list(workflow_ids), load_input=False, load_output=False)
        return {status.workflow_id: status.status for status in found}

    def close(self) -> None:
        """Steps under way are repeated after the next opening."""
        DBOS.destroy(destroy_registry=False)


def _share_sqlite(url: str) -> None:
    """Give the job store's SQLite file a write-ahead log, which it then keeps.

    DBOS leaves it with a rollback journal, where whoever looks for work and whoever notes a finished step wait for each
    other, and each note costs several syncs.
    """
    database = make_url(url)
    if database.get_backend_name() == "sqlite" and database.database:
        with closing(sqlite3.connect(database.database)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
