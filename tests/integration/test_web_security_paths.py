"""What is asked in another way is decided alike or is not there: paths, methods, hosts, origins, bodies, bytes."""

import json
import re
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any

import pytest

from tests.support.gateway import Client, Gateway
from tests.support.raw import Answer, Wire, wire
from tests.support.surface import World, checksum, differs, furnish

pytestmark = pytest.mark.any_database

REVEALING = re.compile(
    r"Traceback|site-packages|litestar|uvicorn|httptools|sqlalchemy|psycopg|sqlite|msgspec|\.py\b|0x[0-9a-f]{8}|"
    r"Python/|127\.0\.0\.1:\d",
    re.IGNORECASE,
)
"""Stack traces, versions, addresses inside."""


@pytest.fixture(scope="module")
async def world(running_gateway: Gateway) -> AsyncIterator[World]:
    made = await furnish(running_gateway)
    async with aclosing(made.chief):
        yield made


@pytest.fixture(scope="module")
async def person(running_gateway: Gateway) -> AsyncIterator[Client]:
    async with aclosing(await running_gateway.person(f"{uuid.uuid4().hex}@x.test")) as client:
        yield client


@pytest.fixture
async def line(running_gateway: Gateway) -> AsyncIterator[Wire]:
    async with wire(running_gateway.url) as made:
        yield made


def cookie_of(client: Client) -> dict[str, str]:
    return {"cookie": "; ".join(f"{name}={value}" for name, value in client.cookies.items())}


CANONICAL = ("/api/users", "/api/keys", "/api/audit", "/api/engines", "/v1/models", "/metrics", "/schema/openapi.json")
SPELLINGS = (
    *("/{p}", "//{p}", "///{p}", "/./{p}", "/x/../{p}", "/assets/../{p}", "/assets/..%2f{p}", "/..%5c{p}"),
    *("/%2e/{p}", "/assets/%2e%2e/{p}", "/c/x/../../{p}", "/library/..%2f{p}", "/%2f{p}", "/\\{p}", "/.;/{p}"),
    *("/{p}/", "/{p}//", "/{p}/.", "/{p};", "/{p};x=1", "/{p}%3bx", "/{p}%00", "/{p}%20", "/{p}%09", "/{p}.json"),
    *("/{p}%0d%0aX:1", "/{p}%ff", "/{p}%2f", "/{p}%5c", "/{p}#", "/{p}?x", "/{p}%3f", "/{p}/%2e%2e/users"),
    *("/{P}", "/{e}", "/{d}", "/{s}", "http://x.test/{p}", "/{p}%252f", "/{p}..;/"),
)


def spelled(path: str) -> Iterator[str]:
    bare = path.removeprefix("/")
    for form in SPELLINGS:
        yield form.format(
            p=bare,
            P=bare.upper(),
            e="".join(f"%{ord(c):02x}" if c.isalpha() else c for c in bare),
            d=bare.replace("/", "//"),
            s=bare.replace("/", "%2f"),
        )


async def test_another_spelling_of_a_path_is_decided_alike_or_is_not_there(
    world: World, person: Client, line: Wire
) -> None:
    page = (await line.ask("GET", "/", {})).body
    tried, wrong = 0, []
    for path in CANONICAL:
        for who, headers in (("nobody", {}), ("a user", cookie_of(person))):
            expected = (await line.ask("GET", path, headers)).status
            for spelling in spelled(path):
                answer = await line.ask("GET", spelling, headers)
                tried += 1
                if answer.status in (expected, 400, 404, 405) or (answer.status == 200 and answer.body == page):
                    continue
                wrong.append(f"{who}: {spelling}: {answer.status} instead of {expected}")
    assert not wrong
    assert tried > 400
    print(f"\nAPI-15: {tried} spellings")


@pytest.mark.parametrize("path", CANONICAL)
async def test_nobody_reads_what_asks_for_a_login(line: Wire, path: str) -> None:
    assert (await line.ask("GET", path, {})).status == 401


