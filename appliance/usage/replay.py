"""Reading a journal: after a kill, and after worse."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from appliance.usage.journal import HEADER, MAGIC, RECORD, checksum_of, segments
from appliance.usage.records import Carried, Record, Reserved, Settled, decode

LONGEST_RECORD = 1024 * 1024


@dataclass(slots=True)
class Segment:
    """What one file says."""

    path: Path
    records: list[tuple[int, Record]]
    damaged_bytes: int = 0
    """Lost in the middle: records follow that are whole. Never the work of a kill."""
    torn_bytes: int = 0
    """Of a last record that was not finished."""


@dataclass(slots=True)
class Replayed:
    """What all files say together."""

    segments: list[Segment] = field(default_factory=list)
    settled: list[tuple[Reserved, Settled]] = field(default_factory=list)
    """What was asked and what was used, in order; without what the database has."""
    unsettled: dict[int, Reserved] = field(default_factory=dict)
    """Reservations that a kill left open."""
    orphans: int = 0
    """Settlements whose reservation was lost to damage: nobody knows whose they are."""
    last_sequence: int = 0

    @property
    def damaged_bytes(self) -> int:
        return sum(segment.damaged_bytes for segment in self.segments)


def replay(folder: Path, applied_through: int) -> Replayed:
    """Read every segment. A torn end is left out; damage is counted, and what stands behind it is read.

    Settlements up to `applied_through` are in the database already.
    """
    found = Replayed()
    for path in segments(folder):
        segment = read_segment(path)
        found.segments.append(segment)
        for sequence, record in segment.records:
            found.last_sequence = max(found.last_sequence, sequence)
            match record:
                case Reserved():
                    found.unsettled[sequence] = record
                case Carried():
                    found.unsettled[record.reservation] = record.reserved
                case Settled():
                    reserved = found.unsettled.pop(record.reservation, None)
                    if sequence <= applied_through:
                        continue
                    if reserved is None:
                        found.orphans += 1
                    else:
                        found.settled.append((reserved, record))
    return found


def read_segment(path: Path) -> Segment:
    """The whole records of a file, in order. A file that is not a journal is all damage."""
    data = path.read_bytes()
    segment = Segment(path, [])
    if len(data) < HEADER.size:
        segment.torn_bytes = len(data)
        return segment
    magic, gateway, checksum = HEADER.unpack_from(data)
    if magic != MAGIC or checksum != zlib.crc32(magic + gateway):
        segment.damaged_bytes = HEADER.size
    at, end = HEADER.size, HEADER.size
    for start, stop, sequence, record in _records(data, at):
        segment.damaged_bytes += start - end
        segment.records.append((sequence, record))
        end = stop
    segment.torn_bytes = len(data) - end
    return segment


def _records(data: bytes, at: int) -> Iterator[tuple[int, int, int, Record]]:
    """(start, stop, sequence, record) of each whole record; behind a broken one, the next whole one is looked for."""
    last = 0
    while at + RECORD.size <= len(data):
        found = _record(data, at, last)
        if found is None:
            at += 1
            continue
        stop, sequence, record = found
        yield at, stop, sequence, record
        at, last = stop, sequence


def _record(data: bytes, at: int, last: int) -> tuple[int, int, Record] | None:
    length, checksum, sequence = RECORD.unpack_from(data, at)
    body = data[at + RECORD.size : at + RECORD.size + length] if length <= LONGEST_RECORD else b""
    if not body or len(body) != length or sequence <= last or checksum_of(sequence, body) != checksum:
        return None
    try:
        return at + RECORD.size + length, sequence, decode(body)
    except msgspec.MsgspecError:
        return None
