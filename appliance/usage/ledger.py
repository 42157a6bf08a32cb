"""From the journal into the database: each use once, whatever dies when.

A use is written into the journal, then added to a batch. A batch and the journal's sequence up to which it reaches go
into the database in one transaction. So a restart knows which records the database has, and a transaction whose answer
was lost can be tried again.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from uuid import UUID, uuid4

import structlog
from sqlalchemy.exc import SQLAlchemyError

from appliance.audit import AuditUnwritable
from appliance.usage.batch import Batch, subjects_of
from appliance.usage.errors import JournalUnwritable
from appliance.usage.journal import Journal
from appliance.usage.records import Carried, Reserved, Settled
from appliance.usage.replay import Replayed, replay
from appliance.usage.settings import UsageSettings
from appliance.usage.store import UsageStore

log = structlog.get_logger(__name__)

SpentByGateway = dict[UUID, dict[str, tuple[int, int, int]]]
"""Gateway → `day`, `month` or `total` → requests, tokens, milliseconds."""
PERIODS = ("day", "month", "total")
NOTHING = (0, 0, 0)


@dataclass(slots=True)
class LedgerState:
    """For those who watch."""

    unsettled_at_start: int = 0
    damaged_bytes: int = 0
    failed_flushes: int = 0
    flushed_through: int = 0
    open: dict[int, Reserved] = field(default_factory=dict)


class Ledger:
    """The one ledger of this gateway. `start` before anything else."""

    def __init__(self, store: UsageStore, settings: UsageSettings) -> None:
        self._store = store
        self._settings = settings
        self._batch = Batch()
        self._in_transit: Batch | None = None
        self._flushing = asyncio.Lock()
        self._journal: Journal | None = None
        self.gateway_id = UUID(int=0)
        self.state = LedgerState()

    async def start(self) -> None:
        """Read what the last run left, settle what it left open, and begin a new segment."""
        folder = self._settings.folder
        self.gateway_id = await asyncio.to_thread(_gateway_id, folder)
        applied = await self._store.applied_through(self.gateway_id)
        left = await asyncio.to_thread(replay, folder, applied)
        self._report(left)
        self._journal = Journal(
            folder,
            self.gateway_id,
            last_sequence=max(applied, left.last_sequence),
            segment_bytes=self._settings.segment_bytes,
            most_bytes=self._settings.journal_most_bytes,
        )
        for segment in left.segments:
            self._journal.adopt(segment.path, left.last_sequence)
        for reserved, settled in left.settled:
            self._batch.add(reserved, settled, subjects_of(reserved))
        for reservation, reserved in left.unsettled.items():
            self._journal.append(Carried(reservation, reserved))
            self.settle(reservation, reserved, _as_reserved(reservation, reserved), subjects_of(reserved))
        await self.flush()

    async def stop(self) -> None:
        """Write everything into the database; what it does not take stays in the journal for the next start."""
        if self._journal is None:
            return
        done = await self.flush()
        self._journal.close(settled=done and not self.state.open)

    def reserve(self, reserved: Reserved) -> int:
        """Write down that a request goes on; the number of its reservation. Raises JournalUnwritable."""
        if self._journal is None:
            raise JournalUnwritable("The journal of usage is not open yet.")
        reservation = self._journal.append(reserved)
        self.state.open[reservation] = reserved
        return reservation

    def settle(self, reservation: int, reserved: Reserved, settled: Settled, subjects: tuple[str, ...]) -> None:
        """Write down what a request has used. It counts also when the journal cannot be written any more."""
        self.state.open.pop(reservation, None)
        try:
            if self._journal is not None:
                self._journal.append(settled)
        except JournalUnwritable as error:
            log.error("usage counts in memory only", reason=error.message)  # noqa: TRY400 - the cause is in the message
        self._batch.add(reserved, settled, subjects)

    @property
    def unflushed(self) -> int:
        """Records of the journal that the database has not taken yet."""
        return 0 if self._journal is None else self._journal.sequence - self.state.flushed_through

    async def tend(self) -> None:
        """What is due every second: to the disk, into the database, and away with what is done."""
        if self._journal is None:
            return
        await asyncio.to_thread(self._journal.sync)
        await self.flush()
        if self._journal.is_full:
            try:
                self._journal.rotate(Carried(number, reserved) for number, reserved in self.state.open.items())
            except JournalUnwritable as error:
                log.error("no new segment of the usage journal", reason=error.message)  # noqa: TRY400 - the cause is in the message

    async def flush(self) -> bool:
        """Bring everything until now into the database. False when it does not take it; then it is tried again."""
        async with self._flushing:
            try:
                await self._flush()
            except (SQLAlchemyError, OSError, AuditUnwritable) as error:
                self.state.failed_flushes += 1
                log.warning("the database does not take usage; it is kept in the journal", reason=type(error).__name__)
                return False
        return True

    async def spent(self, who: str, today: date) -> SpentByGateway:
        """As `UsageStore.spent`, with what this gateway has not written yet."""
        async with self._flushing:
            found = await self._store.spent(who, today)
            own = found.setdefault(self.gateway_id, {})
            waiting = [self._batch, *([self._in_transit] if self._in_transit is not None else [])]
            for period, first_day in zip(PERIODS, (today, today.replace(day=1), date.min), strict=True):
                sums = [own.get(period, NOTHING), *(batch.spent_by(who, first_day) for batch in waiting)]
                own[period] = (sum(s[0] for s in sums), sum(s[1] for s in sums), sum(s[2] for s in sums))
        return found

    async def _flush(self) -> None:
        if self._journal is None:
            return
        while True:
            if self._in_transit is None:
                if not self._batch.ledger:
                    break
                self._batch.through = self._journal.sequence
                self._in_transit, self._batch = self._batch, Batch()
            await self._store.apply(self.gateway_id, self._in_transit)
            self.state.flushed_through = self._in_transit.through
            self._in_transit = None
        self._journal.drop_through(self._journal.sequence)  # nothing waits, so the database has all that was settled

    def _report(self, left: Replayed) -> None:
        self.state.unsettled_at_start = len(left.unsettled)
        self.state.damaged_bytes = left.damaged_bytes
        if left.settled or left.unsettled:
            log.info("usage taken over from the journal", settled=len(left.settled), unsettled=len(left.unsettled))
        for segment in left.segments:
            if segment.damaged_bytes:
                kept = segment.path.with_suffix(".damaged")
                with suppress(FileExistsError):
                    kept.hardlink_to(segment.path)
                log.error(
                    "a part of the usage journal is damaged; what is whole was counted, and the file is kept",
                    bytes=segment.damaged_bytes,
                    orphans=left.orphans,
                    file=str(kept),
                )


def _as_reserved(reservation: int, reserved: Reserved) -> Settled:
    """Nobody knows what a request used when the gateway was killed: it is charged what it might have used."""
    return Settled(reservation, reserved.prompt_tokens, reserved.max_tokens, reserved.milliseconds, outcome="unsettled")


def _gateway_id(folder: Path) -> UUID:
    """Who this gateway is, the same after a restart."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = folder / "gateway"
    try:
        return UUID(file.read_text(encoding="ascii").strip())
    except FileNotFoundError:
        made = uuid4()
        draft = file.with_suffix(".new")
        draft.write_text(str(made), encoding="ascii")
        draft.replace(file)
        return made