GUESSED = (
    *("/debug", "/docs", "/redoc", "/swagger", "/swagger-ui", "/openapi.json", "/schema/swagger", "/schema/redoc"),
    *("/.env", "/.git/config", "/admin", "/actuator/env", "/server-status", "/console", "/health"),
    *("/invocations", "/pooling", "/pause", "/load", "/tokenize", "/update_weights", "/sleep", "/collective_rpc"),
    *("/v1/load_lora_adapter", "/collections", "/snapshots", "/cluster", "/telemetry", "/dashboard", "/realms/master"),
)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_no_door_of_what_stands_behind_is_open(world: World, line: Wire, method: str) -> None:
    for headers in ({}, cookie_of(world.chief)):
        for path in GUESSED:
            answer = await line.ask(method, path, headers)
            assert answer.status in (401, 403, 404, 405), f"{method} {path}: {answer.status}"
            assert not REVEALING.search(answer.body.decode())


async def test_a_method_is_what_the_request_line_says(world: World, line: Wire) -> None:
    target = f"/api/collections/{world.ids['collection_id']}"
    before = await checksum(world.gateway.parts.database)
    good = {**cookie_of(world.chief), "x-requested-with": "appliance", "origin": world.gateway.url}
    for name in ("x-http-method-override", "x-http-method", "x-method-override", "_method"):
        for method in ("GET", "POST"):
            answer = await line.ask(method, f"{target}?_method=DELETE&method=DELETE", {**good, name: "DELETE"})
            assert answer.status == (200 if method == "GET" else 405)
    for method in (
        "TRACE",
        "TRACK",
        "CONNECT",
        "PROPFIND",
        "MKCOL",
        "COPY",
        "MOVE",
        "LOCK",
        "PURGE",
        "get",
        "GETS",
    ):
        answer = await line.ask(method, target, {**good, "x-echo": "echoed"})
        assert answer.status in (400, 404, 405, 501), method
        assert b"echoed" not in answer.body
        line.close()
    assert not differs(before, await checksum(world.gateway.parts.database))


ORIGINS = (
    *("null", "https://evil.test", "http://{host}.evil.test", "http://evil{host}", "http://evil.test/{host}"),
    *(
        "http://{host}@evil.test",
        "https://{host}",
        "http://{host}:1",
        "http://localhost",
        "http://127.0.0.1",
        "file://",
    ),
    *("http://127x0x0x1", "http://sub.{host}", "chrome-extension://x", "http://[::1]", "*", "http://*", "", "{host}"),
    *("http://{host}\t", "http://{host},http://evil.test", "http://{host} http://evil.test", "HTTP://{host}"),
    *("http://{host}%60.evil.test", "http://{host}_.evil.test", "http://{host}{.evil.test", "data:text/html,x"),
    *("https://evil.test#{host}", "https://evil.test?{host}", "http://0.0.0.0", "http://2130706433", "{own}"),
)


async def test_no_other_origin_reads_an_answer(world: World, line: Wire) -> None:
    """API-13: no answer allows any origin anything, with or without a preflight; our own pages need none."""
    host = world.gateway.url.removeprefix("http://")
    asks = {"access-control-request-method": "POST", "access-control-request-headers": "x-requested-with,content-type"}
    for origin in ORIGINS:
        sent = {**cookie_of(world.chief), "origin": origin.replace("{host}", host).replace("{own}", world.gateway.url)}
        for method, path, more in (
            ("GET", "/api/me", {}),
            ("OPTIONS", "/api/keys", asks),
            ("OPTIONS", "/v1/models", asks),
        ):
            answer = await line.ask(method, path, {**sent, **more})
            assert answer.status < 500
            assert not [name for name in answer.headers if name.startswith("access-control")], origin
    assert len(ORIGINS) >= 30


async def test_no_header_says_who_we_are_or_where_a_request_came_from(world: World, line: Wire) -> None:
    """API-14: what the answer says does not depend on them."""
    plain = await line.ask("GET", "/api/collections", cookie_of(world.chief))
    spoofed = {"x-forwarded-host": "evil.test", "x-forwarded-proto": "https", "x-forwarded-prefix": "/evil"}
    spoofed |= {
        "x-original-url": "/api/users",
        "x-rewrite-url": "/api/users",
        "forwarded": "host=evil.test;proto=https",
    }
    spoofed |= {"x-forwarded-server": "evil.test", "x-host": "evil.test", "base-url": "https://evil.test"}
    for host in (
        "evil.test",
        "",
        "evil.test:80",
        "127.0.0.1",
        "a b",
        "[::1]",
        "evil.test#",
        "x" * 300,
        "127.0.0.1@evil.test",
    ):
        answer = await line.ask("GET", "/api/collections", {**cookie_of(world.chief), **spoofed, "host": host})
        assert answer.status in (200, 400), host
        if answer.status == 200:
            assert json.loads(answer.body) == json.loads(plain.body)
        assert b"evil" not in answer.body
        assert "evil" not in str(answer.headers)


