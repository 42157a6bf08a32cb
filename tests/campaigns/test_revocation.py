"""The short part of `revocation`: every kind of work once, on SQLite."""

import asyncio
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from tests.campaigns.revocation import run


def _run(folder: str) -> list[str]:
    return asyncio.run(run(Path(folder), "", rounds=1))


@pytest.mark.timeout(300)
def test_no_work_outlives_its_right(tmp_path: Path) -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:  # one process runs one job store
        assert process.submit(_run, str(tmp_path / "data")).result() == []
