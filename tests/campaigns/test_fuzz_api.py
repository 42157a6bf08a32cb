"""The short part of `fuzz_api`."""

import copy
import json
import random
from pathlib import Path

import pytest

from tests.campaigns import fuzz_bodies
from tests.campaigns.fuzz_api import run


def test_a_long_run_sends_bodies_like_those_of_a_short_one() -> None:
    rng = random.Random(1)
    junk, good = copy.deepcopy(fuzz_bodies.JUNK), json.dumps(fuzz_bodies.GOOD)
    for _ in range(20_000):
        fuzz_bodies.body_for(rng, "POST /v1/chat/completions")
    assert junk == fuzz_bodies.JUNK
    assert json.dumps(fuzz_bodies.GOOD) == good


@pytest.mark.timeout(300)
async def test_whatever_comes_is_answered_in_our_shape_and_leaves_nothing(tmp_path: Path) -> None:
    assert await run(tmp_path, count=6_000, seed=7, lines=16) == []
