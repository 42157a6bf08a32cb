"""What a browser and other sites' pages can do: headers of every answer, and our cookie sent from elsewhere."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any

import pytest

from appliance.edge import FIXED
from tests.support.gateway import Client, Gateway
from tests.support.raw import wire
from tests.support.surface import World, checksum, differs, furnish

pytestmark = pytest.mark.any_database

STATE = {name.decode(): value.decode() for name, value in FIXED}
SAME = ("x-content-type-options", "referrer-policy", "x-frame-options", "cross-origin-opener-policy")
OWN_POLICY = {"/api/documents/{document_id:uuid}/file", "/api/documents/{document_id:uuid}/pages/{page:int}/image"} | {
    "/v1/files/{file_id:str}/content"
}
STREAMS = ("/api/collections/{collection_id:uuid}/progress",)


@pytest.fixture(scope="module")
async def world(running_gateway: Gateway) -> AsyncIterator[World]:
    made = await furnish(running_gateway)
    async with aclosing(made.chief):
        yield made


def closed(headers: Mapping[str, str], template: str) -> list[str]:
    """What is missing from an answer's headers."""
    missing = [name for name in STATE if not headers.get(name)]
    missing += [f"{name}={headers.get(name)}" for name in SAME if headers.get(name) != STATE[name]]
    policy = headers.get("content-security-policy", "")
    if template not in OWN_POLICY and policy != STATE["content-security-policy"]:
        missing.append(f"policy={policy}")
    if any(weak in policy for weak in ("unsafe", "*", "http:", "https:")):
        missing.append(f"weak={policy}")
    if "server" in headers or "x-powered-by" in headers:
        missing.append("names the server")
    return missing


def cookie_of(client: Client) -> dict[str, str]:
    return {"cookie": "; ".join(f"{name}={value}" for name, value in client.cookies.items())}


async def test_every_answer_of_every_route_closes_the_browsers_doors(world: World) -> None:
    """XSS-07. What may change something is asked by nobody here; the test of other pages has it with a cookie."""
    found, seen = {}, set()
    async with wire(world.gateway.url) as line:
        for call in world.calls():
            for known in {False, not call.changes}:
                answer = await line.ask(call.method, call.path, cookie_of(world.chief) if known else {})
                seen.add(answer.status)
                if missing := closed(answer.headers, call.template):
                    found[f"{call.method} {call.path} {answer.status}"] = missing
    assert not found
    assert {200, 401, 404} <= seen


@pytest.mark.parametrize("call", ["405", "404", "413", "414", "400", "431"])
async def test_so_do_answers_that_no_handler_of_ours_wrote(world: World, call: str) -> None:
    asks: dict[str, tuple[str, str, dict[str, Any]]] = {
        "405": ("PATCH", "/health/live", {}),
        "404": ("GET", "/nothing/../here", {}),
        "413": ("POST", "/api/search", {"content": b"{" + b" " * 5_000_000 + b"}"}),
        "414": ("GET", "/" + "a" * 60_000, {}),
        "400": ("POST", "/api/search", {"content": b'{"a":1,"a":2}'}),
        "431": ("GET", "/api/me", {"headers": {f"x-{i}": "y" * 4000 for i in range(20)}}),
    }
    method, path, given = asks[call]
    options: dict[str, Any] = {"headers": {"content-type": "application/json"}, **given}
    reply = await world.chief.request(method, path, **options)
    assert not closed(reply.headers, "")
    assert reply.status_code < 500
    if call in ("405", "404", "413", "400"):
        assert reply.status_code == int(call)


async def test_bytes_that_people_brought_never_act_as_a_page(world: World) -> None:
    for template in OWN_POLICY:
        call = next(c for c in world.calls() if c.template == template and c.method == "GET")
        reply = await world.chief.get(call.path)
        assert reply.status_code in (200, 404), reply.text
        if template.endswith("/image"):  # drawn by us, of a document that has pages
            continue
        assert reply.headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert reply.headers["content-disposition"].startswith("attachment;")
        assert reply.headers["content-type"] == "application/octet-stream"
        assert reply.headers["x-content-type-options"] == "nosniff"


