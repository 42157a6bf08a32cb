"""Giving roles, administering groups, and that nobody climbs by either."""

import asyncio
import uuid
from typing import Any

import pytest

from appliance.foundation import Conflict
from appliance.identity import ROLES, PersonChange
from tests.support.gateway import PASSWORD, Client, Gateway


@pytest.fixture
async def chief(running_gateway: Gateway) -> Client:
    return await running_gateway.operator()


async def person(gateway: Gateway, chief: Client, *roles: str) -> tuple[Client, str]:
    """Somebody new with these roles; their id."""
    address = f"{uuid.uuid4().hex}@x.test"
    body = {"email": address, "name": address, "password": PASSWORD, "roles": ["user", *roles]}
    made = await chief.ok("POST", "/api/users", body)
    assert sorted(made["roles"]) == sorted(["user", *roles])
    return await gateway.logged_in(address, PASSWORD), made["id"]


async def group(chief: Client) -> str:
    return str((await chief.ok("POST", "/api/groups", {"name": f"g-{uuid.uuid4().hex}"}))["id"])


async def refused(client: Client, method: str, path: str, body: Any = None) -> str:
    reply = await client.request(method, path, json=body)
    assert reply.status_code == 403, f"{method} {path}: {reply.status_code} {reply.text}"
    return str(reply.json()["error"]["code"])


async def test_the_table_says_what_the_caller_may_do(running_gateway: Gateway, chief: Client) -> None:
    auditor, _ = await person(running_gateway, chief, "auditor")
    table = await auditor.ok("GET", "/api/permissions")
    assert table["roles"] == list(ROLES)
    assert table["mine"]["audit.read"] == "any"
    assert table["mine"]["accounts.manage"] == "no"
    lines = {line["permission"]: line for line in table["permissions"]}
    assert lines["usage.read"]["reach"]["user"] == "own"
    assert lines["usage.read"]["reach"]["auditor"] == "any"
    key = await running_gateway.with_key(auditor, endpoints=["api"])
    assert (await key.ok("GET", "/api/permissions"))["mine"]["audit.read"] == "no"


@pytest.mark.parametrize("role", [r for r in ROLES if r != "administrator"])
async def test_only_administrators_give_roles(running_gateway: Gateway, chief: Client, role: str) -> None:
    client, own_id = await person(running_gateway, chief, *({role} - {"user"}))
    _, other = await person(running_gateway, chief)
    for who in (own_id, other):
        for wanted in (["administrator"], ["operator"], ["user"]):
            await refused(client, "PATCH", f"/api/users/{who}", {"roles": wanted})
    made = {"email": f"{uuid.uuid4().hex}@x.test", "name": "x", "password": PASSWORD, "roles": ["auditor"]}
    await refused(client, "POST", "/api/users", made)
    its_group = await group(chief)
    await refused(client, "PUT", f"/api/groups/{its_group}/administrators/{own_id}")
    assert (await chief.ok("GET", f"/api/groups/{its_group}"))["administrators"] == []


async def test_a_role_counts_at_once_and_is_gone_at_once(running_gateway: Gateway, chief: Client) -> None:
    client, own_id = await person(running_gateway, chief)
    key = await running_gateway.with_key(client)
    assert (await client.get("/api/engines")).status_code == 403
    await chief.ok("PATCH", f"/api/users/{own_id}", {"roles": ["operator"]})
    assert (await client.get("/api/engines")).status_code == 200
    assert (await key.get("/api/engines")).status_code == 200
    await chief.ok("PATCH", f"/api/users/{own_id}", {"roles": ["user"]})
    assert (await client.get("/api/engines")).status_code == 403
    assert (await key.get("/api/engines")).status_code == 403


async def test_a_group_administrator_manages_their_group_and_no_other(running_gateway: Gateway, chief: Client) -> None:
    client, own_id = await person(running_gateway, chief)
    _, member = await person(running_gateway, chief)
    theirs, another = await group(chief), await group(chief)
    await chief.ok("PUT", f"/api/groups/{theirs}/administrators/{own_id}")
    assert "group_administrator" in (await client.ok("GET", "/api/me"))["roles"]
    await client.ok("PUT", f"/api/groups/{theirs}/members/{member}")
    details = await client.ok("GET", f"/api/groups/{theirs}")
    assert [m["id"] for m in details["members"]] == [member]
    assert details["can_manage"] is True
    assert (await client.ok("GET", f"/api/groups/{another}"))["can_manage"] is False
    await refused(client, "PUT", f"/api/groups/{another}/members/{member}")
    await refused(client, "DELETE", f"/api/groups/{another}/members/{member}")
    await refused(client, "POST", "/api/groups", {"name": "mine"})
    assert await refused(client, "PUT", f"/api/groups/{theirs}/members/{own_id}") == "own_membership"
    await client.ok("DELETE", f"/api/groups/{theirs}/members/{member}")
    await chief.ok("DELETE", f"/api/groups/{theirs}/administrators/{own_id}")
    await refused(client, "PUT", f"/api/groups/{theirs}/members/{member}")


async def test_a_group_administrator_who_lost_the_role_begins_anew(running_gateway: Gateway, chief: Client) -> None:
    client, own_id = await person(running_gateway, chief)
    _, member = await person(running_gateway, chief)
    theirs = await group(chief)
    await chief.ok("PUT", f"/api/groups/{theirs}/administrators/{own_id}")
    key = await running_gateway.with_key(client, endpoints=["api"])
    await refused(key, "PUT", f"/api/groups/{theirs}/members/{member}")
    await chief.ok("PATCH", f"/api/users/{own_id}", {"roles": ["user"]})
    await refused(client, "PUT", f"/api/groups/{theirs}/members/{member}")
    await chief.ok("PATCH", f"/api/users/{own_id}", {"roles": ["group_administrator"]})
    await refused(client, "PUT", f"/api/groups/{theirs}/members/{member}")


async def test_a_program_gets_no_role_and_no_group_to_administer(running_gateway: Gateway, chief: Client) -> None:
    owner = (await chief.ok("GET", "/api/me"))["id"]
    body = {"name": f"bot {uuid.uuid4().hex}", "owner": {"kind": "user", "id": owner}}
    account = (await chief.ok("POST", "/api/service-accounts", body))["id"]
    for role in ROLES[1:]:
        reply = await chief.patch(f"/api/users/{account}", json={"roles": [role]})
        assert reply.json()["error"]["code"] == "not_for_service_accounts", role
    reply = await chief.put(f"/api/groups/{await group(chief)}/administrators/{account}")
    assert reply.json()["error"]["code"] == "not_for_service_accounts"


async def test_two_administrators_cannot_take_the_role_from_each_other(running_gateway: Gateway, chief: Client) -> None:
    """At once, so that each transaction could find that the other one is still there."""
    people = running_gateway.parts.people
    others = [p for p in await people.everybody() if "administrator" in p.roles]
    pair = [(await person(running_gateway, chief, "administrator"))[1] for _ in range(2)]
    try:
        for other in others:
            await people.change(other.id, PersonChange(roles=frozenset({"user"})))
        changes = [people.change(uuid.UUID(i), PersonChange(roles=frozenset({"user"}))) for i in pair]
        done = await asyncio.gather(*changes, return_exceptions=True)
        assert sorted(isinstance(d, Conflict) for d in done) == [False, True], done
    finally:
        for other in others:
            await people.change(other.id, PersonChange(roles=other.roles))
        for i in pair:
            await people.change(uuid.UUID(i), PersonChange(roles=frozenset({"user"})))
