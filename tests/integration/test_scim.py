"""SCIM against the running product: the checks of an external library, and what matters to us beyond them."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

from appliance.foundation import SystemClock
from appliance.identity import Accounts, AdmissionRules, ExternalIdentity, NotAdmitted, RightsCache
from tests.support.gateway import Client, Gateway

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


async def key_of(operator: Client, *endpoints: str) -> str:
    chief = (await operator.ok("GET", "/api/me"))["id"]
    owner = {"kind": "user", "id": chief}
    name = f"provisioner-{uuid.uuid4().hex}"
    account = await operator.ok("POST", "/api/service-accounts", {"name": name, "owner": owner})
    body = {"name": "scim", "expires_in_days": 1, "scope": {"endpoints": list(endpoints)} if endpoints else {}}
    made = await operator.ok("POST", f"/api/service-accounts/{account['id']}/keys", body)
    return str(made["key"])


@pytest.fixture(scope="module")
async def token(running_gateway: Gateway) -> str:
    async with await running_gateway.operator() as operator:
        return await key_of(operator, "scim")


@pytest.fixture
async def scim(running_gateway: Gateway, token: str) -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"}
    async with running_gateway.client(headers=headers) as client:
        yield client


def user(**more: Any) -> dict[str, Any]:
    return {"schemas": [USER], "userName": f"U-{uuid.uuid4().hex}@X.test", **more}


def patch(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"schemas": [PATCH], "Operations": list(operations)}


def check(url: str, token: str) -> list[str]:
    """What the external checks find wrong."""
    client = httpx2.Client(base_url=f"{url}/scim/v2", headers={"Authorization": f"Bearer {token}"}, trust_env=False)
    with client:
        results = check_server(SyncSCIMClient(client))
    assert len(results) > 40, "the checks ran"
    return [
        f"{r.title} {r.resource_type}: {r.reason}" for r in results if r.status not in (Status.SUCCESS, Status.SKIPPED)
    ]


@pytest.mark.any_database
async def test_an_external_checker_finds_nothing_wrong(running_gateway: Gateway, token: str) -> None:
    wrong = await asyncio.to_thread(check, running_gateway.url, token)
    assert wrong == [], "\n".join(wrong)


async def test_only_a_programs_key_for_it_is_let_in(running_gateway: Gateway) -> None:
    async with await running_gateway.operator() as operator:
        keys = [await key_of(operator), await key_of(operator, "api", "models")]
        assert (await operator.get("/scim/v2/Users")).status_code == 403
    person = await running_gateway.person(f"{uuid.uuid4().hex}@x.test")
    assert (await person.get("/scim/v2/Users")).status_code == 403
    refused = await person.post(
        "/api/keys", json={"name": "mine", "expires_in_days": 1, "scope": {"endpoints": ["scim"]}}
    )
    assert refused.status_code == 403, "nobody gives themselves a key for provisioning"
    for key in keys:
        async with running_gateway.client(headers={"Authorization": f"Bearer {key}"}) as program:
            reply = await program.get("/scim/v2/Users")
            assert reply.status_code == 403
            assert reply.headers["content-type"].startswith("application/scim+json")
            assert reply.json()["schemas"] == [ERROR]
    async with running_gateway.client() as stranger:
        assert (await stranger.get("/scim/v2/Users")).status_code == 401
        assert (await stranger.post("/scim/v2/Users", json=user())).status_code == 401
    await person.aclose()


async def test_who_answers_for_the_program_gets_no_key_for_provisioning(running_gateway: Gateway) -> None:
    person = await running_gateway.person(f"{uuid.uuid4().hex}@x.test")
    me = (await person.ok("GET", "/api/me"))["id"]
    async with await running_gateway.operator() as operator:
        owner = {"kind": "user", "id": me}
        made = await operator.ok("POST", "/api/service-accounts", {"name": uuid.uuid4().hex, "owner": owner})
        path, scope = f"/api/service-accounts/{made['id']}/keys", {"endpoints": ["scim"]}
        body = {"name": "scim", "expires_in_days": 1, "scope": scope}
        key = await operator.ok("POST", path, body)
    assert (await person.post(path, json=body)).status_code == 403
    assert (await person.post(f"{path}/{key['id']}/rotate", json={})).status_code == 403
    await person.aclose()


async def test_a_key_for_provisioning_does_nothing_else(scim: Client) -> None:
    for path in ("/api/users", "/v1/models", "/api/me"):
        assert (await scim.get(path)).status_code == 403


async def test_local_accounts_and_groups_are_neither_seen_nor_taken(running_gateway: Gateway, scim: Client) -> None:
    name = f"{uuid.uuid4().hex}@x.test"
    person = await running_gateway.person(name)
    local = (await person.ok("GET", "/api/me"))["id"]
    assert (await scim.get(f"/scim/v2/Users/{local}")).status_code == 404
    assert (await scim.delete(f"/scim/v2/Users/{local}")).status_code == 404
    found = await scim.ok("GET", f'/scim/v2/Users?filter=userName eq "{name}"')
    assert found["totalResults"] == 0
    taken = await scim.post("/scim/v2/Users", json=user(userName=name.upper()))
    assert (taken.status_code, taken.json()["scimType"]) == (409, "uniqueness")
    async with await running_gateway.operator() as operator:
        group = await operator.ok("POST", "/api/groups", {"name": uuid.uuid4().hex})
    assert (await scim.get(f"/scim/v2/Groups/{group['id']}")).status_code == 404
    taken = await scim.post("/scim/v2/Groups", json={"schemas": [GROUP], "displayName": group["name"]})
    assert taken.status_code == 409
    mixed = {"schemas": [GROUP], "displayName": uuid.uuid4().hex, "members": [{"value": local}]}
    assert (await scim.post("/scim/v2/Groups", json=mixed)).status_code == 400
    await person.aclose()


async def test_what_is_not_used_is_kept_and_a_password_is_not(scim: Client) -> None:
    sent = user(
        displayName="Ann", password="correct horse", phoneNumbers=[{"value": "+41 1", "type": "work"}], roles=[]
    ) | {"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "Law"}}
    sent["schemas"].append("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User")
    made = await scim.ok("POST", "/scim/v2/Users", sent)
    got = await scim.ok("GET", f"/scim/v2/Users/{made['id']}")
    assert got["userName"] == sent["userName"], "as it was written"
    assert got["phoneNumbers"][0]["value"] == "+41 1"
    assert got["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"]["department"] == "Law"
    assert "correct horse" not in str(got)
    assert got["active"] is True


@pytest.mark.parametrize(
    ("where", "matches"),
    [
        ('userName eq "{name}"', True),
        ('userName EQ "{upper}"', True),
        ('userName ne "{name}"', False),
        ('userName sw "{start}" and active eq true', True),
        ('userName sw "{start}" and not (active eq true)', False),
        ('userName sw "{start}" and (name.familyName co "ller" or title pr)', True),
        ('userName sw "{start}" and title pr', False),
        ('userName sw "{start}" and emails[type eq "work" and value co "@work"]', True),
        ('userName sw "{start}" and emails[type eq "home"]', False),
        ('externalId eq "{external}"', True),
        ('externalId eq "other"', False),
        ('userName ew "@x.test" and userName sw "{start}" and meta.created gt "2020-01-01T00:00:00Z"', True),
        ('userName sw "{start}" and meta.created gt "2999-01-01T00:00:00Z"', False),
        ('userName sw "%"', False),
        ('id eq "no id"', False),
    ],
)
async def test_filters(scim: Client, where: str, matches: bool) -> None:
    start, external = uuid.uuid4().hex, uuid.uuid4().hex
    name = f"{start}@x.test"
    made = await scim.ok(
        "POST",
        "/scim/v2/Users",
        user(
            userName=name,
            externalId=external,
            name={"familyName": "Müller"},
            emails=[{"type": "work", "value": "ann@work.test"}],
        ),
    )
    text = where.format(name=name, upper=name.upper(), start=start, external=external)
    reply = await scim.get("/scim/v2/Users", params={"filter": text})
    assert reply.status_code == 200, reply.text
    assert (made["id"] in [r["id"] for r in reply.json()["Resources"]]) == matches


@pytest.mark.parametrize("bad", ["userName", "userName eq", 'nothing eq "x"', '(userName eq "x"', 'userName xx "y"'])
async def test_a_bad_filter_is_said_to_be_one(scim: Client, bad: str) -> None:
    reply = await scim.get("/scim/v2/Users", params={"filter": bad})
    assert reply.status_code == 400, reply.text
    assert reply.json()["scimType"] in ("invalidFilter", "invalidSyntax", "invalidPath")


async def test_pages(scim: Client) -> None:
    start = uuid.uuid4().hex
    for n in range(5):
        await scim.ok("POST", "/scim/v2/Users", user(userName=f"{start}{n}"))
    seen = []
    for at in (1, 3, 5):
        query = {"filter": f'userName sw "{start}"', "startIndex": at, "count": 2}
        page = (await scim.get("/scim/v2/Users", params=query)).json()
        assert (page["totalResults"], page["startIndex"], page["itemsPerPage"]) == (5, at, len(page["Resources"]))
        seen += [r["id"] for r in page["Resources"]]
    assert len(set(seen)) == 5
    none = (await scim.get("/scim/v2/Users", params={"filter": f'userName sw "{start}"', "count": 0})).json()
    assert (none["totalResults"], none["Resources"]) == (5, [])


@pytest.mark.parametrize("start", ["-5", "0", "2147483649", "449727203016416952320"])
async def test_a_page_may_begin_anywhere(scim: Client, start: str) -> None:
    for kind in ("Users", "Groups"):
        found = await scim.ok("GET", f"/scim/v2/{kind}?startIndex={start}")
        assert found["itemsPerPage"] == len(found["Resources"])
        assert found["startIndex"] >= 1
    found = await scim.ok("POST", "/scim/v2/.search", {"schemas": [SEARCH], "startIndex": int(start)})
    assert found["startIndex"] >= 1


async def test_a_version_guards_against_lost_changes(scim: Client) -> None:
    made = await scim.ok("POST", "/scim/v2/Users", user())
    path = f"/scim/v2/Users/{made['id']}"
    version = (await scim.get(path)).headers["etag"]
    assert (await scim.get(path, headers={"If-None-Match": version})).status_code == 304
    body = patch({"op": "replace", "path": "displayName", "value": "New"})
    assert (await scim.patch(path, json=body, headers={"If-Match": version})).status_code == 200
    late = await scim.patch(path, json=body, headers={"If-Match": version})
    assert (late.status_code, late.json()["status"]) == (412, "412")


async def test_members_by_patch_and_nested_groups_count(running_gateway: Gateway, scim: Client) -> None:
    ann, bob = [await scim.ok("POST", "/scim/v2/Users", user()) for _ in range(2)]
    inner, outer = [
        await scim.ok("POST", "/scim/v2/Groups", {"schemas": [GROUP], "displayName": uuid.uuid4().hex})
        for _ in range(2)
    ]
    members = [{"value": ann["id"]}, {"value": bob["id"]}]
    path = f"/scim/v2/Groups/{inner['id']}"
    await scim.ok("PATCH", path, patch({"op": "add", "path": "members", "value": members}))
    await scim.ok(
        "PATCH",
        f"/scim/v2/Groups/{outer['id']}",
        patch({"op": "add", "path": "members", "value": [{"value": inner["id"]}]}),
    )
    principal = await running_gateway.parts.access.again(uuid.UUID(ann["id"]), None)
    assert {str(g) for g in principal.group_ids} == {inner["id"], outer["id"]}
    await scim.ok("PATCH", path, patch({"op": "remove", "path": f'members[value eq "{ann["id"]}"]'}))
    got = await scim.ok("GET", path)
    assert [m["value"] for m in got["members"]] == [bob["id"]]
    principal = await running_gateway.parts.access.again(uuid.UUID(ann["id"]), None)
    assert principal.group_ids == frozenset()
    ring = await scim.patch(path, json=patch({"op": "add", "path": "members", "value": [{"value": outer["id"]}]}))
    assert ring.status_code == 400
    found = await scim.get("/scim/v2/Groups", params={"filter": f'members.value eq "{bob["id"]}"'})
    assert [g["id"] for g in found.json()["Resources"]] == [inner["id"]]
    assert (await scim.delete(path)).status_code == 204
    assert (await scim.ok("GET", f"/scim/v2/Users/{bob['id']}")).get("groups", []) == []


async def test_deactivation_shuts_sessions_keys_and_is_undone_by_activation(
    running_gateway: Gateway, scim: Client
) -> None:
    made = await scim.ok("POST", "/scim/v2/Users", user())
    key, text = await running_gateway.parts.keys.create(uuid.UUID(made["id"]), "test", 1)
    async with running_gateway.client(headers={"Authorization": f"Bearer {text}"}) as program:
        assert (await program.get("/v1/models")).status_code == 200
        path = f"/scim/v2/Users/{made['id']}"
        shut = await scim.ok("PATCH", path, patch({"op": "replace", "value": {"active": False}}))
        assert shut["active"] is False
        assert (await program.get("/v1/models")).status_code == 401
        await scim.ok("PATCH", path, patch({"op": "Replace", "path": "active", "value": True}))
        assert (await program.get("/v1/models")).status_code == 200
        assert (await scim.delete(path)).status_code == 204
        assert (await program.get("/v1/models")).status_code == 401
    assert (await scim.get(path)).status_code == 404
    again = await scim.post("/scim/v2/Users", json=user(userName=made["userName"]))
    assert again.status_code == 201, "the name is free again"
    assert again.json()["id"] != made["id"]
    assert key.id


async def test_a_later_login_finds_the_account_by_its_external_id(running_gateway: Gateway, scim: Client) -> None:
    subject = uuid.uuid4().hex
    made = await scim.ok("POST", "/scim/v2/Users", user(externalId=subject))
    rights = RightsCache(SystemClock())
    accounts = Accounts(running_gateway.parts.database, SystemClock(), rights, AdmissionRules())
    who = ExternalIdentity("https://idp.test", subject, "other@x.test", True, "Ann", frozenset())
    assert str(await accounts.admit(who)) == made["id"]
    assert (await scim.ok("GET", f"/scim/v2/Users/{made['id']}"))["userName"] == made["userName"]
    stranger = ExternalIdentity("https://idp.test", uuid.uuid4().hex, made["userName"], True, "Eve", frozenset())
    with pytest.raises(NotAdmitted):
        await accounts.admit(stranger)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/Users", {}, 400),
        ("POST", "/Users", {"schemas": [USER]}, 400),
        ("POST", "/Users", {"schemas": [USER], "userName": "service:x"}, 400),
        ("POST", "/Users", [1], 400),
        ("POST", "/Users", {"schemas": [USER], "userName": "x" * 400}, 400),
        ("PATCH", "/Users/{id}", {"schemas": [PATCH], "Operations": [{"op": "jump"}]}, 400),
        ("PATCH", "/Users/{id}", {"schemas": [PATCH], "Operations": [{"op": "remove"}]}, 400),
        ("PATCH", "/Users/{id}", {"schemas": [PATCH], "Operations": [{"op": "add", "path": "id", "value": "1"}]}, 400),
        ("PUT", "/Users/nobody", {"schemas": [USER], "userName": "x"}, 404),
        ("GET", "/Nothing", None, 404),
        ("POST", "/Schemas", {}, 405),
    ],
)
async def test_errors_are_in_the_protocols_shape(scim: Client, method: str, path: str, body: Any, status: int) -> None:
    made = await scim.ok("POST", "/scim/v2/Users", user())
    reply = await scim.request(method, f"/scim/v2{path}".replace("{id}", made["id"]), json=body)
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"].startswith("application/scim+json")
    assert reply.json()["schemas"] == [ERROR]
    assert reply.json()["status"] == str(status)
