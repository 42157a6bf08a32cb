"""The short, seeded part of the kill campaign; `python -m tests.campaigns.kill_ingest` runs the long one."""

import pytest

from tests.campaigns.kill_ingest import Plan, run

SEED = 20


@pytest.mark.timeout(240)
@pytest.mark.parametrize("database", ["sqlite"])
def test_kills_lose_nothing(database: str) -> None:
    plan = Plan(files=40, kills=3, seed=SEED, database=database, work_s=150)
    print(f"seed {plan.seed}")
    outcome = run(plan)
    print("\n".join(outcome.lines))
    assert len(outcome.kills) == plan.kills
    assert outcome.broken == []
