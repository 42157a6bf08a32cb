"""A folder of backups: each in its own, the uploaded files of all of them in one pool."""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from appliance.backup.errors import BackupFailed, BackupRefused
from appliance.backup.manifest import FILE, BackupManifest, read_manifest

PARTIAL = ".partial"
BLOCK = 1 << 20


class Backups:
    """What lies in the folder, oldest first by name, which is the time."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def ids(self) -> list[str]:
        """Of whole backups."""
        if not self.root.is_dir():
            return []
        return sorted(p.name for p in self.root.iterdir() if p.suffix != PARTIAL and (p / FILE).is_file())

    def path(self, backup_id: str) -> Path:
        """Of one backup; "" is the newest. Raises BackupRefused."""
        known = self.ids()
        if not known:
            raise BackupRefused(f"There is no backup in {self.root}.")
        if backup_id and backup_id not in known:
            raise BackupRefused(f"There is no backup '{backup_id}' in {self.root}.")
        return self.root / (backup_id or known[-1])

    def manifest(self, backup_id: str) -> BackupManifest:
        """Raises BackupRefused."""
        return read_manifest(self.path(backup_id))

    def pooled(self, sha256: str) -> Path:
        return self.root / "pool" / sha256[:2] / sha256

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One run at a time; the kernel ends it with the process. Raises BackupFailed."""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.root / "lock").open("a") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise BackupFailed(f"Another backup is being made in {self.root}.") from error
            for half in self.root.glob(f"*{PARTIAL}"):  # of a run that was killed
                shutil.rmtree(half)
            yield

    def begin(self, now: datetime) -> Path:
        """A folder that has no name yet that counts."""
        staging = self.root / f"{now.astimezone(UTC):%Y%m%dT%H%M%S%fZ}{PARTIAL}"
        staging.mkdir(mode=0o700)
        return staging

    def finish(self, staging: Path) -> Path:
        """Bring it to the disk and give it its name."""
        for path in (*staging.rglob("*"), staging):
            sync(path)
        made = staging.with_suffix("")
        staging.replace(made)
        sync(self.root)
        return made

    def keep_newest(self, count: int) -> list[str]:
        """Remove older backups, then files that none of the others has. The ids of what went."""
        gone = self.ids()[:-count]
        for backup_id in gone:
            dying = self.root / f"{backup_id}{PARTIAL}"  # loses its name first: half of it never counts
            (self.root / backup_id).replace(dying)
            shutil.rmtree(dying)
        if gone:
            self._drop_unused()
        return gone

    def _drop_unused(self) -> None:
        used = {name for backup_id in self.ids() for name in self.manifest(backup_id).stored}
        for file in (self.root / "pool").glob("??/*"):
            if file.name not in used:
                file.unlink()


def take(source: Path, place: Path, sha256: str) -> int:
    """Copy a file to a place that is whole or not there; its bytes. Raises BackupFailed when they are not the named."""
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    waiting = place.with_name(f"{place.name}.new")
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as reader, waiting.open("wb") as writer:
        while block := reader.read(BLOCK):
            digest.update(block)
            size += len(block)
            writer.write(block)
        writer.flush()
        os.fsync(writer.fileno())
    if digest.hexdigest() != sha256:
        waiting.unlink()
        raise BackupFailed(f"{source} no longer has the bytes that were uploaded.", remedy="Check that disk.")
    waiting.replace(place)
    return size


def digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    with suppress(FileNotFoundError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
