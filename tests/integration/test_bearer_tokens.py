"""Access tokens of a provider on `/v1` and `/api`: whom they let in, as whom, and when they are dead."""

import asyncio
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, text

from appliance.identity.credentials import Credential
from appliance.identity.models import UserRow
from tests.fakes.forge import signed
from tests.fakes.provider import FakeProvider, FakeUser
from tests.support.gateway import CHAT_MODEL, Client, Gateway

QUESTION = {"model": CHAT_MODEL, "messages": [{"role": "user", "content": "Say something."}]}


def somebody(provider: FakeProvider, **facts: Any) -> FakeUser:
    return provider.user(f"p{uuid.uuid4().hex[:12]}", **facts)


def with_token(door: Gateway, token: str) -> Client:
    return door.client(headers={"Authorization": f"Bearer {token}"})


async def test_a_token_does_what_a_key_does(door: Gateway, provider: FakeProvider) -> None:
    ann = somebody(provider, groups=("/staff/sales",))
    async with with_token(door, provider.mint(ann)) as client:
        me = await client.ok("GET", "/api/me")
        assert me["email"] == f"{ann.username}@firm.test"
        assert [g["name"] for g in me["groups"]] == ["/staff/sales"]
        assert me["roles"] == ["user"]
        assert CHAT_MODEL in [m["id"] for m in (await client.ok("GET", "/v1/models"))["data"]]
        assert (await client.ok("POST", "/v1/chat/completions", QUESTION))["choices"]
        assert (await client.get("/api/users")).status_code == 403
        made = await client.post("/api/keys", json={"name": "x"})
        assert made.status_code == 403, "what makes credentials needs a browser"


async def test_the_account_follows_issuer_and_subject_and_never_the_address(
    door: Gateway, provider: FakeProvider
) -> None:
    ann, thief = somebody(provider), somebody(provider)
    async with with_token(door, provider.mint(ann)) as client:
        first = (await client.ok("GET", "/api/me"))["id"]
    async with with_token(door, provider.mint(ann, email="other@firm.test", iat=int(time.time()) + 1)) as client:
        assert (await client.ok("GET", "/api/me"))["id"] == first
    async with with_token(door, provider.mint(thief, email=f"{ann.username}@firm.test")) as client:
        reply = await client.get("/api/me")
        assert reply.status_code == 403 or reply.json()["id"] != first


async def test_roles_come_from_groups_and_not_from_the_token(door: Gateway, provider: FakeProvider) -> None:
    chief, liar = somebody(provider, groups=("/staff", "/admins")), somebody(provider, roles=("administrator",))
    async with with_token(door, provider.mint(chief)) as client:
        assert "administrator" in (await client.ok("GET", "/api/me"))["roles"]
        await client.ok("GET", "/api/users")
    async with with_token(door, provider.mint(liar)) as client:
        assert (await client.ok("GET", "/api/me"))["roles"] == ["user"]


@pytest.mark.parametrize("groups", [(), ("/other",), ("staff",), ("/staffer",), ("/STAFF",), ("/x/staff",)])
async def test_nobody_is_let_in_without_an_admitted_group(
    door: Gateway, provider: FakeProvider, groups: tuple[str, ...]
) -> None:
    stranger = somebody(provider, groups=groups, roles=("administrator",))
    async with with_token(door, provider.mint(stranger)) as client:
        for path in ("/api/me", "/v1/models"):
            reply = await client.get(path)
            assert (reply.status_code, reply.json()["error"]["code"]) == (403, "not_admitted")
    async with await door.operator() as operator:
        people = await operator.ok("GET", "/api/users")
    assert stranger.username not in str(people), "no account was made"


