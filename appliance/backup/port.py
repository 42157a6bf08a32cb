"""What a backup asks of a database, whichever it is."""

from pathlib import Path
from typing import Protocol

from appliance.backup.manifest import TableFacts


class Snapshot(Protocol):
    """The database as it was at one moment. Nobody waits for whoever holds it."""

    kind: str

    def revision(self) -> str:
        """Of the schema. Raises BackupFailed: there is none, so this is no appliance's database."""

    def audit_head(self) -> tuple[int, str]:
        """Number and hash of the audit's last event; (0, "") without any."""

    def tables(self) -> dict[str, TableFacts]:
        """Every table of the appliance."""

    def write(self, folder: Path) -> None:
        """Write it into a folder. Raises BackupFailed."""

    def close(self) -> None: ...
