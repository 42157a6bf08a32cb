"""How bodies are read: declared as JSON, within bounds, whole."""

import asyncio
from typing import Any

import pytest
from litestar.types import Scope

from appliance.edge import bodies
from appliance.edge.bodies import BodyCutOff, BodyTooLarge, BodyTooSlow, WrongMediaType, read_json


def scope_with(*, path: str = "/api/ask", **headers: str) -> Scope:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "path": path, "headers": pairs}  # type: ignore[return-value] # what the reader looks at


class Sender:
    """A client that sends these pieces, then waits; `leaves` after them."""

    def __init__(self, *pieces: bytes, more: bool = False, leaves: bool = False) -> None:
        self._messages = [
            {"type": "http.request", "body": p, "more_body": more or i + 1 < len(pieces)} for i, p in enumerate(pieces)
        ]
        if leaves:
            self._messages.append({"type": "http.disconnect"})

    async def __call__(self) -> Any:
        if not self._messages:
            await asyncio.Event().wait()
        return self._messages.pop(0)


@pytest.mark.parametrize(
    "declared",
    [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON;Charset=UTF-8",
        'application/json; charset="utf-8"',
    ],
)
async def test_json_is_read_as_json(declared: str) -> None:
    assert await read_json(scope_with(content_type=declared), Sender(b"{}"), 100) == b"{}"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content_type": ""},
        {"content_type": "text/plain"},
        {"content_type": "application/jsonp"},
        {"content_type": "application/json, text/plain"},
        {"content_type": "multipart/form-data; boundary=x"},
        {"content_type": "application/json; charset=utf-16"},
        {"content_type": "application/json", "content_encoding": "gzip"},
    ],
)
async def test_anything_else_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(WrongMediaType):
        await read_json(scope_with(**headers), Sender(b"{}"), 100)


async def test_provisioning_has_a_type_of_its_own_and_only_there() -> None:
    scim = "application/scim+json; charset=utf-8"
    assert await read_json(scope_with(path="/scim/v2/Users", content_type=scim), Sender(b"{}"), 100) == b"{}"
    for path, declared in (("/api/users", scim), ("/scim/v2/Users", ""), ("/scim/v2/Users", "text/plain")):
        with pytest.raises(WrongMediaType):
            await read_json(scope_with(path=path, content_type=declared), Sender(b"{}"), 100)


async def test_no_body_needs_no_type() -> None:
    assert await read_json(scope_with(), Sender(b""), 100) == b""


async def test_pieces_are_put_together() -> None:
    assert await read_json(scope_with(content_type="application/json"), Sender(b"[1", b",2", b"]"), 100) == b"[1,2]"


async def test_a_body_may_have_its_bound_and_not_one_byte_more() -> None:
    json_type = scope_with(content_type="application/json")
    assert len(await read_json(json_type, Sender(b'"' + b"x" * 98 + b'"'), 100)) == 100
    for sender in (Sender(b'"' + b"x" * 99 + b'"'), Sender(b"[" * 60, b"[" * 60, more=True)):
        with pytest.raises(BodyTooLarge):
            await read_json(json_type, sender, 100)


@pytest.mark.parametrize("length", ["101", "999999999999999999"])
async def test_a_body_that_says_it_is_too_large_is_not_waited_for(length: str) -> None:
    with pytest.raises(BodyTooLarge):
        await asyncio.wait_for(read_json(scope_with(content_length=length), Sender(), 100), 1)


async def test_a_client_that_stops_in_the_middle_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "PART_WAIT_S", 0.05)
    with pytest.raises(BodyTooSlow):
        await read_json(scope_with(content_type="application/json"), Sender(b"[", more=True), 100)


async def test_a_client_that_leaves_in_the_middle_has_sent_nothing() -> None:
    with pytest.raises(BodyCutOff):
        await read_json(scope_with(content_type="application/json"), Sender(b"[1]", more=True, leaves=True), 100)
