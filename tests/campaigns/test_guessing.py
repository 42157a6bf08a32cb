"""The short part of `guessing`: a few hundred passwords and keys, against a running gateway."""

from pathlib import Path

import pytest

from tests.campaigns.guessing import run


@pytest.mark.timeout(240)
async def test_guessers_wait_and_owners_do_not(tmp_path: Path) -> None:
    assert await run(tmp_path, tries=400) == []
