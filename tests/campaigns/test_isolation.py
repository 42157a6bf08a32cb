"""The short part of the isolation campaign; `python -m tests.campaigns.isolation` runs the long one."""

import time

import pytest

from tests.campaigns.canaries import Firm, Rights
from tests.campaigns.canary_world import World
from tests.campaigns.isolation import Asked, Judge, Outcome, Plan, run


def test_the_judge_sees_a_leak_and_a_late_loss() -> None:
    firm = Firm(1, people=6, shelves=6, texts=1)
    for shelf in firm.shelves:
        shelf.everyone, shelf.groups, shelf.people, shelf.owner = False, set(), set(), 0
    outcome, rights = Outcome(), Rights(firm)
    judge = Judge(World(firm), rights, outcome)
    canary, now = firm.texts[2].canary, time.monotonic()
    judge.judge(0, Asked("search", "POST", "/"), (now, now), 200, f"Its code is {canary}.")
    assert (outcome.canaries, outcome.broken) == (1, [])
    judge.judge(1, Asked("search", "POST", "/"), (now, now), 200, f"Its code is {canary}.")
    assert outcome.leaks == 1
    firm.shelves[2].owner = 1
    rights.changes()
    rights.changed()
    now = time.monotonic()
    judge.judge(0, Asked("search", "POST", "/"), (now + 2, now + 2), 200, canary)
    assert (outcome.leaks, outcome.late, outcome.longest_lag_s) == (1, 1, pytest.approx(2.0, abs=0.1))
    judge.judge(0, Asked("search", "POST", "/"), (now + 6, now + 6), 200, canary)
    assert outcome.leaks == 2
    judge.judge(0, Asked("by id", "GET", "/", shelf=2), (now + 6, now + 6), 403, "")
    assert "403 for what is not theirs" in outcome.broken[-1]


@pytest.mark.timeout(240)
def test_nobody_reads_what_is_not_theirs_while_rights_change() -> None:
    outcome = run(Plan(requests=3_000, seed=5, clients=12, people=24, shelves=10, texts=2))
    print("\n".join(outcome.lines))
    assert outcome.broken == []
    assert outcome.foreign_ids > 100
    assert outcome.changes > 5
