"""The folder of an installation on the control machine."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from appliance.operations.errors import OperationBusy


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
