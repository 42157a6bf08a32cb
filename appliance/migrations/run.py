"""Bring a database to the present schema, one process at a time."""

from pathlib import Path

from sqlalchemy import inspect, text
from sqlalchemy.engine import Connection

from appliance.migrations.tables import METADATA
from appliance.storage import Database

FOLDER = Path(__file__).parent

LOCK = 7_417_042
"""Any number that only we use as an advisory lock on PostgreSQL."""


async def migrate(database: Database) -> None:
    """Run all outstanding migrations in one transaction: a crash leaves the schema as it was."""
    async with database.engine.begin() as connection:
        if not database.is_sqlite:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        await connection.run_sync(upgrade)


def upgrade(connection: Connection) -> None:
    """The same on a synchronous connection that is in a transaction."""
    if revision_of(connection) == newest_revision():
        return
    from alembic import command  # noqa: PLC0415 - takes memory that a gateway at rest does not need
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["connection"] = connection
    config.attributes["metadata"] = METADATA
    command.upgrade(config, "head")


def newest_revision() -> str:
    """What the last migration's file is called by: `m0010_….py` makes revision `0010`, which a test holds."""
    return max(file.name[1:5] for file in (FOLDER / "versions").glob("m[0-9]*.py"))


def revision_of(connection: Connection) -> str | None:
    """Where the database stands; None when it is empty."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found
