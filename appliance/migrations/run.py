"""Bring a database to the present schema, one process at a time."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import text
from sqlalchemy.engine import Connection

from appliance.migrations.tables import METADATA
from appliance.storage import Database

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
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    config.attributes["metadata"] = METADATA
    command.upgrade(config, "head")