async def test_a_disabled_account_is_out_at_once_with_a_good_token(door: Gateway, provider: FakeProvider) -> None:
    ann = somebody(provider)
    async with with_token(door, provider.mint(ann)) as client, await door.operator() as operator:
        me = await client.ok("GET", "/api/me")
        await operator.ok("PATCH", f"/api/users/{me['id']}", {"disabled": True})
        began = time.monotonic()
        assert (await client.get("/api/me")).status_code == 403
        print(f"out after {time.monotonic() - began:.3f} s")
        fresh = with_token(door, provider.mint(ann, jti="another"))
        assert (await fresh.get("/v1/models")).json()["error"]["code"] == "account_shut"
        await operator.ok("PATCH", f"/api/users/{me['id']}", {"disabled": False})
        assert (await client.get("/api/me")).status_code == 200
        await fresh.aclose()


async def test_an_older_token_gives_back_no_group_that_a_newer_one_lacks(door: Gateway, provider: FakeProvider) -> None:
    now = int(time.time())
    ann = somebody(provider, groups=("/staff", "/staff/secret"))
    old = provider.mint(ann, iat=now - 20)
    ann.groups = ("/staff",)
    new = provider.mint(ann, iat=now)
    async with with_token(door, old) as before, with_token(door, new) as after:
        assert len((await before.ok("GET", "/api/me"))["groups"]) == 2
        assert [g["name"] for g in (await after.ok("GET", "/api/me"))["groups"]] == ["/staff"]
        assert [g["name"] for g in (await before.ok("GET", "/api/me"))["groups"]] == ["/staff"]


async def test_a_program_of_an_admitted_group_is_a_service_account(door: Gateway, provider: FakeProvider) -> None:
    robot = provider.user("service-account-program", groups=("/staff", "/admins"))
    token = provider.mint(robot, azp="program", client_id="program", email=None, sid=None)
    async with with_token(door, token) as client, await door.operator() as operator:
        me = await client.ok("GET", "/api/me")
        assert (await client.ok("POST", "/v1/chat/completions", QUESTION))["choices"]
        assert me["roles"] == ["user"], "a program administers nothing, whatever its groups"
        assert (await client.get("/api/users")).status_code == 403
        found = [u for u in await operator.ok("GET", "/api/users") if u["id"] == me["id"]]
        assert found[0]["kind"] == "service"
        await operator.ok("PATCH", f"/api/service-accounts/{me['id']}", {"disabled": True})
        assert (await client.get("/v1/models")).status_code == 403


async def test_a_program_that_an_administrator_ties_is_let_in(door: Gateway, provider: FakeProvider) -> None:
    robot = provider.user("service-account-program", groups=())
    robot.subject = f"sub-{uuid.uuid4().hex}"
    token = provider.mint(robot, azp="program", client_id="program", email=None, sid=None)
    async with with_token(door, token) as client, await door.operator() as operator:
        assert (await client.get("/v1/models")).status_code == 403
        owner = (await operator.ok("GET", "/api/me"))["id"]
        made = await operator.ok(
            "POST", "/api/service-accounts", {"name": uuid.uuid4().hex, "owner": {"kind": "user", "id": owner}}
        )
        who = {"issuer": provider.issuer, "subject": robot.subject}
        await operator.ok("PUT", f"/api/users/{made['id']}/identity", who)
        assert (await client.ok("GET", "/api/me"))["id"] == made["id"]
    person = provider.mint(robot, azp="program", client_id=None)
    async with with_token(door, person) as client:
        assert (await client.get("/v1/models")).status_code == 403, "a person is no program"


@contextmanager
def queries(door: Gateway) -> Iterator[list[str]]:
    """Statements, without the look at the count of changes that happens every second, and what is written of use."""
    seen: list[str] = []
    engine = door.parts.database.engine.sync_engine

    def note(_c: object, _u: object, statement: str, *_: object) -> None:
        if "rights_version" not in statement and not statement.startswith(("BEGIN", "ROLLBACK", "COMMIT")):
            seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


async def test_a_known_token_asks_neither_database_nor_provider(door: Gateway, provider: FakeProvider) -> None:
    access, credential = door.parts.access, Credential("bearer", provider.mint(somebody(provider)))
    while access.cached(credential) is None:
        await access.caller(credential)
        await asyncio.sleep(0.05)
    asked = dict(provider.asked)
    with queries(door) as sent:
        for _ in range(1000):
            assert (await access.caller(credential)).via == "token"
    assert sent == []
    assert provider.asked == asked


