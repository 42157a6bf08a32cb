"""Nobody outside a collection's readers gets anything of it, through any door.

Doors x roles: each door is tried by each role on a collection with a secret that only it holds. A reader must get the
secret (else the test would prove nothing), everybody else must get neither secret nor name, and the same answer as for
a collection that does not exist.
"""

import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from tests.support.gateway import CHAT_MODEL, Client, Gateway

NO_STORE = f"vs_{uuid.uuid4().hex}"
SECRET = "zanzibar"
COLLECTION = "secret-"
TEXT = f"The secret project is called {SECRET}. Its budget is nine million euros.".encode()
QUESTION = "What is the secret project called?"


@dataclass
class Secret:
    """A shared collection and everybody who tries to read it."""

    collection: str
    document: str
    passage: str

    @property
    def store(self) -> str:
        """The collection as a vector store."""
        return f"vs_{uuid.UUID(self.collection).hex}"

    @property
    def file(self) -> str:
        """The document as a file of that store."""
        return f"file-{uuid.UUID(self.document).hex}"

    roles: dict[str, Client] = field(default_factory=dict)


async def everybody(gateway: Gateway, secret: Secret, group: str, keeper: Client) -> dict[str, Client]:
    mark = uuid.uuid4().hex[:8]
    owner = await gateway.person(f"owner-{mark}@x.test")
    by_name = await gateway.person(f"named-{mark}@x.test")
    by_group = await gateway.person(f"member-{mark}@x.test", groups=(group,))
    stranger = await gateway.person(f"stranger-{mark}@x.test")
    it, other = secret.collection, await owner.collection(f"other-{mark}")
    chief = await gateway.logged_in("admin@localhost", "correct horse battery staple")
    return {
        "owner": keeper,
        "owner, key for it": await gateway.with_key(keeper, collections=[it]),
        "owner, key for another": await gateway.with_key(keeper, collections=[other]),
        "owner, key for nothing": await gateway.with_key(keeper, collections=[]),
        "member, key for it": await gateway.with_key(by_group, collections=[other, it]),
        "member, key for another": await gateway.with_key(by_group, collections=[other]),
        "stranger, key for it": await gateway.with_key(stranger, collections=[it]),
        "administrator, key for it": await gateway.with_key(chief, collections=[it]),
        "named": by_name,
        "named, key": await gateway.with_key(by_name),
        "member": by_group,
        "member, key": await gateway.with_key(by_group),
        "stranger": stranger,
        "stranger, key": await gateway.with_key(stranger),
        "owner of another": owner,
        "administrator": chief,
        "nobody": gateway.client(),
    }


@pytest.fixture(scope="session")
async def secret(running_gateway: Gateway) -> AsyncIterator[Secret]:
    mark = uuid.uuid4().hex[:8]
    async with await running_gateway.operator() as operator:
        group = (await operator.ok("POST", "/api/groups", {"name": f"g-{mark}"}))["id"]
        owner = await running_gateway.person(f"keeper-{mark}@x.test")
        key = await owner.collection(f"{COLLECTION}{mark}", [{"kind": "group", "id": group}])
        document = (await owner.upload(key, f"{SECRET}.txt", TEXT))["document"]["id"]
        await owner.until_idle(key)
        passage = (await owner.ok("POST", "/api/search", {"query": QUESTION}))["items"][0]["passage_id"]
        made = Secret(key, document, passage)
        made.roles = await everybody(running_gateway, made, group, owner)
        named = (await made.roles["named"].ok("GET", "/api/me"))["id"]
        readers = [{"kind": "group", "id": group}, {"kind": "user", "id": named}]
        await owner.ok("PATCH", f"/api/collections/{key}", {"readers": readers})
    yield made
    for client in made.roles.values():
        await client.aclose()


NARROWED = ("owner, key for it", "member, key for it")
READERS = ("owner", "named", "named, key", "member", "member, key", *NARROWED)
OUTSIDE = ("owner, key for another", "owner, key for nothing", "member, key for another", "stranger, key for it")
OTHERS = (
    *("stranger", "stranger, key", "owner of another", "administrator", "administrator, key for it", "nobody"),
    *OUTSIDE,
)

Door = Callable[[Client, Secret], Awaitable[tuple[int, str]]]


async def get(client: Client, path: str) -> tuple[int, str]:
    reply = await client.get(path)
    return reply.status_code, reply.text


async def post(client: Client, path: str, body: object) -> tuple[int, str]:
    reply = await client.post(path, json=body)
    return reply.status_code, reply.text


