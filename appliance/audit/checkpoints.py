"""Signed checkpoints outside the database: how far the chain was, and what its last hash was.

A file of lines, each a JSON object. A line is signed, and names the SHA-256 of the line before it: so the signature of
the last line stands for all of them, and no line can be taken out of the middle.
"""

import base64
import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from appliance.audit.signing import Signer, is_signed

FILE = "checkpoints.jsonl"
LINE_BYTES = 4096
"""More than any line has; so the last one is found by reading no more than this."""

Kind = Literal["checkpoint", "cut", "differs", "accepted"]
"""`cut`: events up to `seq` may be removed; `differs`: the database no longer had what a line before says;
`accepted`: somebody answered for that, as after a backup was put back, and the chain counts from there."""


class Checkpoint(Struct, frozen=True):
    """One line."""

    kind: Kind
    number: int
    """1, 2, 3, …"""
    chain: str
    """Which chain: the name that its first event gave it."""
    seq: int
    hash: str
    """Of event `seq`, hexadecimal."""
    count: int
    """Events that the database held up to it."""
    time: str
    previous: str
    """SHA-256 of the line before, hexadecimal; empty for the first."""
    signature: str = ""

    def message(self) -> bytes:
        """What is signed."""
        values = (self.kind, self.number, self.chain, self.seq, self.hash, self.count, self.time, self.previous)
        return b"appliance audit checkpoint 1\n" + msgspec.json.encode(values)

    def is_signed_by(self, public_key: str) -> bool:
        try:
            signature = base64.b64decode(self.signature, validate=True)
        except ValueError:
            return False
        return is_signed(public_key, signature, self.message())


class CheckpointFile:
    """The writing side; several processes may share a folder."""

    def __init__(self, folder: Path, signer: Signer) -> None:
        self._folder = folder
        self._file = folder / FILE
        self._signer = signer

    def last(self) -> Checkpoint | None:
        """The newest line; None when there is none. Raises OSError, msgspec.MsgspecError."""
        line = self._last_line()
        return msgspec.json.decode(line, type=Checkpoint) if line else None

    def append(self, kind: Kind, chain: str, *, seq: int, digest: bytes, count: int, time: str) -> Checkpoint:
        """Sign one more line and bring it to the disk. Raises OSError."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._alone() as handle:
            before = self._last_line()
            number = msgspec.json.decode(before, type=Checkpoint).number + 1 if before else 1
            previous = hashlib.sha256(before).hexdigest() if before else ""
            made = Checkpoint(kind, number, chain, seq, digest.hex(), count, time, previous)
            signature = base64.b64encode(self._signer.sign(made.message())).decode()
            made = msgspec.structs.replace(made, signature=signature)
            line = msgspec.json.encode(made) + b"\n"
            if os.write(handle, line) != len(line):
                raise OSError("the disk of the audit's folder is full")
            os.fsync(handle)
        return made

    @contextmanager
    def _alone(self) -> Iterator[int]:
        handle = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            _drop_torn_end(handle)
            yield handle
        finally:
            os.close(handle)

    def _last_line(self) -> bytes:
        try:
            with self._file.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - LINE_BYTES))
                lines = file.read().split(b"\n")
        except FileNotFoundError:
            return b""
        return lines[-2] if len(lines) > 1 else b""


def _drop_torn_end(handle: int) -> None:
    """Half of a line that a kill left; nobody has read it as a checkpoint."""
    size = os.lseek(handle, 0, os.SEEK_END)
    start = max(0, size - LINE_BYTES)
    end = os.pread(handle, LINE_BYTES, start)
    if end and not end.endswith(b"\n"):
        os.ftruncate(handle, start + end.rfind(b"\n") + 1)


def read_lines(folder: Path) -> list[tuple[Checkpoint | None, bytes]]:
    """Every whole line of a folder; None beside what is no checkpoint. Raises OSError."""
    found: list[tuple[Checkpoint | None, bytes]] = []
    for line in (folder / FILE).read_bytes().split(b"\n")[:-1]:
        try:
            found.append((msgspec.json.decode(line, type=Checkpoint), line))
        except msgspec.MsgspecError:
            found.append((None, line))
    return found
