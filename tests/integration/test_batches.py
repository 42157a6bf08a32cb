"""Batches over HTTP: made from a file, checked by line, run through the endpoints, read as files."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest

from appliance.openai_api.batches.wire import BatchCreate
from tests.support.clocks import HANGS_S
from tests.support.gateway import CHAT_MODEL, EMBED_MODEL, Client, Gateway

CHAT = "/v1/chat/completions"


@pytest.fixture
async def owner(running_gateway: Gateway) -> AsyncIterator[Client]:
    person = await running_gateway.person(f"batch-{uuid.uuid4().hex[:8]}@x.test")
    async with aclosing(person), aclosing(await running_gateway.with_key(person)) as client:
        yield client


def line(name: object, body: dict[str, Any], url: str = CHAT, **more: Any) -> dict[str, Any]:
    return {"custom_id": name, "method": "POST", "url": url, "body": body, **more}


def chat(**more: Any) -> dict[str, Any]:
    return {"model": CHAT_MODEL, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 5, **more}


async def sent(client: Client, lines: list[Any], purpose: str = "batch") -> str:
    data = b"".join(x if isinstance(x, bytes) else json.dumps(x).encode() + b"\n" for x in lines)
    reply = await client.post("/v1/files", files={"file": ("in.jsonl", data)}, data={"purpose": purpose})
    return str(reply.json()["id"])


async def made(client: Client, lines: list[Any], url: str = CHAT, **more: Any) -> dict[str, Any]:
    body = {"input_file_id": await sent(client, lines), "endpoint": url, "completion_window": "24h", **more}
    return dict(await client.ok("POST", "/v1/batches", body))


async def ended(client: Client, batch: dict[str, Any]) -> dict[str, Any]:
    async with asyncio.timeout(HANGS_S):
        while True:
            found: dict[str, Any] = await client.ok("GET", f"/v1/batches/{batch['id']}")
            if found["status"] in ("completed", "failed", "cancelled", "expired"):
                return found
            await asyncio.sleep(0.1)


async def read(client: Client, file_id: str | None) -> list[dict[str, Any]]:
    if file_id is None:
        return []
    return [json.loads(x) for x in (await client.get(f"/v1/files/{file_id}/content")).text.splitlines()]


async def test_from_a_file_to_two_files(owner: Client) -> None:
    lines = [line(f"r{n}", chat()) for n in range(5)] + [line("bad", chat(temperature=9))]
    batch = await made(owner, lines, metadata={"job": "nightly"})
    assert (batch["object"], batch["status"], batch["metadata"]) == ("batch", "validating", {"job": "nightly"})
    assert batch["expires_at"] == batch["created_at"] + 86400
    done = await ended(owner, batch)
    assert done["status"] == "completed"
    assert done["request_counts"] == {"total": 6, "completed": 5, "failed": 1}
    assert done["in_progress_at"] <= done["finalizing_at"] <= done["completed_at"]
    assert done["usage"]["total_tokens"] == 5 * (7 + 5)
    output = await read(owner, done["output_file_id"])
    assert [x["custom_id"] for x in output] == [f"r{n}" for n in range(5)]
    assert output[0]["response"]["status_code"] == 200
    assert output[0]["response"]["body"]["object"] == "chat.completion"
    (failed,) = await read(owner, done["error_file_id"])
    assert (failed["custom_id"], failed["response"]["status_code"]) == ("bad", 400)
    assert failed["response"]["body"]["error"]["type"] == "invalid_request_error"
    shown = await owner.ok("GET", f"/v1/files/{done['output_file_id']}")
    assert (shown["purpose"], shown["filename"]) == ("batch_output", f"{done['id']}_output.jsonl")


@pytest.mark.parametrize(
    ("url", "body"),
    (
        ("/v1/embeddings", {"model": EMBED_MODEL, "input": "Hello"}),
        ("/v1/completions", {"model": CHAT_MODEL, "prompt": "Hello", "max_tokens": 5}),
        ("/v1/responses", {"model": CHAT_MODEL, "input": "Hello", "max_output_tokens": 16}),
    ),
)
async def test_every_endpoint(owner: Client, url: str, body: dict[str, Any]) -> None:
    done = await ended(owner, await made(owner, [line("a", body, url)], url))
    assert await read(owner, done["error_file_id"]) == []
    (answer,) = await read(owner, done["output_file_id"])
    assert answer["response"]["status_code"] == 200
    assert done["usage"]["input_tokens"] > 0


async def test_an_input_is_checked_as_a_whole(owner: Client) -> None:
    lines = [
        line("a", chat()),
        b'{"custom_id": "b", "custom_id": "b"}\n',
        line("a", chat()),
        b"\n",
        line("d", chat(), "/v1/embeddings"),
        line("e", chat()) | {"method": "GET"},
        line("f", chat(model="another")),
        line("g", chat(stream=True)),
        line(7, chat()),
        line("h", {"messages": []}),
        line("i", chat(), colour="blue"),
        line("j", chat(model="m" * 201)),
        line("\0", chat(model="\0")),
    ]
    done = await ended(owner, await made(owner, lines))
    assert done["status"] == "failed"
    assert done["failed_at"] >= done["created_at"]
    assert [(e["line"], e["code"]) for e in done["errors"]["data"]] == [
        (2, "invalid_json_line"),
        (3, "duplicate_custom_id"),
        (5, "invalid_url"),
        (6, "invalid_method"),
        (7, "mismatched_model"),
        (8, "unsupported_parameter"),
        (9, "invalid_custom_id"),
        (10, "missing_required_parameter"),
        (11, "invalid_request"),
        (12, "invalid_value"),
        (13, "invalid_value"),
    ]
    assert done["output_file_id"] is done["error_file_id"] is None


async def test_an_empty_input_fails(owner: Client) -> None:
    done = await ended(owner, await made(owner, [b"\n"]))
    assert [(e["line"], e["code"]) for e in done["errors"]["data"]] == [(None, "empty_file")]


async def test_what_cannot_be_a_batch_is_refused(owner: Client) -> None:
    good = {"input_file_id": await sent(owner, [line("a", chat())]), "endpoint": CHAT, "completion_window": "24h"}
    other = await sent(owner, [line("a", chat())], purpose="user_data")
    for wrong, code in (
        ({"endpoint": "/v1/moderations"}, "invalid_value"),
        ({"completion_window": "1h"}, "invalid_value"),
        ({"input_file_id": f"file-{'0' * 32}"}, "file_not_found"),
        ({"input_file_id": other}, "invalid_batch_input"),
        ({"colour": "blue"}, "unknown_parameter"),
    ):
        reply = await owner.post("/v1/batches", json={**good, **wrong})
        assert reply.json()["error"]["code"] == code, reply.text


async def test_pages_and_cancelling(owner: Client) -> None:
    batches = [await made(owner, [line("a", chat())]) for _ in range(3)]
    first = await owner.ok("GET", "/v1/batches?limit=2")
    assert [b["id"] for b in first["data"]] == [b["id"] for b in batches[:0:-1]]
    rest = await owner.ok("GET", f"/v1/batches?after={first['last_id']}")
    assert [b["id"] for b in rest["data"]] == [batches[0]["id"]]
    await ended(owner, batches[0])
    reply = await owner.post(f"/v1/batches/{batches[0]['id']}/cancel")
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "batch_not_cancellable")


async def test_nobody_else_has_it(running_gateway: Gateway, owner: Client) -> None:
    done = await ended(owner, await made(owner, [line("a", chat())]))
    async with aclosing(await running_gateway.person(f"x-{uuid.uuid4().hex[:8]}@x.test")) as other:
        path = f"/v1/batches/{done['id']}"
        assert (await other.get(path)).json()["error"]["code"] == "batch_not_found"
        assert (await other.post(f"{path}/cancel")).status_code == 404
        assert (await other.get(f"/v1/files/{done['output_file_id']}/content")).status_code == 404
        body = {"input_file_id": done["input_file_id"], "endpoint": CHAT, "completion_window": "24h"}
        assert (await other.post("/v1/batches", json=body)).json()["error"]["code"] == "file_not_found"


async def test_a_key_that_was_revoked_runs_nothing_more(running_gateway: Gateway) -> None:
    person = await running_gateway.person(f"key-{uuid.uuid4().hex[:8]}@x.test")
    async with aclosing(person):
        key = await person.ok("POST", "/api/keys", {"name": "k", "expires_in_days": 1})
        async with running_gateway.client(headers={"Authorization": f"Bearer {key['key']}"}) as program:
            file_id = await sent(program, [line(f"r{n}", chat()) for n in range(3)])
            await person.ok("DELETE", f"/api/keys/{key['id']}")
        principal = await running_gateway.parts.access.again(uuid.UUID((await person.ok("GET", "/api/me"))["id"]), None)
        revoked = uuid.UUID(key["id"])
        asked = BatchCreate(file_id, "/v1/chat/completions", "24h")
        batch = await running_gateway.parts.door.batches.create(replace(principal, key_id=revoked), asked)
        done = await ended(person, {"id": f"batch_{batch.id.hex}"})
        assert done["request_counts"] == {"total": 3, "completed": 0, "failed": 3}
        errors = await read(person, done["error_file_id"])
        assert {x["response"]["body"]["error"]["code"] for x in errors} == {"not_authenticated"}
