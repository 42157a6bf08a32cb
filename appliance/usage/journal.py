"""What is asked for and used, written down before it counts: a kill loses nothing, a restart counts nothing twice.

A folder holds segments `<number>.journal`. A segment is a header (magic, version, the gateway's id, checksum), then
records: length, checksum, sequence (one more than the last, over all segments), body in MessagePack. The checksum is
CRC-32 of sequence and body.

A record is handed to the kernel (`write`) before the request goes on, which outlives `kill -9`; a thread brings all
that came since to the disk together (`sync`), which outlives a power cut but for the last moment.

When a segment is full, the reservations that are still open are copied into the next one. So a segment may go as soon
as the database has what it says, however long a stream runs.
"""

import os
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

from appliance.usage.errors import JournalUnwritable
from appliance.usage.records import Carried, Record, encode

MAGIC = b"PMAUSE\x00\x01"
HEADER = struct.Struct("<8s16sI")
RECORD = struct.Struct("<IIQ")
SUFFIX = ".journal"
NEVER = 2**62


class Journal:
    """The writing side. One per folder; used from the event loop only, but for `sync`."""

    def __init__(
        self, folder: Path, gateway_id: UUID, *, last_sequence: int, segment_bytes: int, most_bytes: int
    ) -> None:
        self._folder = folder
        self._gateway_id = gateway_id
        self._segment_bytes = segment_bytes
        self._most_bytes = most_bytes
        self._done: dict[Path, tuple[int, int]] = {}
        """Full segments → their last sequence, and size."""
        self.sequence = last_sequence
        """Of the last record."""
        self._synced = last_sequence
        self._number = max((int(p.stem) for p in segments(folder)), default=0)
        self._handle, self._path, self._size = self._begin()

    @property
    def total_bytes(self) -> int:
        return self._size + sum(size for _, size in self._done.values())

    @property
    def is_full(self) -> bool:
        """Whether the present segment should give way to the next."""
        return self._size >= self._segment_bytes

    def adopt(self, segment: Path, last_sequence: int) -> None:
        """Take charge of a segment that an earlier start left."""
        self._done[segment] = (last_sequence, segment.stat().st_size)

    def append(self, record: Record) -> int:
        """Write one record; its sequence.

        Raises:
            JournalUnwritable: the disk took none of it, or the database has been away for so long that the journal is
                as large as it may be.
        """
        if self._size + len(self._done) * self._segment_bytes > self._most_bytes:
            raise JournalUnwritable("The journal of usage is full, since the database does not take its contents.")
        sequence = self.sequence + 1
        body = encode(record)
        data = RECORD.pack(len(body), checksum_of(sequence, body), sequence) + body
        try:
            written = os.write(self._handle, data)
            if written != len(data):
                os.ftruncate(self._handle, self._size)
                raise JournalUnwritable("The disk of the data folder is full.", retry_after_s=30)
        except OSError as error:
            raise JournalUnwritable(f"The journal of usage: {error.strerror}.", retry_after_s=30) from error
        self._size += written
        self.sequence = sequence
        return sequence

    def rotate(self, open_reservations: Iterable[Carried]) -> None:
        """Begin the next segment with what is still open. Raises JournalUnwritable; then the present one goes on."""
        before, path, size, last = self._handle, self._path, self._size, self.sequence
        try:
            self._handle, self._path, self._size = self._begin()
        except OSError as error:
            raise JournalUnwritable(f"The journal of usage: {error.strerror}.", retry_after_s=30) from error
        os.fsync(before)
        os.close(before)
        self._done[path] = (NEVER, size)  # until everything that it alone says stands in the next one
        for carried in open_reservations:
            self.append(carried)
        self._done[path] = (last, size)

    def drop_through(self, sequence: int) -> None:
        """Remove full segments of which the database has everything."""
        for path, (last, _) in list(self._done.items()):
            if last <= sequence:
                path.unlink(missing_ok=True)
                del self._done[path]

    def sync(self) -> None:
        """Bring everything to the disk; may run on a thread of its own."""
        if self._synced != self.sequence:
            upto = self.sequence
            os.fsync(self._handle)
            self._synced = upto

    def close(self, *, settled: bool) -> None:
        """`settled`: the database has everything, so nothing needs to be kept."""
        os.fsync(self._handle)
        os.close(self._handle)
        if settled:
            self._path.unlink(missing_ok=True)

    def _begin(self) -> tuple[int, Path, int]:
        self._number += 1
        path = self._folder / f"{self._number:08d}{SUFFIX}"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        start = MAGIC + self._gateway_id.bytes
        os.write(handle, HEADER.pack(MAGIC, self._gateway_id.bytes, zlib.crc32(start)))
        _sync_folder(self._folder)
        return handle, path, HEADER.size


def checksum_of(sequence: int, body: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(sequence.to_bytes(8, "little")))


def segments(folder: Path) -> list[Path]:
    """Segments of a folder, oldest first."""
    return sorted(folder.glob(f"*{SUFFIX}"))


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
