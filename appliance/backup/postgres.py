"""PostgreSQL: an exported snapshot pins the moment, and `pg_dump` writes it out while others go on writing."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg import sql

from appliance.backup.errors import BackupFailed, BackupRefused
from appliance.backup.manifest import TableFacts
from appliance.backup.tables import facts_of

FILE = "database.dump"
JOBS = "dbos"
"""Schema of the durable jobs. Left out: unfinished documents start anew, as after the loss of `jobs.db`."""
TIMEOUT_S = 4 * 3600
BATCH = 5000


class PostgresSnapshot:
    """Implements `Snapshot`."""

    kind = "postgresql"

    def __init__(self, url: str) -> None:
        """Raises BackupFailed."""
        self._url = url
        try:
            self._pinned = psycopg.connect(url, connect_timeout=10)
        except psycopg.Error as error:
            raise BackupFailed(f"The database cannot be reached: {error}.") from error
        self._pinned.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        row = self._pinned.execute("SELECT pg_export_snapshot()").fetchone()
        self._snapshot = str(row[0]) if row else ""

    def revision(self) -> str:
        try:
            row = self._pinned.execute("SELECT version_num FROM alembic_version").fetchone()
        except psycopg.Error as error:
            raise BackupFailed(f"The database has no tables of an appliance: {error}.") from error
        return str(row[0]) if row else ""

    def audit_head(self) -> tuple[int, str]:
        row = self._pinned.execute("SELECT seq, hash FROM audit_events ORDER BY seq DESC LIMIT 1").fetchone()
        return (int(row[0]), bytes(row[1]).hex()) if row else (0, "")

    def tables(self) -> dict[str, TableFacts]:
        return _tables(self._pinned)

    def write(self, folder: Path) -> None:
        self.write_as(folder / FILE, without=(JOBS,))

    def write_as(self, file: Path, *, without: tuple[str, ...] = ()) -> None:
        """Any database, without some of its schemas. Raises BackupFailed."""
        dump(self._url, file, snapshot=self._snapshot, without=without)

    def close(self) -> None:
        self._pinned.close()


def dump(url: str, file: Path, *, snapshot: str, without: tuple[str, ...] = ()) -> None:
    """Write a database in PostgreSQL's own form. Raises BackupFailed."""
    options = [f"--snapshot={snapshot}", *(f"--exclude-schema={schema}" for schema in without)]
    program = ["pg_dump", "--format=custom", "--compress=1", "--no-owner", "--no-privileges", "--lock-wait-timeout=60s"]
    _run([*program, *options, f"--file={file}"], url)


def check(file: Path) -> None:
    """Read its list of contents. Raises BackupRefused."""
    try:
        _run(["pg_restore", "--list", str(file)], "")
    except BackupFailed as failed:
        raise BackupRefused(f"{file} is no whole dump: {failed.message}") from failed


def load(file: Path, url: str) -> None:
    """Put a dump into an empty database, whole or not at all. Raises BackupRefused, BackupFailed."""
    refuse_used(url)
    flags = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
    database = unquote(urlsplit(url).path.lstrip("/"))
    _run(["pg_restore", *flags, f"--dbname={database}", str(file)], url)


def refuse_used(url: str) -> None:
    """Raises BackupRefused: there are tables; BackupFailed: nobody answers."""
    query = "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            row = connection.execute(query).fetchone()
    except psycopg.Error as error:
        raise BackupFailed(f"The database cannot be reached: {error}.") from error
    if row and row[0]:
        raise BackupRefused(f"The database has {row[0]} tables already; nothing is written over.")


def tables_of(url: str) -> dict[str, TableFacts]:
    with psycopg.connect(url, connect_timeout=10) as connection:
        return _tables(connection)


def scratch_database(url: str) -> tuple[str, str]:
    """An empty database on the same server, named after this one: its name and address.

    Where the role may make none, an administrator has made it for the role; when it holds anything, loading refuses it.

    Raises:
        BackupFailed: it is not there, and the role may not make it.
    """
    parts = urlsplit(url)
    name = f"{unquote(parts.path.lstrip('/'))}_drill"
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    except psycopg.Error as error:
        raise BackupFailed(
            f"No scratch database can be made: {error}.",
            remedy=f"Make an empty database '{name}' that belongs to this role, or let the role make databases.",
        ) from error
    return name, parts._replace(path=f"/{name}").geturl()


def drop_database(url: str, name: str) -> None:
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _tables(connection: psycopg.Connection) -> dict[str, TableFacts]:
    found = {}
    names = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
    for (name,) in connection.execute(names).fetchall():
        with connection.cursor(name="backup_rows") as cursor:  # on the server: a table need not fit into memory
            cursor.itersize = BATCH
            cursor.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier("public", name)))
            found[name] = facts_of(cursor)
    return found


def _run(command: list[str], url: str) -> None:
    """The password goes through the environment, where no other user sees it. Raises BackupFailed."""
    try:
        done = subprocess.run(  # noqa: S603 - built here, no shell
            command,
            env={**os.environ, **_variables(url)},
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_S,
        )
    except FileNotFoundError as error:
        raise BackupFailed(
            f"{command[0]} is missing.", remedy="On Debian: apt-get install postgresql-client"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise BackupFailed(f"{command[0]} took longer than {TIMEOUT_S} s.") from error
    if done.returncode != 0:
        old = "version mismatch" in done.stderr
        remedy = (
            f"Install {command[0]} of the server's version, or a newer one, and put it first in PATH." if old else None
        )
        raise BackupFailed(f"{command[0]}: {' '.join(done.stderr.split())[:400]}", remedy=remedy)


def _variables(url: str) -> Mapping[str, str]:
    """What libpq reads instead of an address."""
    if not url:
        return {}
    known = psycopg.conninfo.conninfo_to_dict(url)
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}
    names |= {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT"}
    return {variable: str(known[key]) for key, variable in names.items() if known.get(key)}
