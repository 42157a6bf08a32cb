"""The short part of the replica campaign; `python -m tests.campaigns.replicas` runs the long one."""

import pytest

from tests.campaigns.replicas import Plan, run


@pytest.mark.timeout(200)
def test_a_frozen_a_killed_and_a_slow_replica_are_no_clients_trouble() -> None:
    outcome = run(Plan(clients=12, frozen_s=11.0, seed=7))
    print("\n".join(outcome.lines))
    assert outcome.broken == []
