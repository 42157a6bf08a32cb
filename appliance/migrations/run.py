"""Bring a database to the present schema, one process at a time; or say what that would mean."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import inspect, text
from sqlalchemy.engine import Connection

from appliance.foundation import Conflict
from appliance.migrations.tables import METADATA
from appliance.storage import Database

FOLDER = Path(__file__).parent

LOCK = 7_417_042
"""Any number that only we use as an advisory lock on PostgreSQL."""

FIRST_REACH = "0020"
"""From this migration on the schema says itself how far back it reaches."""


class SchemaAhead(Conflict):
    """A newer release has changed the schema in a way that this one cannot work with."""

    code = "schema_ahead"
    remedy = "Run the newer release, or restore the checkpoint that was made before it ('appliance backup list')."


@dataclass(frozen=True, slots=True)
class Step:
    """A migration that has not run yet."""

    revision: str
    says: str
    """First line of what it says about itself."""
    contracts: bool
    """It takes something away: releases before it cannot work with the schema any more."""


@dataclass(frozen=True, slots=True)
class MigrationPlan:
    present: str
    """Where the database stands; empty when it has no schema."""
    newest: str
    """The newest migration that this release knows."""
    steps: tuple[Step, ...]
    works: bool
    """Whether this release can work with the database, once the steps are done."""


async def migrate(database: Database) -> None:
    """Run all outstanding migrations in one transaction: a crash leaves the schema as it was.

    Raises:
        SchemaAhead: a newer release was here, and has taken away what this one needs.
    """
    async with database.engine.begin() as connection:
        if not database.is_sqlite:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        await connection.run_sync(upgrade)


async def plan(database: Database) -> MigrationPlan:
    """What `migrate` would do; changes nothing."""
    async with database.engine.connect() as connection:
        return await connection.run_sync(plan_of)


def upgrade(connection: Connection) -> None:
    """The same on a synchronous connection that is in a transaction."""
    present, newest = revision_of(connection), newest_revision()
    if present == newest:
        return
    if present is not None and present > newest:
        if reach_of(connection) > newest:
            raise SchemaAhead(f"The database has the schema {present}, and this release knows those up to {newest}.")
        return
    from alembic import command  # noqa: PLC0415 - takes memory that a gateway at rest does not need
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["connection"] = connection
    config.attributes["metadata"] = METADATA
    command.upgrade(config, "head")
    reach = max((step.revision for step in steps_after("") if step.contracts), default=FIRST_REACH)
    connection.execute(text("UPDATE schema_reach SET oldest = :reach WHERE oldest < :reach"), {"reach": reach})


def plan_of(connection: Connection) -> MigrationPlan:
    """The plan, on a synchronous connection."""
    present, newest = revision_of(connection) or "", newest_revision()
    works = present <= newest or reach_of(connection) <= newest
    return MigrationPlan(present, newest, steps_after(present), works)


def steps_after(revision: str) -> tuple[Step, ...]:
    """Migrations of this release that come later, in their order."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - as above

    known = [s for s in ScriptDirectory(str(FOLDER)).walk_revisions() if s.revision > revision]
    return tuple(
        Step(script.revision, script.doc, bool(getattr(script.module, "contracts", False))) for script in known[::-1]
    )


def newest_revision() -> str:
    """What the last migration's file is called by: `m0010_….py` makes revision `0010`, which a test holds."""
    return max(file.name[1:5] for file in (FOLDER / "versions").glob("m[0-9]*.py"))


def revision_of(connection: Connection) -> str | None:
    """Where the database stands; None when it is empty."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def reach_of(connection: Connection) -> str:
    """The oldest release, by its newest migration, that can work with the schema."""
    found: str | None = connection.scalar(text("SELECT max(oldest) FROM schema_reach"))
    return found or FIRST_REACH
