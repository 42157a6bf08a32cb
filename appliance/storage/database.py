"""Sessions on SQLite or PostgreSQL that behave the same."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import structlog
from sqlalchemy import DateTime, Dialect, MetaData, event
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

from appliance.storage.errors import AWAY, DatabaseUnavailable, is_away
from appliance.storage.late import LATE, do_late
from appliance.storage.settings import StorageSettings

log = structlog.get_logger(__name__)

RETRY_S = 5.0
NAMES = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time. SQLite forgets time zones, so values are stored and given back as UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - the signature is SQLAlchemy's
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - the signature is SQLAlchemy's
        return None if value is None else value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC)


class Base(DeclarativeBase):
    """Every table of every room."""

    metadata = MetaData(naming_convention=NAMES)


class Database:
    """Opens transactions. One instance per process and database."""

    def __init__(self, settings: StorageSettings) -> None:
        self.url = settings.database_url
        self.is_sqlite = self.url.startswith("sqlite")
        options: dict[str, Any] = {} if self.is_sqlite else {"pool_size": settings.pool_size, "pool_pre_ping": True}
        self.engine: AsyncEngine = create_async_engine(self.url, **options)
        if self.is_sqlite:
            event.listen(self.engine.sync_engine, "connect", _prepare_sqlite)
            event.listen(self.engine.sync_engine, "begin", _begin_sqlite)
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        # SQLite has one writer. Queueing here is fair; its busy handler only sleeps and guesses.
        self._writer = asyncio.Lock() if self.is_sqlite else None

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A session for queries; whatever it changed is rolled back. Raises DatabaseUnavailable."""
        try:
            async with self._sessions() as session:
                yield session
        except AWAY as error:
            if not is_away(error):
                raise
            raise _unavailable(error) from error

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """A session that commits when the block ends well and rolls back when it raises. Raises DatabaseUnavailable."""
        try:
            async with AsyncExitStack() as stack:
                if self._writer is not None:
                    await stack.enter_async_context(self._writer)
                session = await stack.enter_async_context(self._sessions())
                if self.is_sqlite:
                    await session.connection(execution_options={"sqlite_begin": "BEGIN IMMEDIATE"})
                session.info[LATE] = []
                yield session
                await do_late(session)
                await _to_the_end(session.commit())
        except AWAY as error:
            if not is_away(error):
                raise
            raise _unavailable(error) from error

    async def close(self) -> None:
        await self.engine.dispose()


async def _to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Do it whole, also when the caller is cancelled meanwhile: half a commit would cost the connection."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.gather(task, return_exceptions=True)  # its own failure counts less than that the caller leaves
        raise


def _unavailable(error: DBAPIError | PoolTimeout) -> DatabaseUnavailable:
    """What rooms and callers are told; the driver's own words name addresses, and are for the log."""
    cause = getattr(error, "orig", None) or error
    log.warning("the database does not answer", reason=f"{type(cause).__name__}: {cause}"[:200])
    return DatabaseUnavailable("The database does not answer.", retry_after_s=RETRY_S)


def _prepare_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # We say BEGIN ourselves (below); the driver's own rule would start a transaction only at the first write.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=15000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    begin = connection.get_execution_options().get("sqlite_begin", "BEGIN")
    connection.exec_driver_sql(str(begin))
