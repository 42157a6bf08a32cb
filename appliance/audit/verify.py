"""Holds a database against the checkpoints outside it, and says in plain words what does not fit.

1. Every event is hashed again, in order: what was edited, moved or taken out of the middle shows.
2. Each checkpoint must find its event with its hash: a missing end, a chain that was written anew, another appliance's
   database and an old backup show, though each is whole in itself.
3. The triggers that protect the tables must be there.

It reads the tables and files, and asks no running appliance: what it finds does not rest on the one that it looks at.
"""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from sqlalchemy import text

from appliance.audit.canonical import START, Row, chained
from appliance.audit.checkpoints import Checkpoint
from appliance.audit.findings import Findings, Report
from appliance.audit.head import BEGAN, name_in
from appliance.audit.verdict import judge
from appliance.audit.witness import Witness, read_witness
from appliance.storage import Database

AT_ONCE = 20_000
SUSPECTS = 200
"""Broken events among which a moved one is looked for."""
QUERY = text(
    "SELECT seq, at, actor, on_behalf_of, action, object, outcome, source, request_id, details, prev_hash, hash "
    "FROM audit_events WHERE seq > :after ORDER BY seq LIMIT :most"
)
TRIGGERS = {
    "sqlite": (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'",
        ("audit_events_update", "audit_events_delete", "audit_cuts_update", "audit_cuts_delete"),
    ),
    "postgresql": (
        "SELECT tgname FROM pg_trigger WHERE tgenabled = 'O'",
        ("audit_events_change", "audit_events_truncate", "audit_cuts_change", "audit_cuts_truncate"),
    ),
}


async def verify(database: Database, folders: Sequence[Path], public_keys: Sequence[str] = ()) -> Report:
    """Look at the whole chain. See `read_witness` for folders and keys. Raises what the database raises."""
    began, findings = time.monotonic(), Findings()
    witness = read_witness(folders, public_keys, findings)
    scan = Scan(findings, witness)
    async for rows in _batches(database):
        scan.take(rows)
    scan.finish()
    judge(scan.seen, witness, findings)
    await _check_triggers(database, findings)
    newest = witness.newest()
    return Report(
        findings=findings.all(),
        events=scan.seen.events,
        first_seq=scan.seen.first_seq,
        last_seq=scan.seen.last_seq,
        head=scan.previous.hex(),
        checkpoints=len(witness.lines),
        covered_through=min(newest.seq, scan.seen.last_seq) if newest else 0,
        accepted=tuple(line.time for line in witness.accepted),
        public_keys=tuple(witness.public_keys),
        seconds=time.monotonic() - began,
    )


async def _batches(database: Database) -> AsyncIterator[Sequence[Sequence[Any]]]:
    after = -(2**62)
    while True:
        async with database.read() as session:  # a new one each time: nothing waits for a long look
            rows = (await session.execute(QUERY, {"after": after, "most": AT_ONCE})).all()
        if not rows:
            return
        yield rows
        after = rows[-1][0]


async def _check_triggers(database: Database, findings: Findings) -> None:
    query, names = TRIGGERS["sqlite" if database.is_sqlite else "postgresql"]
    async with database.read() as session:
        there = set(await session.scalars(text(query)))
    gone = [name for name in names if name not in there]
    if gone:
        findings.add("unprotected", f"The database no longer protects the events: {', '.join(gone)} is not there.")


class Seen:
    """What of the events counts for the judgement."""

    def __init__(self) -> None:
        self.events = 0
        self.first_seq = 0
        self.first_prev = START
        self.last_seq = 0
        self.chain = ""
        self.matching: dict[int, Checkpoint] = {}
        self.differing: dict[int, Checkpoint] = {}
        self.at: dict[int, str] = {}
        """When the event after each matching checkpoint was written."""
        self.went_back: list[int] = []


class Scan:
    """One pass over the events, in order."""

    def __init__(self, findings: Findings, witness: Witness) -> None:
        self._findings = findings
        self._checkpoints: Mapping[int, Checkpoint] = witness.by_seq()
        self._broken: list[tuple[Row, bytes, bytes]] = []
        self.seen = Seen()
        self.previous = START
        self._expected = 0
        self._last_broken = 0

    def take(self, rows: Sequence[Sequence[Any]]) -> None:
        """Look at some events that follow those before."""
        checkpoints, seen = self._checkpoints, self.seen
        previous, expected = self.previous, self._expected
        for found in rows:
            row, prev, digest = cast("Row", tuple(found[:10])), bytes(found[10]), bytes(found[11])
            seq = row[0]
            if seq != expected or prev != previous or chained(prev, row) != digest:
                self._wrong(row, prev, digest, previous, expected)
            if seq in checkpoints:
                self._compare(checkpoints[seq], digest)
            if seq - 1 in seen.matching:
                seen.at[seq - 1] = row[1]
            if row[4] in BEGAN and not seen.chain:
                seen.chain = name_in(row[9])
            elif row[4] == "audit.went_back":
                seen.went_back.append(seq)
            previous, expected = digest, seq + 1
        seen.events += len(rows)
        seen.last_seq = expected - 1
        self.previous, self._expected = previous, expected

    def finish(self) -> None:
        """Tell events that were moved from events that were changed."""
        places = [row[0] for row, _, _ in self._broken[:SUSPECTS]]
        for row, prev, digest in self._broken:
            was = next((seq for seq in places if chained(prev, (seq, *row[1:])) == digest), None)
            if was is None:
                self._findings.add("edited", f"Event {row[0]} was changed after it was written.", row[0])
            else:
                sentence = f"Event {row[0]} was written as event {was}: events were put in another order."
                self._findings.add("reordered", sentence, row[0])

    def _compare(self, checkpoint: Checkpoint, digest: bytes) -> None:
        fits = checkpoint.hash == digest.hex()
        (self.seen.matching if fits else self.seen.differing)[checkpoint.seq] = checkpoint

    def _wrong(self, row: Row, prev: bytes, digest: bytes, previous: bytes, expected: int) -> None:
        seq, seen = row[0], self.seen
        if not seen.first_seq:
            seen.first_seq, seen.first_prev = seq, prev
            if chained(prev, row) == digest:
                return  # whether it may begin here is for the judgement
        elif seq > expected:
            gone = f"Event {expected} is" if seq == expected + 1 else f"Events {expected} to {seq - 1} are"
            self._findings.add("missing_middle", f"{gone} missing in the middle.", expected, seq - 1)
            if chained(prev, row) == digest:
                return
        if chained(prev, row) != digest:
            self._broken.append((row, prev, digest))
            self._last_broken = seq
        elif prev != previous and self._last_broken != seq - 1:
            sentence = f"Event {seq} does not follow from event {expected - 1}: one of them was put in another's place."
            self._findings.add("edited", sentence, seq)
