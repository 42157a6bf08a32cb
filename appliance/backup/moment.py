"""The one point in time. Everything here happens while nobody writes to the index and nobody drops a file."""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from appliance.backup.errors import BackupFailed
from appliance.backup.folder import Backups
from appliance.backup.places import Places
from appliance.backup.port import Snapshot
from appliance.backup.postgres import PostgresSnapshot
from appliance.backup.sqlite import SqliteSnapshot

WAIT_S = 120.0
"""Longest wait for a write to the index, or for an upload that gets its name."""
PAUSES = ("files.lock", "index.lock")
"""In the data folder. The gateway holds them for moments: the first while a file gets its name or is dropped, the
second while it writes to the index."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What is held on to. Nothing of it changes any more."""

    at: datetime
    database: Snapshot
    files: dict[str, int]
    """SHA-256 of every uploaded file → bytes."""
    new_files: Path
    """Those that no backup has yet, held by a second name."""
    index: Path
    audit: Path
    pause_s: float
    realm: PostgresSnapshot | None = None
    """Of the bundled Keycloak, pinned in the same pause."""


@contextmanager
def hold_moment(places: Places, backups: Backups) -> Iterator[Moment]:
    """Find the point and hold it. Raises BackupFailed."""
    shutil.rmtree(places.scratch, ignore_errors=True)  # of a run that was killed
    for name in ("files", "index", "audit"):
        (places.scratch / name).mkdir(parents=True, mode=0o700)
    with ExitStack() as pinned:
        pinned.callback(shutil.rmtree, places.scratch, ignore_errors=True)
        _copy_audit(places)
        with _paused(places):
            began = time.monotonic()
            at = datetime.now(UTC)
            database = (
                PostgresSnapshot(places.database_url) if places.database_url else SqliteSnapshot(places.sqlite_file)
            )
            pinned.callback(database.close)
            realm = PostgresSnapshot(places.realm_url) if places.realm_url else None
            if realm is not None:
                pinned.callback(realm.close)
            files = _hold_files(places, backups)
            if places.index.is_dir():
                shutil.copytree(places.index, places.scratch / "index", dirs_exist_ok=True)
            pause_s = time.monotonic() - began
        scratch = places.scratch
        yield Moment(at, database, files, scratch / "files", scratch / "index", scratch / "audit", pause_s, realm)


def _copy_audit(places: Places) -> None:
    """Before the database's moment: checkpoints may know less than the database, never more."""
    if not places.audit.is_dir():
        return
    for file in sorted(places.audit.iterdir()):
        if file.is_file():
            with file.open("rb") as held:
                fcntl.flock(held, fcntl.LOCK_SH)  # whoever signs a line holds it until the line is whole
                (places.scratch / "audit" / file.name).write_bytes(held.read())


def _hold_files(places: Places, backups: Backups) -> dict[str, int]:
    """Every stored file by name; those that the pool has not get a second name, so that a drop does not take them."""
    found = {}
    for file in places.files.glob("??/??/*"):
        found[file.name] = file.stat().st_size
        pooled = backups.pooled(file.name)
        if not pooled.is_file() or pooled.stat().st_size != found[file.name]:
            os.link(file, places.scratch / "files" / file.name)
    return found


@contextmanager
def _paused(places: Places) -> Iterator[None]:
    """Hold both locks; the kernel lets go of them with the process, however it dies. Raises BackupFailed."""
    handles = []
    try:
        for name in PAUSES:
            handle = os.open(places.data / name, os.O_RDWR | os.O_CREAT, 0o600)
            handles.append(handle)
            _lock(handle, name)
        yield
    finally:
        for handle in reversed(handles):
            os.close(handle)


def _lock(handle: int, name: str) -> None:
    ends = time.monotonic() + WAIT_S
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > ends:
                raise BackupFailed(f"'{name}' was held for {WAIT_S:.0f} s.") from error
            time.sleep(0.005)
        else:
            return
