"""Makes checkpoints while the process lives, and notices at once when the chain no longer fits the last one."""

import asyncio
import time
from datetime import UTC, datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.audit.append import record, stamp
from appliance.audit.checkpoints import Checkpoint, CheckpointFile, Kind
from appliance.audit.events import Event
from appliance.audit.head import Head, chain_name, fits, read_head
from appliance.audit.settings import AuditSettings
from appliance.foundation import new_id
from appliance.storage import Database

log = structlog.get_logger(__name__)


class ChainWatch:
    """One per process."""

    def __init__(self, database: Database, file: CheckpointFile, settings: AuditSettings) -> None:
        self._database = database
        self._file = file
        self._settings = settings
        self._turn = asyncio.Lock()
        self._last: Checkpoint | None = None
        self._uncovered_since_s: float | None = None

    async def begin(self) -> None:
        """Name the chain if it has no name, note the start, and hold the chain against the last checkpoint."""
        self._last = await asyncio.to_thread(self._file.last)
        async with self._database.write() as session:
            name, head = await chain_name(session), await read_head(session)
            if not name:
                name = new_id().hex
                await record(session, Event("audit.began", details={"chain": name}))
            elif head is not None and self._last is not None and self._last.seq > head.seq:
                details = {"head": head.seq, "checkpoint": self._last.seq}
                await record(session, Event("audit.went_back", details=details))
            await record(session, Event("appliance.started", details={"chain": name}))
        try:
            await self.make()
        except OSError as error:  # people may work; the next look tries again
            log.warning("no checkpoint of the audit could be made", reason=error.strerror or str(error))

    async def look(self) -> None:
        """Make a checkpoint if one is due."""
        async with self._database.read() as session:
            head = await read_head(session)
        covered = 0 if self._last is None else self._last.seq
        if head is None or head.seq == covered:
            self._uncovered_since_s = None
            return
        now_s = time.monotonic()
        if self._uncovered_since_s is None:
            self._uncovered_since_s = now_s
        waited_s = now_s - self._uncovered_since_s
        if head.seq - covered >= self._settings.checkpoint_events or waited_s >= self._settings.checkpoint_s:
            await self.make()

    async def make(self) -> Checkpoint | None:
        """Make one now; None while there is no event. Raises OSError when it cannot be kept."""
        async with self._turn:
            async with self._database.read() as session:
                head = await read_head(session)
                if head is None:
                    return None
                name = await chain_name(session)
                kind: Kind = "checkpoint" if await self._still_fits(session, head) else "differs"
            if kind == "differs":
                log.error("the audit in the database is not the one that was signed; run 'appliance audit verify'")
            self._last = await self._append(kind, name, head)
            self._uncovered_since_s = None
            return self._last

    async def accept(self, event: Event) -> Checkpoint:
        """Write down who answers for the chain as it is, and sign it as the one that counts from here on.

        Raises:
            OSError, AuditUnwritable: nothing is accepted.
        """
        async with self._turn:
            async with self._database.write() as session:
                await record(session, event)
            async with self._database.read() as session:
                head, name = await read_head(session), await chain_name(session)
            if head is None:
                raise OSError("there is no event")
            self._last = await self._append("accepted", name, head)
            return self._last

    async def cut(self, through: Checkpoint) -> None:
        """Sign that events up to a checkpoint may go."""
        async with self._turn:
            digest, moment = bytes.fromhex(through.hash), stamp(datetime.now(UTC))
            self._last = await asyncio.to_thread(
                lambda: self._file.append("cut", through.chain, seq=through.seq, digest=digest, count=0, time=moment)
            )
            self._last = None  # the next checkpoint is not held against an event that is gone

    async def keep_looking(self) -> None:
        """For ever, from a task."""
        while True:
            await asyncio.sleep(self._settings.look_s)
            try:
                await self.look()
            except (SQLAlchemyError, OSError) as error:
                log.warning("no checkpoint of the audit could be made", reason=type(error).__name__)

    async def _still_fits(self, session: AsyncSession, head: Head) -> bool:
        if self._last is None:
            return True
        return await fits(session, self._last.seq, bytes.fromhex(self._last.hash), head)

    async def _append(self, kind: Kind, name: str, head: Head) -> Checkpoint:
        moment = stamp(datetime.now(UTC))
        return await asyncio.to_thread(
            lambda: self._file.append(kind, name, seq=head.seq, digest=head.hash, count=head.count, time=moment)
        )
