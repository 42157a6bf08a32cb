"""The audit as the parts hold it."""

import asyncio
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from appliance.audit.alone import Alone
from appliance.audit.checkpoints import CheckpointFile
from appliance.audit.denials import Denials
from appliance.audit.errors import AuditUnwritable
from appliance.audit.events import Event, entry_of
from appliance.audit.private import read_or_make
from appliance.audit.retention import cut_old
from appliance.audit.settings import AuditSettings
from appliance.audit.signing import Signer
from appliance.audit.watch import ChainWatch
from appliance.storage import Database

log = structlog.get_logger(__name__)

TEND_S = 5.0
CUT_S = 3600.0


class Audit:
    """One per process. Without `start` events are written all the same; checkpoints are not made."""

    def __init__(self, database: Database, settings: AuditSettings) -> None:
        self._settings = settings
        self._database = database
        self._alone = Alone(database)
        self.denials = Denials(self.record_alone)
        self.signer = Signer(settings.folder)
        self.chain = ChainWatch(database, CheckpointFile(settings.folder, self.signer), settings)
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    async def start(self) -> None:
        """Note the start, and begin to make checkpoints. The schema must be there. Raises OSError, AuditUnwritable."""
        await self.chain.begin()
        self._tasks = (asyncio.create_task(self.chain.keep_looking()), asyncio.create_task(self._keep_tending()))
        if self._settings.retention is not None:
            self._tasks = (*self._tasks, asyncio.create_task(self._keep_cutting(self._settings.retention)))

    async def stop(self) -> None:
        """Write what is left to be told, note the end, and make the last checkpoint."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
            await self.denials.tend(everything=True)
            await self.record_alone(Event("appliance.stopped"))
            await self.chain.make()
        self._tasks = ()
        await self._alone.stop()

    async def record_alone(self, event: Event) -> None:
        """Write an event that belongs to no other transaction; it is kept when this returns. Raises AuditUnwritable."""
        await self._alone.write(entry_of(event))

    def masked(self, text: str) -> str:
        """Something personal, such as an address that somebody typed, so that only who knows it can recognise it.

        The same text gives the same value for as long as the file `salt` stays.
        """
        salt = read_or_make(self._settings.folder / "salt", 32)
        return "hmac:" + hmac.new(salt, text.strip().lower().encode(), hashlib.sha256).hexdigest()[:32]

    async def _keep_tending(self) -> None:
        while True:
            await asyncio.sleep(TEND_S)
            await self.denials.tend()

    async def _keep_cutting(self, retention: timedelta) -> None:
        while True:
            try:
                before = datetime.now(UTC) - retention
                gone = await cut_old(self._database, self.chain, self._settings.folder, before)
                if gone:
                    log.info("events past their retention were removed", events=gone)
            except (SQLAlchemyError, OSError, AuditUnwritable) as error:
                log.warning("old events are not removed yet", reason=type(error).__name__)
            await asyncio.sleep(CUT_S)
