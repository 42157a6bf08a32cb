"""The schema that migrations make is the one that the tables say."""

import ast
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.engine import Connection

from appliance.migrations import SchemaAhead, migrate, plan
from appliance.migrations.run import FIRST_REACH, FOLDER, newest_revision, revision_of
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


TAKES_AWAY = {"drop_column", "drop_table", "drop_constraint", "drop_index", "alter_column", "rename_table"}


@pytest.mark.parametrize("file", sorted(FOLDER.glob("versions/m*.py")), ids=lambda f: f.stem)
def test_a_migration_that_takes_something_away_says_so(file: Path) -> None:
    if file.name[1:5] <= FIRST_REACH:
        return  # nobody can go back behind the one that made it possible
    tree = ast.parse(file.read_text(encoding="utf-8"))
    (forward,) = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "upgrade"]
    called = {n.attr for n in ast.walk(forward) if isinstance(n, ast.Attribute)}
    says = any(isinstance(n, ast.Assign) and ast.unparse(n) == "contracts = True" for n in tree.body)
    assert says or not called & TAKES_AWAY, f"{file.name} needs 'contracts = True'"


async def ahead(tmp_path: Path, reach: str) -> Database:
    """A database that a release of the next century has used."""
    database = Database(StorageSettings(database_url=f"sqlite+aiosqlite:///{tmp_path / 'a.db'}", files_dir=tmp_path))
    await migrate(database)
    async with database.engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9000'"))
        await connection.execute(text("UPDATE schema_reach SET oldest = :reach"), {"reach": reach})
    return database


async def test_a_release_works_with_a_schema_to_which_newer_ones_have_added(tmp_path: Path) -> None:
    database = await ahead(tmp_path, newest_revision())
    await migrate(database)
    found = await plan(database)
    assert (found.present, found.works, found.steps) == ("9000", True, ())
    await database.close()


async def test_a_release_refuses_a_schema_from_which_newer_ones_have_taken(tmp_path: Path) -> None:
    database = await ahead(tmp_path, "8999")
    with pytest.raises(SchemaAhead, match="9000") as refused:
        await migrate(database)
    assert "checkpoint" in refused.value.way_out
    assert not (await plan(database)).works
    await database.close()


async def test_a_plan_names_each_step_and_changes_nothing(tmp_path: Path) -> None:
    database = Database(StorageSettings(database_url=f"sqlite+aiosqlite:///{tmp_path / 'a.db'}", files_dir=tmp_path))
    found = await plan(database)
    assert (found.present, found.works) == ("", True)
    assert [step.revision for step in found.steps][-1] == newest_revision()
    assert found.steps[0].says == "The first tables: people, the shelf, conversations."
    assert (await plan(database)) == found
    await database.close()
