"""Ten thousand mutated tokens: the short part of the campaign."""

from tests.campaigns.token_attacks import campaign


async def test_no_mutant_is_taken_and_none_takes_long() -> None:
    verdict = await campaign(10_000, seed=1)
    print(verdict)
    assert not verdict.taken
    assert not verdict.broken
    assert len(verdict.times_ms) == 10_000
    assert verdict.of_ms(0.99) < 5.0
