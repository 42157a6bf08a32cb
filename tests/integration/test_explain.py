"""Why somebody sees something: the ways are told to those who may know, and nobody learns what they could not see."""

import uuid
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.gateway import Client, Gateway


@dataclass
class Firm:
    """A collection with an owner and readers of every kind."""

    owner: Client
    chief: Client
    collection: str
    document: str
    team: str
    floor: str
    names: dict[str, str]


async def ident(client: Client) -> str:
    return str((await client.ok("GET", "/api/me"))["id"])


async def why(client: Client, **query: str) -> Any:
    return (await client.get("/api/access/explain", params=query)).json()


@pytest.fixture
async def firm(running_gateway: Gateway) -> Firm:
    mark = uuid.uuid4().hex[:8]
    chief = await running_gateway.operator()
    names = {"team": f"team {mark}", "floor": f"floor {mark}", "house": f"house {mark}"}
    ids = {key: (await chief.ok("POST", "/api/groups", {"name": name}))["id"] for key, name in names.items()}
    await chief.ok("PUT", f"/api/groups/{ids['floor']}/groups/{ids['team']}")
    await chief.ok("PUT", f"/api/groups/{ids['house']}/groups/{ids['floor']}")
    owner = await running_gateway.person(f"owner-{mark}@x.test")
    collection = await owner.collection(f"c-{mark}", [{"kind": "group", "id": ids["house"]}])
    document = (await owner.upload(collection, f"tasmania-{mark}.txt", b"The harvest of tasmania is apples."))[
        "document"
    ]["id"]
    await owner.until_idle(collection)
    return Firm(owner, chief, collection, document, ids["team"], ids["floor"], names)


async def test_a_member_is_told_the_chain_of_groups(running_gateway: Gateway, firm: Firm) -> None:
    member = await running_gateway.person(f"{uuid.uuid4().hex}@x.test", groups=(firm.team,))
    told = await why(member, document=firm.document)
    assert told["allowed"] is True
    assert [way["kind"] for way in told["ways"]] == ["group"]
    assert [g["name"] for g in told["ways"][0]["chain"]] == [firm.names[n] for n in ("team", "floor", "house")]
    sentence = told["ways"][0]["sentence"]
    assert sentence == "You are in '{team}', which is in '{floor}', which is in '{house}', which reads it.".format(
        **firm.names
    )
    assert told["readers"] is None, "a reader learns nothing about the others"
    await firm.chief.ok("PUT", f"/api/groups/{firm.floor}/members/{await ident(member)}")
    chain = (await why(member, document=firm.document))["ways"][0]["chain"]
    assert [g["name"] for g in chain] == [firm.names[n] for n in ("floor", "house")], "the shortest way"


async def test_the_owner_asks_about_anybody(running_gateway: Gateway, firm: Firm) -> None:
    stranger = await running_gateway.person(f"{uuid.uuid4().hex}@x.test")
    told = await why(firm.owner, document=firm.document, user=await ident(stranger))
    assert (told["allowed"], told["ways"], told["limits"]) == (False, [], [])
    assert "in no group that reads it" in told["sentence"]
    assert firm.names["house"] in told["readers"]
    own = await why(firm.owner, collection=firm.collection)
    assert [way["kind"] for way in own["ways"]] == ["owner"]
    readers = [{"kind": "everyone"}, {"kind": "user", "id": await ident(stranger)}]
    await firm.owner.ok("PATCH", f"/api/collections/{firm.collection}", {"readers": readers})
    told = await why(firm.owner, document=firm.document, user=await ident(stranger))
    assert (told["allowed"], [way["kind"] for way in told["ways"]]) == (True, ["named", "everyone"])
    their_id = await ident(stranger)
    await firm.chief.ok("PATCH", f"/api/users/{their_id}", {"disabled": True})
    told = await why(firm.owner, document=firm.document, user=their_id)
    assert (told["allowed"], [limit["kind"] for limit in told["limits"]]) == (False, ["account_shut"])


async def test_who_may_not_see_it_learns_nothing(running_gateway: Gateway, firm: Firm) -> None:
    """The same answer as for what is not there, but for the request's number."""
    stranger = await running_gateway.person(f"{uuid.uuid4().hex}@x.test")
    for kind, real in (("document", firm.document), ("collection", firm.collection)):
        for user in ({}, {"user": await ident(firm.owner)}):
            answers = [
                (await stranger.get("/api/access/explain", params={kind: key, **user}))
                for key in (real, str(uuid.uuid4()))
            ]
            assert [a.status_code for a in answers] == [404, 404]
            said = [{k: v for k, v in a.json()["error"].items() if k != "request_id"} for a in answers]
            assert said[0] == said[1]


