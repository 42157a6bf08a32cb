"""Keys with a scope, their rotation, and accounts of programs."""

import json
import uuid
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from tests.support.gateway import CHAT_MODEL, EMBED_MODEL, PASSWORD, Client, Gateway

HELLO = [{"role": "user", "content": "Hello"}]


@pytest.fixture
async def person(running_gateway: Gateway) -> AsyncIterator[Client]:
    client = await running_gateway.person(f"k-{uuid.uuid4().hex}@x.test")
    yield client
    await client.aclose()


async def chat(client: Client, model: str = CHAT_MODEL) -> tuple[int, str | None]:
    reply = await client.post("/v1/chat/completions", json={"model": model, "messages": HELLO})
    error = reply.json().get("error")
    return reply.status_code, error and error["code"]


async def embed(client: Client) -> int:
    return (await client.post("/v1/embeddings", json={"model": EMBED_MODEL, "input": "a"})).status_code


async def models(client: Client) -> set[str]:
    return {m["id"] for m in (await client.ok("GET", "/v1/models"))["data"]}


DENIED = (403, "outside_key_scope")


async def test_a_key_for_one_model_uses_and_sees_only_that(running_gateway: Gateway, person: Client) -> None:
    async with await running_gateway.with_key(person, models=[CHAT_MODEL]) as program:
        assert await chat(program) == (200, None)
        assert await embed(program) == 403
        assert {CHAT_MODEL, "documents"} <= await models(program), "assistants are not narrowed by models"
        assert EMBED_MODEL not in await models(program)
        assert (await program.get(f"/v1/models/{EMBED_MODEL}")).status_code == 404
    async with await running_gateway.with_key(person, models=[], assistants=["documents"]) as program:
        assert await chat(program) == DENIED
        assert (await chat(program, "documents"))[0] == 200
        assert await models(program) == {"documents"}
    async with await running_gateway.with_key(person, assistants=[]) as program:
        assert await chat(program) == (200, None)
        assert await chat(program, "documents") == DENIED
        assert (await program.post("/api/ask", json={"question": "Hello?"})).status_code == 403


async def test_a_key_for_one_endpoint_calls_only_that(running_gateway: Gateway, person: Client) -> None:
    async with await running_gateway.with_key(person, endpoints=["embeddings"]) as program:
        assert await embed(program) == 200
        assert await chat(program) == DENIED
        refused = await program.get("/v1/models")
        assert refused.status_code == 403
        assert refused.json()["error"]["type"] == "permission_error"
        for path in ("/api/me", "/api/collections", "/api/keys", "/v1/files", "/v1/nothing"):
            assert (await program.get(path)).status_code in (403, 404), path
        assert (await program.get("/health/live")).status_code == 200
    async with await running_gateway.with_key(person, endpoints=[]) as program:
        assert await embed(program) == 403
        assert await chat(program) == DENIED
    async with await running_gateway.with_key(person, endpoints=["api"]) as program:
        assert (await program.get("/api/collections")).status_code == 200
        assert await chat(program) == DENIED


@pytest.mark.parametrize("path", ["/v1/Embeddings", "/v1//embeddings", "/v1/embeddings/", "/V1/embeddings", "/v1"])
async def test_other_spellings_of_a_path_open_nothing(running_gateway: Gateway, person: Client, path: str) -> None:
    async with await running_gateway.with_key(person, endpoints=["models"]) as program:
        reply = await program.post(path, json={"model": EMBED_MODEL, "input": "a"})
        assert reply.status_code in (403, 404, 405), reply.text
        reply = await program.post("/v1/models/../embeddings", json={"model": EMBED_MODEL, "input": "a"})
        assert reply.status_code in (403, 404, 405), reply.text
        reply = await program.post("/v1/models/%2e%2e/embeddings", json={"model": EMBED_MODEL, "input": "a"})
        assert reply.status_code in (403, 404, 405), reply.text


