"""SQLite: a read transaction pins the moment, and its own copying writes it out while others go on writing."""

import sqlite3
from contextlib import closing
from pathlib import Path

from appliance.backup.errors import BackupFailed, BackupRefused
from appliance.backup.manifest import TableFacts
from appliance.backup.tables import facts_of

FILE = "database.sqlite"


class SqliteSnapshot:
    """Implements `Snapshot`."""

    kind = "sqlite"

    def __init__(self, file: Path) -> None:
        """Raises BackupFailed."""
        if not file.is_file():
            raise BackupFailed(f"{file} is not there.", remedy="Name the data folder of an appliance that ran once.")
        self._file = file
        self._pinned = sqlite3.connect(file, isolation_level=None, timeout=30)
        self._pinned.execute("BEGIN")
        self._pinned.execute("SELECT count(*) FROM sqlite_master").fetchone()  # the first look is the moment

    def revision(self) -> str:
        return _revision(self._pinned, self._file)

    def audit_head(self) -> tuple[int, str]:
        row = self._pinned.execute("SELECT seq, hash FROM audit_events ORDER BY seq DESC LIMIT 1").fetchone()
        return (int(row[0]), bytes(row[1]).hex()) if row else (0, "")

    def tables(self) -> dict[str, TableFacts]:
        return _tables(self._pinned)

    def write(self, folder: Path) -> None:
        with closing(sqlite3.connect(folder / FILE)) as copy:
            self._pinned.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, which whoever opens it next makes its own again

    def close(self) -> None:
        self._pinned.close()


def check(file: Path) -> None:
    """Look at every page. Raises BackupRefused."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)) as opened:
        try:
            said = [row[0] for row in opened.execute("PRAGMA integrity_check(1)")]
        except sqlite3.DatabaseError as error:
            raise BackupRefused(f"{file} is no whole database: {error}.") from error
    if said != ["ok"]:
        raise BackupRefused(f"{file} is damaged: {said[0]}.")


def tables_of(file: Path) -> dict[str, TableFacts]:
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as opened:
        return _tables(opened)


def _revision(opened: sqlite3.Connection, file: Path) -> str:
    try:
        row = opened.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError as error:
        raise BackupFailed(f"{file} has no tables of an appliance: {error}.") from error
    return str(row[0])


def _tables(opened: sqlite3.Connection) -> dict[str, TableFacts]:
    found = {}
    names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
    for (name,) in opened.execute(names).fetchall():
        found[name] = facts_of(opened.execute(f'SELECT * FROM "{name}"'))  # noqa: S608 - names are the schema's own
    return found