EXTRA = {
    "role": "administrator",
    "is_admin": True,
    "admin": True,
    "owner_id": str(uuid.UUID(int=1)),
    "tenant": "x",
    "quota": 10**9,
    "user_id": str(uuid.UUID(int=1)),
    "created_at": "2020-01-01T00:00:00Z",
    "__proto__": {"a": 1},
}


def sample(schema: dict[str, Any], whole: dict[str, Any]) -> Any:
    """The least that fits a schema."""
    if "$ref" in schema:
        return sample(whole["components"]["schemas"][schema["$ref"].rpartition("/")[2]], whole)
    for choice in ("oneOf", "anyOf"):
        if choice in schema:
            return sample(next((s for s in schema[choice] if s.get("type") != "null"), {}), whole)
    if "enum" in schema or "const" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    kind = schema.get("type", "object")
    if kind == "object":
        known = schema.get("properties", {})
        return {name: sample(known[name], whole) for name in schema.get("required", ()) if name in known}
    if kind == "array":
        return [sample(schema.get("items", {}), whole)] * schema.get("minItems", 0)
    text = (
        str(uuid.UUID(int=1)) if schema.get("format") == "uuid" else "x@x.test".ljust(schema.get("minLength", 0), "x")
    )
    return {"integer": schema.get("minimum", 1), "number": 1.0, "boolean": False, "string": text}.get(kind)


async def test_a_field_that_nobody_asked_for_changes_nothing(world: World) -> None:
    """API-17: each JSON body of the description, with fields that would give something."""
    whole = await world.chief.ok("GET", "/schema/openapi.json")
    before, tried, named, taken = await checksum(world.gateway.parts.database), 0, 0, []
    for call in world.calls():
        path = re.sub(r"\{(\w+):\w+\}", r"{\1}", call.template)
        operation = whole["paths"].get(path, {}).get(call.method.lower(), {})
        schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        body = sample(schema, whole) if schema else None
        if not isinstance(body, dict) or path.startswith("/scim/"):
            continue  # provisioning takes a key of its own, and by its standard leaves out what it does not know
        for name, value in EXTRA.items():
            reply = await world.chief.request(call.method, call.path, json={**body, name: value})
            tried += 1
            named += name in reply.text
            if reply.status_code < 400 or reply.status_code >= 500:
                taken.append(f"{call.method} {path}: {name}: {reply.status_code}")
            assert not REVEALING.search(reply.text), reply.text
    assert not taken
    assert not differs(before, await checksum(world.gateway.parts.database))
    assert tried > 250
    assert named > tried * 0.8, "most are refused for the very field"
    print(f"\nAPI-17: {tried} bodies, {named} refused by the name of the field")


NAMES = (
    "a\r\nSet-Cookie: x=1.txt",
    "a\nX: 1.txt",
    'a"; filename="b.html',
    "\u202etxt.exe",
    "a\x00.txt",
    "\r\n\r\n<b>.md",
)


@pytest.mark.parametrize("name", NAMES)
async def test_a_name_never_becomes_a_header(world: World, name: str) -> None:
    """API-11."""
    await world.chief.ok("PATCH", f"/api/collections/{world.ids['collection_id']}", {"name": f"w-{uuid.uuid4().hex}"})
    sent: dict[str, Any] = {"file": ("x.txt", b"Hello"), "purpose": (None, "user_data")}
    body = world.chief.build_request("POST", "/v1/files", files=sent).read().replace(b"x.txt", name.encode())
    kind = "multipart/form-data; boundary=" + body[2:34].decode()
    reply = await world.chief.post("/v1/files", content=body, headers={"content-type": kind})
    assert reply.status_code in (200, 400), reply.text
    assert "set-cookie" not in reply.headers
    if reply.status_code == 200:
        got = await world.chief.get(f"/v1/files/{reply.json()['id']}/content")
        assert got.content == b"Hello"
        assert "set-cookie" not in got.headers
        assert "x" not in got.headers
        assert re.fullmatch(r"attachment; filename\*=UTF-8''[\w.%~-]+", got.headers["content-disposition"])
    for path in ("/v1/models/" + "a%0d%0aSet-Cookie:x", "/api/limits/a%0d%0aX:1"):
        assert "set-cookie" not in (await world.chief.get(path)).headers


