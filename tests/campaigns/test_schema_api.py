"""The short part of `schema_api`."""

from pathlib import Path

import pytest

from tests.campaigns.schema_api import run


@pytest.mark.timeout(300)
async def test_replies_are_as_described(tmp_path: Path) -> None:
    assert await run(tmp_path, seconds=40, examples=5, seed=7, workers=1) == []
