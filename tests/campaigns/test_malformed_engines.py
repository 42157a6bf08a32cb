"""The short, seeded part of the campaign; `python -m tests.campaigns.malformed_engines` runs the long one."""

import pytest
import uvloop

from tests.campaigns.malformed_engines import Campaign, lines

SEED = 3


@pytest.mark.timeout(120)
def test_no_reply_is_ever_taken_for_another() -> None:
    outcome = uvloop.run(Campaign(3_000, SEED).run())
    print("\n".join(lines(outcome, SEED)))
    assert outcome.wrong == []
    assert outcome.left == 0
    assert outcome.whole > 1_000
    assert sum(outcome.errors.values()) > 500
    assert outcome.whole + sum(outcome.errors.values()) == outcome.requests
    assert outcome.grown_mib < 20
