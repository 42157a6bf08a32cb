"""Files of programs: kept, listed, read, deleted by their owner; nobody else sees them."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import update

from appliance.openai_api.files.models import FileRow
from tests.support.gateway import Client, Gateway

LINE = b'{"custom_id": "a"}\n'


@pytest.fixture
async def owner(running_gateway: Gateway) -> AsyncIterator[Client]:
    """A program of somebody new."""
    person = await running_gateway.person(f"files-{uuid.uuid4().hex[:8]}@x.test")
    async with aclosing(person), aclosing(await running_gateway.with_key(person)) as client:
        yield client


async def sent(
    client: Client, data: bytes, purpose: str = "user_data", name: str = "a.txt", **more: str
) -> httpx.Response:
    return await client.post("/v1/files", files={"file": (name, data)}, data={"purpose": purpose, **more})


def stored(gateway: Gateway) -> set[Path]:
    return {p for p in (gateway.parts.settings.data / "files").rglob("*") if p.is_file()}


async def test_a_file_is_what_was_sent(owner: Client) -> None:
    data = uuid.uuid4().bytes * 200_000
    made = (await sent(owner, data, name='../../日本 "x".bin')).json()
    assert made["object"] == "file"
    assert made["bytes"] == len(data)
    assert made["purpose"] == "user_data"
    assert made["expires_at"] is None
    assert "/" not in made["filename"]
    assert await owner.ok("GET", f"/v1/files/{made['id']}") == made
    read = await owner.get(f"/v1/files/{made['id']}/content")
    assert read.content == data
    assert read.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in read.headers["content-security-policy"]


async def test_pages_follow_a_cursor_both_ways(owner: Client) -> None:
    ids = [(await sent(owner, b"x", name=f"{n}.txt")).json()["id"] for n in range(5)]
    first = await owner.ok("GET", "/v1/files?limit=2")
    assert [f["id"] for f in first["data"]] == ids[:2:-1]
    assert first["has_more"] is True
    second = await owner.ok("GET", f"/v1/files?limit=3&after={first['last_id']}")
    assert [f["id"] for f in second["data"]] == ids[2::-1]
    assert second["has_more"] is False
    up = await owner.ok("GET", f"/v1/files?order=asc&limit=2&after={ids[0]}")
    assert [f["id"] for f in up["data"]] == ids[1:3]
    assert (await owner.get("/v1/files?after=nonsense")).json()["error"]["code"] == "invalid_cursor"
    nothing = await owner.ok("GET", f"/v1/files?after=file-{uuid.uuid4().hex}")
    assert nothing["data"] == []
    assert nothing["first_id"] is None


async def test_a_purpose_is_one_of_a_list_and_narrows_it(owner: Client) -> None:
    kinds = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")
    made = {kind: (await sent(owner, LINE, kind)).json() for kind in kinds}
    assert [f["id"] for f in (await owner.ok("GET", "/v1/files?purpose=vision"))["data"]] == [made["vision"]["id"]]
    assert made["batch"]["expires_at"] == made["batch"]["created_at"] + 30 * 86400
    for wrong in ("batch_output", "virtue", ""):
        reply = await sent(owner, LINE, wrong)
        assert reply.status_code == 400
        assert reply.json()["error"]["code"] == "invalid_upload"


@pytest.mark.parametrize(
    "more",
    (
        {"expires_after[anchor]": "now", "expires_after[seconds]": "3600"},
        {"expires_after[anchor]": "created_at", "expires_after[seconds]": "60"},
        {"expires_after[anchor]": "created_at"},
        {"expires_after[anchor]": "created_at", "expires_after[seconds]": "9" * 40},
        {"colour": "blue"},
    ),
)
async def test_what_does_not_fit_is_refused_by_name(owner: Client, more: dict[str, str]) -> None:
    reply = await sent(owner, LINE, **more)
    assert reply.status_code == 400
    assert reply.json()["error"]["code"] == ("unknown_parameter" if "colour" in more else "invalid_upload")
    without = await owner.post("/v1/files", files={"purpose": (None, "user_data")})
    assert without.json()["error"]["code"] == "invalid_upload"


async def test_nobody_else_has_it(running_gateway: Gateway, owner: Client) -> None:
    made = (await sent(owner, b"secret of the owner")).json()
    stranger = await running_gateway.person(f"other-{uuid.uuid4().hex[:8]}@x.test")
    async with aclosing(stranger), await running_gateway.operator() as administrator:
        for other in (stranger, administrator):
            for path in (f"/v1/files/{made['id']}", f"/v1/files/{made['id']}/content"):
                hidden, absent = await other.get(path), await other.get(path.replace(made["id"], f"file-{'0' * 32}"))
                assert hidden.status_code == 404
                assert hidden.json() == absent.json()
            assert (await other.delete(f"/v1/files/{made['id']}")).status_code == 404
            assert made["id"] not in (await other.get("/v1/files")).text
    async with running_gateway.client() as nobody:
        assert (await nobody.get(f"/v1/files/{made['id']}/content")).status_code == 401
    assert (await owner.get(f"/v1/files/{made['id']}/content")).content == b"secret of the owner"


async def test_bytes_go_with_the_last_who_refers_to_them(running_gateway: Gateway, owner: Client) -> None:
    data = uuid.uuid4().bytes
    first, second = (await sent(owner, data)).json()["id"], (await sent(owner, data)).json()["id"]
    before = stored(running_gateway)
    assert await owner.ok("DELETE", f"/v1/files/{first}") == {"id": first, "object": "file", "deleted": True}
    assert (await owner.get(f"/v1/files/{first}")).status_code == 404
    assert stored(running_gateway) == before
    await owner.ok("DELETE", f"/v1/files/{second}")
    assert len(before - stored(running_gateway)) == 1


async def test_the_sweep_of_documents_leaves_files_of_programs(running_gateway: Gateway, owner: Client) -> None:
    data = b"The same bytes as a document and as a file. " + uuid.uuid4().hex.encode()
    made = (await sent(owner, data)).json()["id"]
    person = await running_gateway.person(f"both-{uuid.uuid4().hex[:8]}@x.test")
    async with aclosing(person):
        key = await person.collection(f"both-{uuid.uuid4().hex[:8]}")
        await person.upload(key, "a.txt", data)
        await person.until_idle(key)
        await person.ok("DELETE", f"/api/collections/{key}")
    while await running_gateway.parts.jobs._ingest.sweep():
        pass
    assert (await owner.get(f"/v1/files/{made}/content")).content == data


async def test_an_upload_that_breaks_off_leaves_nothing(running_gateway: Gateway, owner: Client) -> None:
    before, arriving = stored(running_gateway), asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b'--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for _ in range(40):
            yield b"x" * 65536
        arriving.set()
        await asyncio.Event().wait()

    headers = {"content-type": "multipart/form-data; boundary=b"}
    sending = asyncio.create_task(owner.post("/v1/files", content=body(), headers=headers))
    await arriving.wait()
    sending.cancel()
    await asyncio.wait({sending})
    assert (await owner.ok("GET", "/v1/files"))["data"] == []
    assert stored(running_gateway) == before


async def test_what_has_expired_is_not_there(running_gateway: Gateway, owner: Client) -> None:
    more = {"expires_after[anchor]": "created_at", "expires_after[seconds]": "3600"}
    made = (await sent(owner, uuid.uuid4().bytes, **more)).json()
    assert made["expires_at"] == made["created_at"] + 3600
    assert (await owner.get(f"/v1/files/{made['id']}")).status_code == 200
    before = stored(running_gateway)
    async with running_gateway.parts.database.write() as session:
        long_ago = datetime.now(UTC) - timedelta(seconds=1)
        key = uuid.UUID(made["id"].removeprefix("file-"))
        await session.execute(update(FileRow).where(FileRow.id == key).values(expires_at=long_ago))
    assert (await owner.get(f"/v1/files/{made['id']}")).status_code == 404
    assert (await owner.ok("GET", "/v1/files"))["data"] == []
    assert await running_gateway.parts.door.files.sweep() == 1
    assert len(before - stored(running_gateway)) == 1