async def test_a_reader_may_not_ask_about_others(running_gateway: Gateway, firm: Firm) -> None:
    member = await running_gateway.person(f"{uuid.uuid4().hex}@x.test", groups=(firm.team,))
    told = await why(member, document=firm.document, user=await ident(firm.owner))
    assert told["error"]["code"] == "others_access"
    told = await why(member, document=firm.document, user="admin@localhost")
    assert told["error"]["code"] == "others_access", "an address would tell whether there is such an account"


async def test_auditors_ask_about_everything_and_it_is_written_down(running_gateway: Gateway, firm: Firm) -> None:
    auditor = await running_gateway.person(f"{uuid.uuid4().hex}@x.test")
    await firm.chief.ok("PATCH", f"/api/users/{await ident(auditor)}", {"roles": ["auditor"]})
    owner = await ident(firm.owner)
    told = await why(auditor, document=firm.document, user=owner)
    assert told["ways"][0]["kind"] == "owner"
    events = await firm.chief.ok("GET", f"/api/audit?object=document:{firm.document}&action=access.explained")
    assert [e["details"]["about"] for e in events["items"]] == [f"user:{owner}"]
    narrowed = await running_gateway.with_key(auditor, endpoints=["api"])
    assert (await narrowed.get(f"/api/access/explain?document={firm.document}&user={owner}")).status_code == 404


async def test_a_key_is_told_what_it_leaves_out(running_gateway: Gateway, firm: Firm) -> None:
    key = await running_gateway.with_key(firm.owner, collections=[])
    assert (await key.get("/api/access/explain", params={"document": firm.document})).status_code == 404
    made = await firm.owner.ok(
        "POST", "/api/keys", {"name": "n", "expires_in_days": 1, "scope": {"collections": [], "assistants": []}}
    )
    told = await why(firm.owner, document=firm.document, key=made["id"])
    assert (told["allowed"], [limit["kind"] for limit in told["limits"]]) == (False, ["key_scope"])
    told = await why(firm.owner, assistant="documents", key=made["id"])
    assert (told["allowed"], [limit["kind"] for limit in told["limits"]]) == (False, ["key_scope"])
    assert (await why(firm.owner, assistant="documents"))["allowed"] is True


async def test_conversations_are_their_owners_alone(running_gateway: Gateway, firm: Firm) -> None:
    talk = (await firm.owner.ok("POST", "/api/conversations", {}))["id"]
    assert (await why(firm.owner, conversation=talk))["ways"][0]["kind"] == "owner"
    chief = await why(firm.chief, conversation=talk)
    assert (chief["allowed"], chief["object"]["name"]) == (False, "")
    assert [limit["kind"] for limit in chief["limits"]] == ["private"]
    stranger = await running_gateway.person(f"{uuid.uuid4().hex}@x.test")
    assert (await stranger.get(f"/api/access/explain?conversation={talk}")).status_code == 404


async def test_exactly_one_object_is_asked_about(firm: Firm) -> None:
    for query in ({}, {"document": firm.document, "collection": firm.collection}):
        assert (await why(firm.owner, **query))["error"]["code"] == "one_object"
    assert (await firm.owner.get("/api/access/explain?document=nonsense")).status_code == 404


async def test_an_owner_looks_with_the_eyes_of_another(running_gateway: Gateway, firm: Firm) -> None:
    mark = uuid.uuid4().hex[:8]
    member = await running_gateway.person(f"member-{mark}@x.test", groups=(firm.team,))
    hidden = await firm.owner.collection(f"hidden-{mark}")
    await firm.owner.upload(hidden, "b.txt", b"The harvest of tasmania brings nine million euros.")
    foreign = await running_gateway.person(f"other-{mark}@x.test")
    theirs = await foreign.collection(f"theirs-{mark}", [{"kind": "everyone"}])
    await foreign.upload(theirs, "c.txt", b"The harvest of tasmania, of another owner.")
    await firm.owner.until_idle(hidden)
    await foreign.until_idle(theirs)
    who = await ident(member)
    seen = {s["id"]: s for s in await firm.owner.ok("GET", f"/api/access/view?user={who}")}
    assert (seen[firm.collection]["visible"], seen[hidden]["visible"]) == (True, False)
    assert theirs not in seen
    body = {"user": who, "query": "harvest of tasmania"}
    found = await firm.owner.ok("POST", "/api/access/search", body)
    assert {f["collection"]["id"] for f in found} == {firm.collection}
    own = await firm.owner.ok("POST", "/api/access/search", body | {"user": await ident(firm.owner)})
    assert {f["collection"]["id"] for f in own} == {firm.collection, hidden}
    chief = await firm.chief.ok("POST", "/api/access/search", body)
    assert all(f["collection"]["id"] != firm.collection for f in chief), "an administrator reads no more than before"
    events = await firm.chief.ok("GET", f"/api/audit?object=user:{who}&action=access.simulated")
    assert len(events["items"]) >= 3
