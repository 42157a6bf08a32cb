"""The provider says that a session is over: row AUTH-25 of the plan."""

import time
from typing import Any

import pytest

from tests.fakes.forge import SigningKey, signed, unsigned
from tests.fakes.provider import BACKCHANNEL_EVENT, FakeProvider
from tests.support.visitor import Visitor


def logout_tokens(provider: FakeProvider, sid: str) -> dict[str, str]:
    """Every kind that must not act, by what is wrong with it."""
    user, now = provider.users["ann"], int(time.time())
    honest = {
        "iss": provider.issuer,
        "aud": "appliance",
        "iat": now,
        "exp": now + 60,
        "jti": "one",
        "sub": user.subject,
        "sid": sid,
        "typ": "Logout",
        "events": {BACKCHANNEL_EVENT: {}},
    }
    header = provider.header()

    def mint(**other: Any) -> str:
        return signed(header, {k: v for k, v in {**honest, **other}.items() if v is not None}, provider.key)

    return {
        "unsigned": unsigned({"alg": "none", "typ": "logout+jwt"}, honest),
        "signature taken away": unsigned(header, honest),
        "key of somebody else": signed(header, honest, SigningKey.made(provider.key.kid)),
        "no events": mint(events=None),
        "wrong events": mint(events={"http://schemas.openid.net/event/other": {}}),
        "events a list": mint(events=[BACKCHANNEL_EVENT]),
        "with a nonce": mint(nonce="x"),
        "no jti": mint(jti=None),
        "other sid": mint(sid="of-nobody", jti="two"),
        "other subject": mint(sub="sub-of-nobody", jti="three"),
        "nobody named": mint(sub=None, sid=None),
        "other issuer": mint(iss="https://evil.example"),
        "other audience": mint(aud="another"),
        "over": mint(iat=now - 500, exp=now - 400),
        "lives for a year": mint(exp=now + 31_536_000),
        "an ID token": provider.id_token(user, "n", sid=sid),
        "an access token": provider.mint(user, sid=sid),
        "nonsense": "a.b.c",
        "empty": "",
    }


async def backchannel(visitor: Visitor, token: str) -> int:
    reply = await Visitor(visitor.gateway).ask("POST", "/auth/oidc/backchannel", data={"logout_token": token})
    return reply.status_code


async def test_auth_25_no_dishonest_logout_token_acts(visitor: Visitor, provider: FakeProvider) -> None:
    acted = []
    for name, token in logout_tokens(provider, await visitor.log_in_at(provider)).items():
        status = await backchannel(visitor, token)
        assert status in (200, 400), name
        if await visitor.me() != 200:
            acted.append(name)
    assert acted == []


@pytest.mark.parametrize("media_type", ["application/json", "text/plain", "multipart/form-data; boundary=x", ""])
async def test_auth_25_a_logout_token_comes_in_a_form_only(
    visitor: Visitor, provider: FakeProvider, media_type: str
) -> None:
    token = provider.logout_token(provider.users["ann"], sid=await visitor.log_in_at(provider))
    async with visitor.gateway.client() as client:
        content, headers = f"logout_token={token}".encode(), {"content-type": media_type}
        reply = await client.post("/auth/oidc/backchannel", content=content, headers=headers)
    assert reply.status_code in (400, 415)
    assert await visitor.me() == 200


async def test_auth_25_an_honest_logout_token_acts_once(visitor: Visitor, provider: FakeProvider) -> None:
    sid = await visitor.log_in_at(provider)
    other = Visitor(visitor.gateway)
    await other.log_in()
    token = provider.logout_token(provider.users["ann"], sid=sid)
    assert await backchannel(visitor, token) == 200
    assert await visitor.me() == 401
    assert await other.me() == 200, "another session of the same person"
    assert await backchannel(visitor, token) == 400, "the same token again"
    everywhere = provider.logout_token(provider.users["ann"], sid=None)
    assert await backchannel(visitor, everywhere) == 200
    assert await other.me() == 401