async def test_a_narrowed_key_of_an_administrator_cannot_widen_anything(running_gateway: Gateway) -> None:
    async with aclosing(await running_gateway.logged_in("admin@localhost", PASSWORD)) as chief:
        async with await running_gateway.with_key(chief) as whole:
            assert (await whole.get("/api/users")).status_code == 200
        async with await running_gateway.with_key(chief, models=[CHAT_MODEL]) as narrowed:
            assert (await narrowed.get("/api/users")).status_code == 403
            made = {"email": "x@x.test", "name": "x", "roles": ["administrator"], "password": PASSWORD}
            assert (await narrowed.post("/api/users", json=made)).status_code == 403
            assert (await narrowed.post("/api/keys", json={"name": "wider"})).status_code == 403
            key = (await chief.ok("GET", "/api/keys"))[0]["id"]
            assert (await narrowed.post(f"/api/keys/{key}/rotate", json={})).status_code == 403
            assert (await narrowed.delete(f"/api/keys/{key}")).status_code == 403
            assert (await narrowed.get("/api/service-accounts")).status_code == 403


async def test_a_key_for_collections_makes_none(running_gateway: Gateway, person: Client) -> None:
    one = await person.collection(f"c-{uuid.uuid4().hex}")
    async with await running_gateway.with_key(person, collections=[one]) as program:
        reply = await program.post("/api/collections", json={"name": f"c-{uuid.uuid4().hex}"})
        assert reply.status_code == 403
        assert [c["id"] for c in await program.ok("GET", "/api/collections")] == [one]


