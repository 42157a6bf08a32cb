"""Transactions that end whole, whatever happens to who asked for them."""

import asyncio
import logging
import random
import time
from pathlib import Path

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from appliance.configuration import storage_settings
from appliance.settings import DatabaseSection, Settings
from appliance.storage import Database, DatabaseUnavailable, StorageSettings


async def test_a_caller_who_leaves_costs_no_connection(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    database = Database(StorageSettings(database_url=f"sqlite+aiosqlite:///{tmp_path / 'a.db'}", files_dir=tmp_path))
    async with database.write() as session:
        await session.execute(text("CREATE TABLE rows (number INTEGER)"))
    written: set[int] = set()
    chance = random.Random(1)

    async def write(number: int) -> None:
        async with database.write() as session:
            await session.execute(text("INSERT INTO rows VALUES (:number)"), {"number": number})
            written.add(number)

    with caplog.at_level(logging.ERROR, "sqlalchemy.pool"):
        began = time.monotonic()
        for number in range(20):
            await write(number)
        longest_s = (time.monotonic() - began) / 20
        for number in range(20, 320):
            task = asyncio.create_task(write(number))
            await asyncio.sleep(chance.uniform(0, longest_s))
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    assert caplog.records == []
    async with database.read() as session:
        assert set(await session.scalars(text("SELECT number FROM rows"))) == written
    await database.close()


async def test_a_database_that_cannot_be_asked_has_a_name_and_a_wrong_statement_keeps_its_own(tmp_path: Path) -> None:
    away = Database(StorageSettings(database_url=f"sqlite+aiosqlite:///{tmp_path / 'no' / 'a.db'}", files_dir=tmp_path))
    with pytest.raises(DatabaseUnavailable) as told:
        async with away.read() as session:
            await session.execute(text("SELECT 1"))
    assert (told.value.status, str(told.value)) == (503, "The database does not answer.")
    assert isinstance(told.value, SQLAlchemyError)
    with pytest.raises(DatabaseUnavailable):
        async with away.write():
            pass
    here = Database(StorageSettings(database_url=f"sqlite+aiosqlite:///{tmp_path / 'a.db'}", files_dir=tmp_path))
    with pytest.raises(OperationalError):
        async with here.read() as session:
            await session.execute(text("SELECT * FROM nothing"))
    await here.close()


async def test_a_server_that_answers_nobody_is_given_up_in_seconds() -> None:
    async def silent(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    given = Settings(database=DatabaseSection(url=f"postgresql://somebody:word@127.0.0.1:{port}/appliance"))
    database = Database(storage_settings(given))
    began = time.monotonic()
    with pytest.raises(DatabaseUnavailable):
        async with database.read() as session:
            await session.execute(text("SELECT 1"))
    assert time.monotonic() - began < 15
    server.close()
    await database.close()


def test_what_an_address_says_itself_counts_more_than_our_patience() -> None:
    given = Settings(database=DatabaseSection(url="postgresql://a:b@c/d?sslmode=require&connect_timeout=30"))
    url = make_url(storage_settings(given).database_url)
    assert (url.drivername, url.query["sslmode"], url.query["connect_timeout"]) == (
        "postgresql+psycopg",
        "require",
        "30",
    )
    assert url.query["tcp_user_timeout"] == "10000"
