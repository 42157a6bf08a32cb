"""Transactions that end whole, whatever happens to who asked for them."""

import asyncio
import logging
import random
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from appliance.storage import Database, StorageSettings


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