SIBLINGS = ("http://other.127.0.0.1", "http://127.0.0.1.evil.test", "http://localhost", "https://{host}", "//{host}")
ODD = ("null", "", "HTTP://{host}", "{host}", "http://{host}/", "http://{host}.", "http://{host}:80", "file://")
EVERY = 5
"""Of so many routes, one is tried with each odd origin; what they share looks at no route."""


def pages(host: str) -> dict[str, tuple[dict[str, str], bytes]]:
    """Requests that a page of another site can make a browser send, or that are nearly those of our own page."""
    json, own = "application/json", f"http://{host}"
    good = {"x-requested-with": "appliance", "origin": own, "content-type": json}
    there = {"origin": "https://evil.test"}
    return {
        "form": ({**there, "content-type": "application/x-www-form-urlencoded"}, b"name=x&title=x"),
        "text": ({**there, "content-type": "text/plain"}, b"{}"),
        "multipart": ({**there, "content-type": "multipart/form-data; boundary=x"}, b"--x--\r\n"),
        "nothing": ({}, b""),
        "no origin": ({"x-requested-with": "appliance", "content-type": json}, b"{}"),
        "origin null": ({**good, "origin": "null"}, b"{}"),
        "sibling host": ({**good, "origin": "http://other.127.0.0.1"}, b"{}"),
        "another port": ({**good, "origin": f"http://{host.partition(':')[0]}:1"}, b"{}"),
        "upper case": ({**good, "x-requested-with": "Appliance"}, b"{}"),
        "no header": ({"origin": own, "content-type": json}, b"{}"),
        "referer only": ({"x-requested-with": "appliance", "referer": own + "/", "content-type": json}, b"{}"),
    }


def origins(host: str) -> dict[str, tuple[dict[str, str], bytes]]:
    """Origins that are nearly ours, and other ways to say who asks."""
    good = {"x-requested-with": "appliance", "content-type": "application/json"}
    found = {o: ({**good, "origin": o.replace("{host}", host)}, b"{}") for o in (*SIBLINGS, *ODD)}
    found["said by headers"] = ({**good, "origin": "https://evil.test", "x-forwarded-host": "evil.test"}, b"{}")
    found["method override"] = ({"origin": "https://evil.test", "x-http-method-override": "GET"}, b"{}")
    return found


async def test_another_sites_page_changes_nothing_with_our_cookie(world: World) -> None:
    """AUTH-21: each route that may change something x each variant."""
    host = world.gateway.url.removeprefix("http://")
    cookie = cookie_of(world.chief)
    calls = [c for c in world.calls() if c.changes]
    tried = [(c, *v) for c in calls for v in pages(host).items()]
    tried += [(c, *v) for c in calls[::EVERY] for v in origins(host).items()]
    before, let_in = await checksum(world.gateway.parts.database), []
    async with wire(world.gateway.url) as browser:
        for call, name, (headers, body) in tried:
            reply = await browser.ask(call.method, call.path, {**cookie, **headers}, body)
            if reply.status not in (403, 415) or closed(reply.headers, ""):
                let_in.append(f"{call.method} {call.path}: {name}: {reply.status}")
    assert not let_in
    assert not differs(before, await checksum(world.gateway.parts.database))
    assert len(tried) > 800
    print(f"\nAUTH-21: {len(calls)} routes, {len(tried)} requests of other pages, all refused")


async def test_our_own_page_changes_something_so_the_test_above_could_fail(world: World) -> None:
    before = await checksum(world.gateway.parts.database)
    await world.chief.ok("POST", "/api/conversations", {})
    assert differs(before, await checksum(world.gateway.parts.database)) == ["conversations"]


async def test_no_get_changes_anything(world: World) -> None:
    """AUTH-22: every GET and HEAD, by a session and by a key, with the database as it was."""
    calls = [c for c in world.calls() if not c.changes]
    async with await world.gateway.with_key(world.chief) as program:
        await asyncio.sleep(0)
        before = await checksum(world.gateway.parts.database)
        for call in calls:
            for client in (world.chief, program):
                async with client.stream("GET", call.path) as reply:
                    assert reply.status_code < 500 or call.path == "/health/ready", call
                    if call.template not in STREAMS:
                        await reply.aread()
        assert not differs(before, await checksum(world.gateway.parts.database))
    assert len(calls) > 50
