"""Ten thousand mutated tokens: the short part of the campaign."""

from appliance.foundation import SystemClock
from appliance.identity.oidc import OidcSettings
from appliance.identity.oidc.fetch import Fetch
from appliance.identity.oidc.jwks import SigningKeys
from appliance.identity.oidc.provider import Provider
from appliance.identity.oidc.tokens import TokenVerifier
from tests.campaigns.token_attacks import campaign, judge
from tests.fakes.provider import CLIENT, FakeProvider, providing
from tests.support.token_attacks import ROWS, World, attacks, controls


async def test_no_mutant_is_taken_and_none_takes_long() -> None:
    verdict = await campaign(10_000, seed=1)
    print(verdict)
    assert not verdict.taken
    assert not verdict.broken
    assert len(verdict.times_ms) == 10_000
    assert verdict.of_ms(0.99) < 5.0


async def test_no_token_of_the_tables_is_taken_also_those_that_no_header_can_hold() -> None:
    async with providing(FakeProvider()) as provider:
        world = World.over(provider, "http://127.0.0.1:1")
        settings = OidcSettings(provider.issuer, CLIENT, timeout_s=30)
        fetch = Fetch(settings)
        verifier = TokenVerifier(settings, SigningKeys(Provider(settings, fetch)), SystemClock())
        try:
            honest = await judge(verifier, list(controls(world).values()))
            verdict = await judge(verifier, [a.token for row in ROWS for a in attacks(world, row)])
        finally:
            await fetch.close()
    assert len(honest.taken) == len(controls(world))
    assert not verdict.taken
    assert not verdict.broken
    assert len(verdict.times_ms) >= 500
