"""The short, seeded part of the audit's kill campaign; `python -m tests.campaigns.kill_audit` runs the long one."""

import pytest

from tests.campaigns.kill_audit import Plan, run

SEED = 7


@pytest.mark.timeout(240)
def test_kills_leave_no_act_without_its_event() -> None:
    outcome = run(Plan(kills=4, seed=SEED))
    print("\n".join(outcome.lines))
    assert outcome.broken == []
