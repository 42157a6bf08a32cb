"""The short part of `schema_scim`."""

from pathlib import Path

import pytest

from tests.campaigns.schema_scim import Plan, run


@pytest.mark.timeout(300)
async def test_provisioning_answers_as_the_protocol_says(tmp_path: Path) -> None:
    assert await run(tmp_path, Plan(seconds=40, examples=5, seed=7)) == []