async def test_after_a_change_of_rights_a_token_is_looked_up_by_its_account_alone(
    door: Gateway, provider: FakeProvider
) -> None:
    access, credential = door.parts.access, Credential("bearer", provider.mint(somebody(provider)))
    while access.cached(credential) is None:
        await access.caller(credential)
        await asyncio.sleep(0.05)
    first = access.cached(credential)
    access._rights.drop()
    with queries(door) as sent:
        assert await access.caller(credential) == first
    about_people = [s for s in sent if "users" in s or "memberships" in s]  # other tasks of the process ask as well
    assert 0 < len(about_people) <= 2, sent
    assert all(s.startswith(("SELECT", "WITH")) for s in about_people)


async def test_an_identity_that_moves_to_another_account_takes_its_tokens_along(
    door: Gateway, provider: FakeProvider
) -> None:
    ann = somebody(provider)
    async with with_token(door, provider.mint(ann)) as client:
        before = (await client.ok("GET", "/api/me"))["id"]
        async with door.parts.database.write() as session:
            row = await session.get(UserRow, uuid.UUID(before))
            assert row is not None
            row.issuer = row.subject = None
        email = f"{uuid.uuid4().hex}@x.test"
        other, _ = await door.parts.people.create(email=email, name="O", password=None, roles=("user",))
        await door.parts.accounts.tie(other.id, provider.issuer, ann.subject)
        assert (await client.ok("GET", "/api/me"))["id"] == str(other.id) != before


async def test_each_refusal_is_one_event_of_the_audit(door: Gateway, provider: FakeProvider) -> None:
    async def denied() -> int:
        async with door.parts.database.read() as session:
            found = await session.execute(text("SELECT count(*) FROM audit_events WHERE action = 'access.denied'"))
            return int(found.scalar_one())

    before = await denied()
    refused: list[dict[str, Any]] = [{"aud": "other"}, {"groups": []}, {"exp": 1}]
    for other in refused:
        async with with_token(door, provider.mint(somebody(provider), **other)) as client:
            assert (await client.get("/api/key-endpoints")).status_code in {401, 403}
    assert await denied() - before == len(refused)


async def test_two_tokens_that_share_all_but_the_end_are_two(door: Gateway, provider: FakeProvider) -> None:
    token = provider.mint(somebody(provider))
    async with with_token(door, token) as client, with_token(door, token[:-1] + "-") as other:
        assert (await client.get("/api/me")).status_code == 200
        assert (await other.get("/api/me")).status_code == 401


async def test_many_refused_tokens_keep_no_key_from_being_looked_up(door: Gateway, provider: FakeProvider) -> None:
    """While the provider hangs, tokens with unknown keys wait for it; a key that is new here does not."""
    parts = door.parts
    person, _ = await parts.people.create(email=f"{uuid.uuid4().hex}@x.test", name="K", password=None, roles=("user",))
    _, key = await parts.keys.create(person.id, "test", 1)
    assert parts.oidc is not None
    provider.fault = "hang"
    try:
        parts.oidc.keys._tried_at = float("-inf")  # as if thirty seconds had passed
        header = provider.header(kid="unknown")
        flood = [with_token(door, provider_token(provider, header, i)) for i in range(50)]
        waiting = [asyncio.create_task(client.get("/api/me")) for client in flood]
        await asyncio.sleep(0.3)
        began = time.monotonic()
        async with with_token(door, key) as client:
            assert (await client.get("/api/me")).status_code == 200
        took = time.monotonic() - began
    finally:
        provider.fault = ""
    replies = await asyncio.gather(*waiting)
    assert {r.status_code for r in replies} == {401}
    await asyncio.gather(*(client.aclose() for client in flood))
    print(f"a new key was looked up in {took:.3f} s beside {len(replies)} waiting tokens")
    assert took < 2


def provider_token(provider: FakeProvider, header: dict[str, Any], number: int) -> str:
    return signed(header, provider.access_claims(provider.service_user("program"), jti=str(number)), provider.key)
