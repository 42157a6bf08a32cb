"""The short part of `fuzz_api`."""

from pathlib import Path

import pytest

from tests.campaigns.fuzz_api import run


@pytest.mark.timeout(300)
async def test_whatever_comes_is_answered_in_our_shape_and_leaves_nothing(tmp_path: Path) -> None:
    assert await run(tmp_path, count=6_000, seed=7, lines=16) == []
