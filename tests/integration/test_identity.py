"""Accounts, sessions and keys through the HTTP interface."""

import uuid

import pytest

from tests.support.gateway import ADMIN, PASSWORD, Gateway


async def test_login_and_logout(running_gateway: Gateway) -> None:
    async with running_gateway.client(headers={"X-Requested-With": "appliance"}) as client:
        assert (await client.ok("GET", "/auth/session"))["user"] is None
        reply = await client.post("/auth/login", json={"email": ADMIN, "password": PASSWORD})
        cookie = reply.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert (await client.ok("GET", "/auth/session"))["user"]["email"] == ADMIN
        kept = dict(client.cookies)
        await client.ok("POST", "/auth/logout")
        for name, value in kept.items():
            client.cookies.set(name, value)
        assert (await client.get("/api/me")).status_code == 401, "a session that was ended opens nothing"
        assert (await client.ok("GET", "/auth/session"))["user"] is None, "a stale cookie is no error here"


@pytest.mark.parametrize(("email", "password"), [(ADMIN, "wrong"), ("nobody@x.test", PASSWORD)])
async def test_wrong_credentials_do_not_tell_which_part_is_wrong(
    running_gateway: Gateway, email: str, password: str
) -> None:
    async with running_gateway.client() as client:
        reply = await client.post("/auth/login", json={"email": email, "password": password})
    assert reply.status_code == 401
    assert reply.json()["error"]["code"] == "bad_credentials"


async def test_guessing_is_slowed_down(running_gateway: Gateway) -> None:
    email = f"victim-{uuid.uuid4().hex}@x.test"
    await (await running_gateway.person(email)).aclose()
    async with running_gateway.client() as client:
        statuses = [
            (await client.post("/auth/login", json={"email": email, "password": "wrong"})).status_code
            for _ in range(12)
        ]
    assert statuses[0] == 401
    assert statuses[-1] == 429


async def test_a_key_is_shown_once_and_ends_when_revoked(running_gateway: Gateway) -> None:
    person = await running_gateway.person(f"k-{uuid.uuid4().hex}@x.test")
    made = await person.ok("POST", "/api/keys", {"name": "script", "expires_in_days": 7})
    listed = await person.ok("GET", "/api/keys")
    assert made["key"] not in str(listed)
    async with running_gateway.client(headers={"Authorization": f"Bearer {made['key']}"}) as program:
        assert (await program.get("/v1/models")).status_code == 200
        refused = await program.post("/api/keys", json={"name": "child", "expires_in_days": 7})
        assert refused.status_code == 403, "a key makes no keys"
        await person.ok("DELETE", f"/api/keys/{made['id']}")
        assert (await program.get("/v1/models")).status_code == 401
    await person.aclose()


async def test_a_disabled_account_is_out_at_once(running_gateway: Gateway) -> None:
    person = await running_gateway.person(f"d-{uuid.uuid4().hex}@x.test")
    program = await running_gateway.with_key(person)
    key = (await person.ok("GET", "/api/me"))["id"]
    async with await running_gateway.operator() as operator:
        await operator.ok("PATCH", f"/api/users/{key}", {"disabled": True})
    assert (await person.get("/api/me")).status_code == 401
    assert (await program.get("/v1/models")).status_code == 401
    await person.aclose()
    await program.aclose()


async def test_a_cookie_needs_the_header_of_our_own_page(running_gateway: Gateway) -> None:
    person = await running_gateway.person(f"c-{uuid.uuid4().hex}@x.test")
    del person.headers["X-Requested-With"]
    assert (await person.post("/api/conversations", json={})).status_code == 403
    other_site = {"X-Requested-With": "appliance", "Origin": "https://elsewhere.test"}
    assert (await person.post("/api/conversations", json={}, headers=other_site)).status_code == 403
    await person.aclose()


async def test_two_credentials_at_once_are_refused(running_gateway: Gateway) -> None:
    person = await running_gateway.person(f"m-{uuid.uuid4().hex}@x.test")
    reply = await person.get("/api/me", headers={"Authorization": "Bearer pma_nothing"})
    assert reply.status_code in (400, 401)
    await person.aclose()


async def test_users_manage_nobody(running_gateway: Gateway) -> None:
    person = await running_gateway.person(f"u-{uuid.uuid4().hex}@x.test")
    assert (await person.get("/api/users")).status_code == 403
    reply = await person.post("/api/users", json={"email": "a@x.test", "name": "a", "roles": ["administrator"]})
    assert reply.status_code == 403
    await person.aclose()