def completion(stream: bool) -> dict[str, object]:
    return {"model": "documents", "stream": stream, "messages": [{"role": "user", "content": QUESTION}]}


async def conversation(client: Client, secret: Secret) -> tuple[int, str]:
    made = await client.post("/api/conversations", json={})
    if made.status_code >= 300:
        return made.status_code, made.text
    return await post(client, f"/api/conversations/{made.json()['id']}/turns", {"question": QUESTION})


async def progress(client: Client, secret: Secret) -> tuple[int, str]:
    """The stream has no end of its own; what matters has come when nothing is in work."""
    lines: list[str] = []
    async with client.stream("GET", f"/api/collections/{secret.collection}/progress") as reply:
        async for line in reply.aiter_lines():
            lines.append(line)
            if line == "event: idle":
                break
        return reply.status_code, "\n".join(lines)


def asked(**more: object) -> dict[str, object]:
    return {"query": QUESTION, **more}


async def message(client: Client, stream: bool) -> tuple[int, str]:
    """The assistant in Anthropic's shapes."""
    asked = {"role": "user", "content": QUESTION}
    body = {"model": "documents", "max_tokens": 100, "stream": stream, "messages": [asked]}
    reply = await client.post("/v1/messages", json=body, headers={"anthropic-version": "2023-06-01"})
    return reply.status_code, reply.text


def file_search(secret: Secret, **more: object) -> dict[str, object]:
    tool = {"type": "file_search", "vector_store_ids": [secret.store], **more}
    return {
        "model": CHAT_MODEL,
        "input": QUESTION,
        "tools": [tool],
        "include": ["file_search_call.results"],
        "stream": "filters" in more,
    }


ANY_YEAR = {"type": "ne", "key": "year", "value": 1}

DOORS: dict[str, Door] = {
    "search": lambda c, s: post(c, "/api/search", {"query": QUESTION}),
    "search, named": lambda c, s: post(c, "/api/search", {"query": QUESTION, "collection_ids": [s.collection]}),
    "ask": lambda c, s: post(c, "/api/ask", {"question": QUESTION}),
    "ask, named": lambda c, s: post(c, "/api/ask", {"question": QUESTION, "collection_ids": [s.collection]}),
    "chat completion": lambda c, s: post(c, "/v1/chat/completions", completion(False)),
    "chat completion, streamed": lambda c, s: post(c, "/v1/chat/completions", completion(True)),
    "response": lambda c, s: post(c, "/v1/responses", {"model": "documents", "input": QUESTION}),
    "response, file search": lambda c, s: post(c, "/v1/responses", file_search(s)),
    "response, streamed file search by attribute": lambda c, s: post(
        c, "/v1/responses", file_search(s, filters=ANY_YEAR)
    ),
    "message": lambda c, s: message(c, False),
    "message, streamed": lambda c, s: message(c, True),
    "collections": lambda c, s: get(c, "/api/collections"),
    "collection": lambda c, s: get(c, f"/api/collections/{s.collection}"),
    "documents": lambda c, s: get(c, f"/api/collections/{s.collection}/documents"),
    "document": lambda c, s: get(c, f"/api/documents/{s.document}"),
    "file": lambda c, s: get(c, f"/api/documents/{s.document}/file"),
    "page": lambda c, s: get(c, f"/api/documents/{s.document}/pages/1"),
    "passage": lambda c, s: get(c, f"/api/passages/{s.passage}"),
    "progress": progress,
    "conversation": conversation,
    "vector stores": lambda c, s: get(c, "/v1/vector_stores?limit=100"),
    "vector store": lambda c, s: get(c, f"/v1/vector_stores/{s.store}"),
    "vector store, files": lambda c, s: get(c, f"/v1/vector_stores/{s.store}/files"),
    "vector store, file": lambda c, s: get(c, f"/v1/vector_stores/{s.store}/files/{s.file}"),
    "vector store, content": lambda c, s: get(c, f"/v1/vector_stores/{s.store}/files/{s.file}/content"),
    "vector store, search": lambda c, s: post(c, f"/v1/vector_stores/{s.store}/search", asked()),
    "vector store, search by attribute": lambda c, s: post(
        c, f"/v1/vector_stores/{s.store}/search", asked(filters=ANY_YEAR)
    ),
}
NAMES = {"collections", "collection", "vector stores", "vector store"}
"""Doors that show which collections there are, not what is in them."""
IDS = {"vector store, files", "vector store, file"}
"""Doors that show documents by their ids."""


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("role", READERS)
async def test_a_reader_gets_it(secret: Secret, door: str, role: str) -> None:
    status, text = await DOORS[door](secret.roles[role], secret)
    if role in NARROWED and door == "conversation":
        assert status == 403, "conversations are of the whole account"
        return
    assert status < 300, text
    proof = COLLECTION if door in NAMES else secret.file if door in IDS else SECRET
    assert door == "progress" or proof in text


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("role", OTHERS)
async def test_nobody_else_does(secret: Secret, door: str, role: str) -> None:
    status, text = await DOORS[door](secret.roles[role], secret)
    assert SECRET not in text
    if role == "nobody":
        assert status == 401
    elif role == "administrator" and door == "collections":
        assert status == 200  # who administers sees which collections there are, never what is in them
    elif any(mark in text for mark in (secret.collection, COLLECTION, secret.store, secret.file)):
        pytest.fail(f"{door} names the collection to {role}: {text[:300]}")


