"""The folder of an installation on the control machine."""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from appliance.operations.errors import OperationBusy


class UnfinishedUpgrade(Struct, frozen=True):
    """Written before an upgrade begins, removed when it has ended well or was taken back."""

    version: str
    """Of the release that was to come."""
    touched: bool = False
    """Something that runs, or the database, may have been changed."""
    why_back: str = ""
    """Why it is being taken back; empty while it goes forward."""


class Applied(Struct, frozen=True):
    """What the hosts were last brought to, so that an upgrade does only what is new."""

    inventory: str
    """Its SHA-256."""
    roles: dict[str, str]
    """Role → SHA-256 over its files."""


class Workspace:
    """Beside the description, as `.NAME`; only its owner may look inside."""

    def __init__(self, description: Path, name: str) -> None:
        self.folder = description.absolute().parent / f".{name}"

    @property
    def inventory(self) -> Path:
        return self.folder / "inventory.json"

    @property
    def record(self) -> Path:
        """One line of JSON for each operation that has ended."""
        return self.folder / "operations.jsonl"

    @contextmanager
    def held(self) -> Iterator[None]:
        """One operation at a time; the kernel lets go when the process dies. Raises OperationBusy."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        with (self.folder / "lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                lock.seek(0)
                raise OperationBusy(f"An operation on this installation is running: {lock.read().strip()}.") from error
            lock.truncate(0)
            lock.write(f"process {os.getpid()}")
            lock.flush()
            yield

    def write_inventory(self, inventory: Mapping[str, Any]) -> None:
        self.inventory.write_text(json.dumps(inventory, indent=1), encoding="utf-8")

    def note(self, line: Mapping[str, Any]) -> None:
        """Append to the record; on the disk when this returns."""
        with self.record.open("a", encoding="utf-8") as out:
            out.write(json.dumps(line) + "\n")
            out.flush()
            os.fsync(out.fileno())

    def last(self) -> dict[str, Any] | None:
        """The operation that ended last."""
        lines = self.record.read_text(encoding="utf-8").splitlines() if self.record.exists() else []
        return json.loads(lines[-1]) if lines else None

    def upgrade(self) -> UnfinishedUpgrade | None:
        """The upgrade that has begun and not ended."""
        file = self.folder / "upgrade.json"
        return msgspec.json.decode(file.read_bytes(), type=UnfinishedUpgrade) if file.exists() else None

    def write_upgrade(self, upgrade: UnfinishedUpgrade | None) -> None:
        """On the disk when this returns; None: it has ended."""
        file = self.folder / "upgrade.json"
        if upgrade is None:
            file.unlink(missing_ok=True)
        else:
            _write(file, msgspec.json.encode(upgrade))

    def drained(self) -> frozenset[str]:
        """Hosts that are out for maintenance."""
        file = self.folder / "drained.json"
        return frozenset(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else frozenset()

    def write_drained(self, hosts: frozenset[str]) -> None:
        """On the disk when this returns."""
        _write(self.folder / "drained.json", json.dumps(sorted(hosts)).encode())

    def note_applied(self, playbooks: Path) -> None:
        """Keep what the hosts were brought to now."""
        _write(self.folder / "applied.json", msgspec.json.encode(self._present(playbooks)))

    def changed_roles(self, playbooks: Path) -> list[str]:
        """Roles with something new since then: all, when the description is another one or nothing was kept."""
        file, present = self.folder / "applied.json", self._present(playbooks)
        before = msgspec.json.decode(file.read_bytes(), type=Applied) if file.exists() else None
        if before is None or before.inventory != present.inventory:
            return sorted(present.roles)
        return sorted(name for name, digest in present.roles.items() if before.roles.get(name) != digest)

    def _present(self, playbooks: Path) -> Applied:
        roles = {folder.name: _digest(folder) for folder in (playbooks / "roles").iterdir() if folder.is_dir()}
        return Applied(hashlib.sha256(self.inventory.read_bytes()).hexdigest(), roles)


def _write(file: Path, data: bytes) -> None:
    """Whole or not at all."""
    draft = file.with_name(file.name + ".new")
    with draft.open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(file)


def _digest(folder: Path) -> str:
    found = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        found.update(f"{file.relative_to(folder)}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return found.hexdigest()