async def kept_by(client: Client) -> dict[str, str]:
    """A file, a batch that reads it, and a response, each with the path at which it is read."""
    line = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions"}
    line["body"] = {"model": CHAT_MODEL, "messages": HELLO}  # type: ignore[assignment]
    sent = await client.post(
        "/v1/files", files={"file": ("in.jsonl", json.dumps(line).encode() + b"\n")}, data={"purpose": "batch"}
    )
    assert sent.status_code == 200, sent.text
    file = sent.json()["id"]
    wish = {"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    batch = (await client.ok("POST", "/v1/batches", wish))["id"]
    response = (await client.ok("POST", "/v1/responses", {"model": CHAT_MODEL, "input": "Hello"}))["id"]
    return {
        "file": f"/v1/files/{file}",
        "content": f"/v1/files/{file}/content",
        "batch": f"/v1/batches/{batch}",
        "response": f"/v1/responses/{response}",
        "id": file,
    }


async def test_a_narrowed_key_reaches_only_what_it_made_itself(running_gateway: Gateway, person: Client) -> None:
    theirs = await kept_by(person)
    async with (
        await running_gateway.with_key(person) as whole,
        await running_gateway.with_key(person, models=[CHAT_MODEL]) as narrowed,
        await running_gateway.with_key(person, models=[CHAT_MODEL]) as another,
    ):
        mine = await kept_by(narrowed)
        for kind in ("file", "content", "batch", "response"):
            assert (await narrowed.get(mine[kind])).status_code == 200, kind
            assert (await whole.get(mine[kind])).status_code == 200, "a whole key has all of the account's"
            assert (await person.get(mine[kind])).status_code == 200, kind
            for stranger, path in ((narrowed, theirs[kind]), (another, mine[kind]), (another, theirs[kind])):
                assert (await stranger.get(path)).status_code == 404, kind
        assert [f["id"] for f in (await narrowed.ok("GET", "/v1/files"))["data"]][-1] == mine["id"]
        assert theirs["id"] not in [f["id"] for f in (await narrowed.ok("GET", "/v1/files"))["data"]]
        assert [b["id"] for b in (await another.ok("GET", "/v1/batches"))["data"]] == []
        before = theirs["response"].rpartition("/")[2]
        going_on = {"model": CHAT_MODEL, "input": "And?", "previous_response_id": before}
        assert (await narrowed.post("/v1/responses", json=going_on)).status_code in (400, 404)
        wish = {"input_file_id": theirs["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h"}
        assert (await narrowed.post("/v1/batches", json=wish)).status_code in (400, 404)
        for method, path in (("DELETE", theirs["file"]), ("DELETE", theirs["response"])):
            assert (await narrowed.request(method, path)).status_code == 404
        assert (await narrowed.post(theirs["batch"] + "/cancel")).status_code == 404


@pytest.mark.parametrize(
    "scope",
    [{"endpoints": ["chat"]}, {"endpoints": ["*"]}, {"collections": ["a"]}, {"models": "m"}, {"users": []}],
)
async def test_a_scope_that_cannot_be_meant_is_refused(person: Client, scope: dict[str, object]) -> None:
    reply = await person.post("/api/keys", json={"name": "a", "scope": scope})
    assert reply.status_code == 400, reply.text


async def test_a_rotated_key_has_two_secrets_for_a_while(running_gateway: Gateway, person: Client) -> None:
    scope = {"models": [CHAT_MODEL]}
    made = await person.ok("POST", "/api/keys", {"name": "a", "expires_in_days": 7, "scope": scope})
    turned = await person.ok("POST", f"/api/keys/{made['id']}/rotate", {"overlap_hours": 1})
    assert turned["key"] != made["key"]
    for same in ("id", "prefix", "scope", "expires_at", "name"):
        assert turned[same] == made[same]
    assert made["previous_until"] is None
    assert turned["previous_until"] is not None
    old, new = (
        running_gateway.client(headers={"Authorization": f"Bearer {key}"}) for key in (made["key"], turned["key"])
    )
    assert await chat(old) == await chat(new) == (200, None)
    assert await embed(old) == 403, "the old secret has the scope as well"
    again = await person.ok("POST", f"/api/keys/{made['id']}/rotate", {"overlap_hours": 0, "expires_in_days": 30})
    assert again["previous_until"] is None
    assert again["expires_at"] > made["expires_at"]
    assert (await chat(old))[0] == (await chat(new))[0] == 401, "without overlap only the newest works"
    await person.ok("DELETE", f"/api/keys/{made['id']}")
    newest = running_gateway.client(headers={"Authorization": f"Bearer {again['key']}"})
    assert (await chat(newest))[0] == 401
    assert (await person.post(f"/api/keys/{made['id']}/rotate", json={})).status_code == 404
    for client in (old, new, newest):
        await client.aclose()


async def test_nobody_touches_somebody_elses_key(running_gateway: Gateway, person: Client) -> None:
    made = await person.ok("POST", "/api/keys", {"name": "a"})
    async with aclosing(await running_gateway.person(f"o-{uuid.uuid4().hex}@x.test")) as other:
        assert (await other.delete(f"/api/keys/{made['id']}")).status_code == 404
        assert (await other.post(f"/api/keys/{made['id']}/rotate", json={})).status_code == 404


@pytest.fixture
async def team(running_gateway: Gateway) -> AsyncIterator[tuple[Client, Client, str]]:
    """A member of a group, an administrator, and a service account that the group owns."""
    mark = uuid.uuid4().hex[:8]
    async with aclosing(await running_gateway.logged_in("admin@localhost", PASSWORD)) as chief:
        group = (await chief.ok("POST", "/api/groups", {"name": f"team-{mark}"}))["id"]
        member = await running_gateway.person(f"m-{mark}@x.test", groups=(group,))
        body = {"name": f"Bot {mark}", "owner": {"kind": "group", "id": group}}
        account = await chief.ok("POST", "/api/service-accounts", body)
        assert account["address"] == f"service:bot {mark}"
        assert account["owner"]["name"] == f"team-{mark}"
        yield member, chief, account["id"]
        await member.aclose()


async def test_a_service_account_works_by_keys_that_its_owners_make(
    running_gateway: Gateway, team: tuple[Client, Client, str], person: Client
) -> None:
    member, chief, account = team
    made = await member.ok("POST", f"/api/service-accounts/{account}/keys", {"name": "nightly"})
    async with running_gateway.client(headers={"Authorization": f"Bearer {made['key']}"}) as bot:
        me = await bot.ok("GET", "/api/me")
        assert me["id"] == account
        assert await chat(bot) == (200, None)
        assert [a["id"] for a in await member.ok("GET", "/api/service-accounts")] == [account]
        assert await person.ok("GET", "/api/service-accounts") == []
        for method, path in (
            ("GET", ""),
            ("POST", ""),
            ("DELETE", f"/{made['id']}"),
            ("POST", f"/{made['id']}/rotate"),
        ):
            reply = await person.request(method, f"/api/service-accounts/{account}/keys{path}", json={"name": "a"})
            assert reply.status_code in (400, 404), "a stranger"
        turned = await member.ok("POST", f"/api/service-accounts/{account}/keys/{made['id']}/rotate", {})
        assert turned["id"] == made["id"]
        await chief.ok("PATCH", f"/api/service-accounts/{account}", {"disabled": True})
        assert (await chat(bot))[0] == 401, "disabled with one call"
        await chief.ok("PATCH", f"/api/service-accounts/{account}", {"disabled": False})
        assert (await chat(bot))[0] == 200
        await member.ok("DELETE", f"/api/service-accounts/{account}/keys/{made['id']}")
        assert (await chat(bot))[0] == 401


async def test_a_service_account_reads_what_is_shared_with_it(
    running_gateway: Gateway, team: tuple[Client, Client, str], person: Client
) -> None:
    member, _, account = team
    collection = await person.collection(f"b-{uuid.uuid4().hex}", [{"kind": "user", "id": account}])
    made = await member.ok("POST", f"/api/service-accounts/{account}/keys", {"name": "reader"})
    async with running_gateway.client(headers={"Authorization": f"Bearer {made['key']}"}) as bot:
        assert collection in [c["id"] for c in await bot.ok("GET", "/api/collections")]
        assert collection not in [c["id"] for c in await member.ok("GET", "/api/collections")], "not the owner's"


@pytest.mark.parametrize("password", ["", PASSWORD, "a password that nobody has"])
async def test_nobody_logs_in_as_a_service_account(
    running_gateway: Gateway, team: tuple[Client, Client, str], password: str
) -> None:
    _, chief, account = team
    address = next(a["address"] for a in await chief.ok("GET", "/api/service-accounts") if a["id"] == account)
    async with running_gateway.client() as stranger:
        reply = await stranger.post("/auth/login", json={"email": address, "password": password})
        assert reply.status_code == 401
        assert reply.json()["error"]["code"] == "bad_credentials"


async def test_a_service_account_gets_no_password_and_administers_nothing(team: tuple[Client, Client, str]) -> None:
    member, chief, account = team
    for change in ({"password": PASSWORD}, {"roles": ["administrator"]}):
        reply = await chief.patch(f"/api/users/{account}", json=change)
        assert reply.json()["error"]["code"] == "not_for_service_accounts", reply.text
    assert (await member.patch(f"/api/service-accounts/{account}", json={"disabled": True})).status_code == 403
    assert (await member.post("/api/service-accounts", json={})).status_code in (400, 403)
    listed = {u["id"]: u for u in await chief.ok("GET", "/api/users")}
    assert listed[account]["kind"] == "service"


async def test_an_owner_must_be_somebody_who_can_answer(team: tuple[Client, Client, str]) -> None:
    _, chief, account = team
    for owner in ({"kind": "user", "id": str(uuid.uuid4())}, {"kind": "user", "id": account}):
        reply = await chief.post("/api/service-accounts", json={"name": f"x-{uuid.uuid4().hex}", "owner": owner})
        assert reply.json()["error"]["code"] == "owner_unknown", reply.text
    group = (await chief.ok("POST", "/api/groups", {"name": f"g-{uuid.uuid4().hex}"}))["id"]
    name = next(a["name"] for a in await chief.ok("GET", "/api/service-accounts") if a["id"] == account)
    body = {"name": name.upper(), "owner": {"kind": "group", "id": group}}
    assert (await chief.post("/api/service-accounts", json=body)).json()["error"]["code"] == "name_taken"


async def test_the_way_of_anthropics_clients_counts_for_their_calls_only(
    running_gateway: Gateway, person: Client
) -> None:
    key = (await person.ok("POST", "/api/keys", {"name": "a"}))["key"]
    async with running_gateway.client() as program:
        for path in ("/v1/models", "/api/me", "/v1/messages_", "/v1/chat/completions"):
            assert (await program.get(path, headers={"x-api-key": key})).status_code in (401, 404), path
        both = {"x-api-key": key, "Authorization": f"Bearer {key}"}
        assert (await program.post("/v1/messages", headers={"x-api-key": key}, json={})).status_code == 400
        assert (await program.post("/v1/messages", json={})).status_code == 401
        for path in ("/v1/embeddings", "/v1/messages", "/v1/messages/count_tokens"):
            reply = await program.post(path, headers=both, json={})
            assert reply.status_code == 400
            assert "more than one credential" in reply.text
        twice = [("Authorization", f"Bearer {key}"), ("Authorization", f"Bearer {key}")]
        assert (await program.get("/v1/models", headers=twice)).json()["error"]["code"] == "credentials_mixed"
        for name in ("api-key", "x-goog-api-key", "Proxy-Authorization"):
            assert (await program.get("/v1/models", headers={name: key})).status_code == 401
        assert (await program.get(f"/v1/models?api_key={key}&key={key}")).status_code == 401
        assert (await program.get("/v1/models", headers={"Cookie": f"appliance_session={key}"})).status_code == 401