@pytest.mark.parametrize("role", ("stranger", "stranger, key", "owner of another", *OUTSIDE))
async def test_what_is_hidden_answers_like_what_is_not_there(secret: Secret, role: str) -> None:
    client = secret.roles[role]
    nothing = str(uuid.uuid4())
    pairs = [
        (f"/api/collections/{secret.collection}", f"/api/collections/{nothing}"),
        (f"/api/documents/{secret.document}", f"/api/documents/{nothing}"),
        (f"/api/documents/{secret.document}/file", f"/api/documents/{nothing}/file"),
        (f"/api/passages/{secret.passage}", f"/api/passages/{nothing}"),
        *(
            (f"/v1/vector_stores/{secret.store}{below}", f"/v1/vector_stores/{NO_STORE}{below}")
            for below in ("", "/files", f"/files/{secret.file}", f"/files/{secret.file}/content")
        ),
    ]
    for hidden, absent in pairs:
        left, right = await client.get(hidden), await client.get(absent)
        assert left.status_code == right.status_code == 404
        assert _without_ids(left.text) == _without_ids(right.text)


@pytest.mark.parametrize(
    "role", ("stranger", "stranger, key", "owner of another", "nobody", "named", "member", *OUTSIDE)
)
async def test_readers_and_strangers_cannot_write_into_it(secret: Secret, role: str) -> None:
    client = secret.roles[role]
    reply = await client.post(
        f"/api/collections/{secret.collection}/documents", files={"file": ("a.txt", b"x")}, data={"path": "a.txt"}
    )
    assert reply.status_code in (401, 403, 404), reply.text
    store = f"/v1/vector_stores/{secret.store}"
    tried: list[tuple[str, str, object]] = [("DELETE", f"/api/documents/{secret.document}", None)]
    for path in (store, f"{store}/files/{secret.file}"):
        tried += [("DELETE", path, None), ("POST", path, {"attributes": {}})]
    tried += [("POST", f"{store}/files", {"file_id": secret.file})]
    tried += [("POST", f"{store}/file_batches", {"file_ids": [secret.file]})]
    tried += [("DELETE", f"/api/collections/{secret.collection}", None)]
    for method, path, body in tried:
        reply = await client.request(method, path, json=body)
        refused = (400, 401, 403, 404) if body == {"attributes": {}} else (401, 403, 404)
        assert reply.status_code in refused, f"{method} {path}: {reply.text}"


async def test_a_reader_who_is_removed_is_out_at_once(running_gateway: Gateway) -> None:
    mark = uuid.uuid4().hex[:8]
    owner = await running_gateway.person(f"o-{mark}@x.test")
    reader = await running_gateway.person(f"r-{mark}@x.test")
    me = (await reader.ok("GET", "/api/me"))["id"]
    key = await owner.collection(f"t-{mark}", [{"kind": "user", "id": me}])
    await owner.upload(key, "a.txt", TEXT)
    await owner.until_idle(key)
    assert SECRET in json.dumps(await reader.ok("POST", "/api/search", {"query": QUESTION, "collection_ids": [key]}))
    await owner.ok("PATCH", f"/api/collections/{key}", {"readers": []})
    reply = await reader.post("/api/search", json={"query": QUESTION, "collection_ids": [key]})
    assert SECRET not in reply.text
    for client in (owner, reader):
        await client.aclose()


def _without_ids(text: str) -> str:
    error = json.loads(text)["error"]
    error.pop("request_id", None)
    return json.dumps(error)