HEAD = b"POST /api/search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
SECOND = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
SMUGGLED = {
    "CL.TE": HEAD + b"Content-Length: 4\r\n" + CHUNKED + b"\r\n0\r\n\r\n" + SECOND,
    "TE.CL": HEAD + CHUNKED + b"Content-Length: 3\r\n\r\n0\r\n\r\n" + SECOND,
    "two lengths": HEAD + b"Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}" + SECOND,
    "two lengths in one": HEAD + b"Content-Length: 2, 40\r\n\r\n{}" + SECOND,
    "length with sign": HEAD + b"Content-Length: +2\r\n\r\n{}" + SECOND,
    "length of letters": HEAD + b"Content-Length: 0x2\r\n\r\n{}" + SECOND,
    "length below zero": HEAD + b"Content-Length: -1\r\n\r\n" + SECOND,
    "space before colon": HEAD + b"Content-Length : 2\r\n\r\n{}" + SECOND,
    "TE space": HEAD + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + SECOND,
    "TE unknown": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SECOND,
    "TE not last": HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + SECOND,
    "TE folded": HEAD + b"Transfer-Encoding:\r\n chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n" + SECOND,
    "TE twice": HEAD + CHUNKED + b"Transfer-Encoding: identity\r\n\r\n0\r\n\r\n" + SECOND,
    "chunk size of letters": HEAD + CHUNKED + b"\r\nzz\r\n{}\r\n0\r\n\r\n" + SECOND,
    "chunk size with sign": HEAD + CHUNKED + b"\r\n-1\r\n{}\r\n0\r\n\r\n" + SECOND,
    "chunk too large": HEAD + CHUNKED + b"\r\nfffffffffffffffff\r\n{}\r\n0\r\n\r\n" + SECOND,
    "chunk longer than said": HEAD + CHUNKED + b"\r\n1\r\n{}xx\r\n0\r\n\r\n" + SECOND,
    "line feed only": HEAD.replace(b"\r\n", b"\n") + b"Content-Length: 2\n\n{}" + SECOND,
    "return only": HEAD.replace(b"\r\n", b"\r") + b"Content-Length: 2\r\r{}" + SECOND,
    "NUL in a header": HEAD + b"X: a\x00b\r\nContent-Length: 2\r\n\r\n{}" + SECOND,
    "name without colon": HEAD + b"Content-Length\r\n\r\n{}" + SECOND,
    "HTTP/0.9": b"GET /api/me\r\n" + SECOND,
    "HTTP/3.7": b"GET /api/me HTTP/3.7\r\nHost: x\r\n\r\n" + SECOND,
    "spaces in the line": b"GET /api/me HTTP/1.1 x\r\nHost: x\r\n\r\n" + SECOND,
}


@pytest.mark.parametrize("name", SMUGGLED)
async def test_what_two_servers_could_read_differently_is_refused(line: Wire, name: str) -> None:
    """API-10: 400, the connection closed, and what came behind it never answered."""
    answer: Answer = await line.send(SMUGGLED[name])
    assert answer.status in (400, 0), f"{name}: {answer}"
    if answer.status:
        assert answer.headers["connection"] == "close"
        assert answer.headers["content-security-policy"].startswith("default-src")
        assert not REVEALING.search(answer.body.decode())


async def test_two_plain_requests_at_once_are_answered_so_the_test_above_could_fail(line: Wire) -> None:
    assert (await line.send(SECOND + SECOND)).status == 200
    assert b'{"live":true}' in await line.rest()


@pytest.mark.parametrize("path", ["/people", "/admin/people", "/library/../nowhere", "/c"])
async def test_a_person_who_is_lost_gets_a_page(person: Client, path: str) -> None:
    lost = await person.request("GET", path, headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert lost.status_code == 404
    assert lost.headers["content-type"] == "text/html; charset=utf-8"
    assert "content-security-policy" in lost.headers
    program = await person.request("GET", path)
    assert program.json()["error"]["code"] == "not_found"


@pytest.mark.parametrize("path", ["/api/nowhere", "/v1/nowhere", "/scim/v2/nowhere", "/assets/nowhere.js"])
async def test_what_is_for_programs_answers_as_to_programs(person: Client, path: str) -> None:
    lost = await person.request("GET", path, headers={"accept": "text/html"})
    assert lost.status_code == 404
    assert "json" in lost.headers["content-type"]
