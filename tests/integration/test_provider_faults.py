"""The provider's keys change while it is well, slow, broken or talking nonsense: row AUTH-12, and clocks that are off.

Through the gateway's port, with the time between two readings made short: what is measured is the order of things.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from appliance.identity.oidc import jwks
from tests.fakes.engine import FakeEngine
from tests.fakes.forge import SigningKey
from tests.fakes.provider import FakeProvider
from tests.support.gateway import Gateway, settings_for
from tests.support.sso import sso_gateway, with_provider

FRESH_S, SPACING_S = 1.0, 0.5
"""Instead of 60 and 30."""


@pytest.fixture(scope="module")
async def door(
    provider: FakeProvider, engine: FakeEngine, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Gateway]:
    settings = settings_for(tmp_path_factory.mktemp("faults"), engine.url, engine.url)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jwks, "FRESH_S", FRESH_S)
        patch.setattr(jwks, "SPACING_S", SPACING_S)
        patch.setattr(jwks, "FIRST_SPACING_S", 0.2)
        async with sso_gateway(with_provider(settings, provider, timeout_s=1.0)) as running:
            yield running


async def status(door: Gateway, token: str) -> int:
    async with door.client(headers={"Authorization": f"Bearer {token}"}) as client:
        return (await client.get("/api/me")).status_code


async def until(door: Gateway, token: str, wanted: int, within_s: float) -> float:
    """Seconds until the door answers so. Nothing else may come but 200 and 401."""
    began, seen = time.monotonic(), Counter[int]()
    while (found := await status(door, token)) != wanted:
        seen[found] += 1
        assert set(seen) <= {200, 401}, seen
        assert time.monotonic() - began < within_s, seen
        await asyncio.sleep(0.05)
    return time.monotonic() - began


async def test_a_new_key_works_and_an_old_one_dies(door: Gateway, provider: FakeProvider) -> None:
    old = provider.mint(provider.users["ann"])
    assert await status(door, old) == 200
    provider.rotate(keep=True)
    new = provider.mint(provider.users["ann"])
    took = await until(door, new, 200, within_s=2 * SPACING_S + 1)
    assert await status(door, old) == 200, "both are published"
    provider.rotate(provider.key)
    died = await until(door, old, 401, within_s=FRESH_S + 2)
    assert await status(door, new) == 200
    print(f"new key taken after {took:.2f} s of {SPACING_S}, old one dead after {died:.2f} s of {FRESH_S}")


@pytest.mark.parametrize("fault", ["hang", "500", "garbage", "redirect", "empty", "huge"])
async def test_those_who_are_in_stay_in_while_the_provider_fails(
    door: Gateway, provider: FakeProvider, fault: str
) -> None:
    known, fresh = (provider.mint(provider.users["ann"], jti=f"{fault}{i}") for i in range(2))
    assert await status(door, known) == 200
    provider.rotate()
    after = provider.mint(provider.users["ann"])
    provider.fault = fault
    try:
        began, seen = time.monotonic(), Counter[int]()
        while time.monotonic() - began < 3 * FRESH_S:
            assert await status(door, known) == 200
            seen[await status(door, after)] += 1
            await asyncio.sleep(0.05)
        assert set(seen) == {401}, "a key that was never seen is nobody's, and that is no error"
        assert await status(door, fresh) == 200, "a token that came while the provider was away, by a key of before"
    finally:
        provider.fault = ""
    took = await until(door, after, 200, within_s=2 * SPACING_S + 2)
    died = await until(door, known, 401, within_s=FRESH_S + 2)
    print(f"{fault}: {seen.total()} asked, none broken; back after {took:.2f} s; the old key dead after {died:.2f} s")


async def test_a_gateway_that_starts_without_its_provider_recovers_by_itself(
    provider: FakeProvider,
    engine: FakeEngine,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jwks, "FIRST_SPACING_S", 0.2)
    settings = settings_for(tmp_path_factory.mktemp("alone"), engine.url, engine.url)
    provider.fault = "hang"
    try:
        async with sso_gateway(with_provider(settings, provider, timeout_s=0.5)) as door:
            token = provider.mint(provider.users["ann"])
            async with door.client(headers={"Authorization": f"Bearer {token}"}) as client:
                reply = await client.get("/api/me")
                assert reply.status_code == 503
                assert reply.json()["error"]["code"] == "identity_provider_unavailable"
                assert int(reply.headers["retry-after"]) >= 1
            async with await door.operator() as operator:
                await operator.ok("GET", "/api/me")
            provider.fault = ""
            began = time.monotonic()
            while await status(door, token) != 200:
                assert time.monotonic() - began < 5
                await asyncio.sleep(0.05)
            print(f"in after {time.monotonic() - began:.2f} s")
    finally:
        provider.fault = ""


@pytest.mark.parametrize("algorithm", ["ES256", "PS256", "RS512", "EdDSA"])
async def test_the_kind_of_key_may_change(door: Gateway, provider: FakeProvider, algorithm: str) -> None:
    provider.rotate(SigningKey.made(f"of-{algorithm}", algorithm))
    assert await until(door, provider.mint(provider.users["ann"]), 200, within_s=3) < 3


SKEWS = {-60: 401, -31: 401, -25: 200, 0: 200, 25: 200, 36: 401, 60: 401}
"""How far ahead the provider's clock is, seconds → what becomes of a token that it makes at this moment and that lives
one second, by its clock."""


@pytest.mark.parametrize("skew_s", SKEWS)
async def test_clocks_may_be_off_by_the_leeway(door: Gateway, provider: FakeProvider, skew_s: int) -> None:
    now = int(time.time()) + skew_s
    short = provider.mint(provider.users["ann"], iat=now, nbf=now, exp=now + 1, jti=str(skew_s))
    assert await status(door, short) == SKEWS[skew_s]
    usual = provider.mint(provider.users["ann"], iat=now, nbf=now, exp=now + 300, jti=f"usual {skew_s}")
    assert await status(door, usual) == (200 if skew_s <= 30 else 401), "a provider whose clock is late harms nobody"


async def test_a_token_is_over_when_it_says_so_although_it_is_remembered(door: Gateway, provider: FakeProvider) -> None:
    now = int(time.time())
    token = provider.mint(provider.users["ann"], iat=now - 60, exp=now - 28)
    assert await status(door, token) == 200
    took = await until(door, token, 401, within_s=4)
    print(f"over after {took:.2f} s, {now + 2 - now} s of leeway were left")
