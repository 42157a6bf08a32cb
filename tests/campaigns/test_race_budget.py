"""The short part of the race for a budget; `python -m tests.campaigns.race_budget` runs all of it."""

import pytest

from tests.campaigns.race_budget import HEAD, Race, run
from tests.support import valkey

SHORT = (
    Race("tokens, killed", "tokens", kills=1, requests=250),
    Race("two gateways, Valkey, killed", gateways=2, kills=1, database="postgres", shared="valkey", requests=250),
)


@pytest.mark.timeout(280)
@pytest.mark.parametrize("race", SHORT, ids=lambda race: race.name)
def test_the_ledger_is_exact(race: Race) -> None:
    if race.shared == "valkey" and valkey.program() is None:
        pytest.skip("SKIPPED: neither valkey-server nor redis-server is installed (apt-get install redis-server)")
    outcome = run(race)
    print(f"seed {race.seed}\n{HEAD}\n{outcome.row()}")
    assert outcome.broken == []
