"""The schema that migrations make is the one that the tables say."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from appliance.migrations import migrate
from appliance.migrations.run import FOLDER, newest_revision, revision_of
from appliance.migrations.tables import METADATA
from appliance.storage import Database, StorageSettings
from tests.support import postgres


def differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), METADATA))


@pytest.mark.parametrize("kind", ("sqlite", "postgres"))
async def test_migrations_end_in_the_tables_of_the_rooms(
    request: pytest.FixtureRequest, kind: str, tmp_path: Path
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'a.db'}"
    if kind == "postgres":
        made = postgres.new_database(request.getfixturevalue("postgres_server"))
        url = made.replace("postgresql://", "postgresql+psycopg://", 1)
    database = Database(StorageSettings(database_url=url, files_dir=tmp_path))
    await migrate(database)
    await migrate(database)
    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []
        assert await connection.run_sync(revision_of) == newest_revision()
    await database.close()


def test_the_newest_revision_is_the_head_of_the_history() -> None:
    assert ScriptDirectory(str(FOLDER)).get_current_head() == newest_revision()
