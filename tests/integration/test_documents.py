"""The life of a document, through the HTTP interface: in, found, changed, gone."""

import asyncio
import json
import uuid
from typing import Any

import pytest
from sqlalchemy import select

from appliance.documents import routes
from appliance.documents.patience import Patience
from appliance.index import IndexUnavailable
from appliance.library.models import VersionRow
from tests.support.clocks import HANGS_S
from tests.support.gateway import Client, Gateway

RULES = b"# Travel\n\nThe company pays up to 140 euros per night for a hotel.\n"
NEW_RULES = b"# Travel\n\nThe company pays up to 175 euros per night for a hotel.\n"


async def ready_collection(client: Client, content: bytes = RULES) -> tuple[str, str]:
    """(collection, document) ids of a collection with one published document."""
    key = await client.collection(f"c-{uuid.uuid4().hex}")
    document = (await client.upload(key, "rules.md", content))["document"]["id"]
    await client.until_idle(key)
    return key, document


async def search(client: Client, key: str, query: str) -> list[str]:
    found = await client.ok("POST", "/api/search", {"query": query, "collection_ids": [key]})
    return [item["text"] for item in found["items"]]


async def test_a_document_is_found_by_its_words(running_gateway: Gateway) -> None:
    async with await running_gateway.operator() as client:
        key, document = await ready_collection(client)
        listed = await client.ok("GET", f"/api/documents/{document}")
        assert (listed["state"], listed["version_number"], listed["passage_count"]) == ("indexed", 1, 1)
        assert "140 euros" in (await search(client, key, "hotel per night"))[0]


async def test_the_same_file_again_is_no_work(running_gateway: Gateway) -> None:
    async with await running_gateway.operator() as client:
        key, _ = await ready_collection(client)
        again = await client.upload(key, "rules.md", RULES)
        assert again["outcome"] == "unchanged"
        assert again["document"]["version_number"] == 1


async def test_a_changed_file_replaces_the_old_text_everywhere(running_gateway: Gateway) -> None:
    async with await running_gateway.operator() as client:
        key, document = await ready_collection(client)
        await client.upload(key, "rules.md", NEW_RULES)
        await client.until_idle(key)
        texts = await search(client, key, "hotel per night")
        assert any("175 euros" in t for t in texts)
        assert not any("140 euros" in t for t in texts)
        versions = (await client.ok("GET", f"/api/documents/{document}"))["versions"]
        assert [v["number"] for v in versions if v["state"] == "indexed"][-1:] or versions


async def test_a_deleted_document_is_gone_at_once(running_gateway: Gateway) -> None:
    async with await running_gateway.operator() as client:
        key, document = await ready_collection(client)
        await client.ok("DELETE", f"/api/documents/{document}")
        assert await search(client, key, "hotel per night") == []
        assert (await client.get(f"/api/documents/{document}")).status_code == 404


async def test_a_deleted_document_can_come_back(running_gateway: Gateway) -> None:
    async with await running_gateway.operator() as client:
        key, document = await ready_collection(client)
        await client.ok("DELETE", f"/api/documents/{document}")
        assert (await client.upload(key, "rules.md", RULES))["outcome"] == "queued"
        await client.until_idle(key)
        assert len(await search(client, key, "hotel per night")) == 1


async def test_a_broken_file_is_refused_with_a_reason_and_harms_no_other(running_gateway: Gateway) -> None:
    async with await running_gateway.operator() as client:
        key, _ = await ready_collection(client)
        await client.upload(key, "broken.pdf", b"%PDF-1.7 and then nothing of use")
        await client.upload(key, "empty.docx", b"")
        await client.upload(key, "other.txt", b"The pump is oiled every six months.")
        states = {d["name"]: (d["state"], d["reason"]) for d in await client.until_idle(key)}
        assert states["broken.pdf"][0] == "refused"
        assert states["broken.pdf"][1]
        assert states["empty.docx"][0] == "refused"
        assert states["rules.md"][0] == states["other.txt"][0] == "indexed"


async def test_an_index_that_is_down_for_long_costs_no_document(
    running_gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Longer than a step is tried; meanwhile people see what is waited for."""
    index, failures = running_gateway.parts.index, 0
    reasons: set[str] = set()
    upsert = index.upsert
    store = await running_gateway.parts.jobs.store()
    monkeypatch.setattr(store.workflow, "patience", Patience(0.01, 0.05))
    async with await running_gateway.operator() as client:
        key = await client.collection(f"c-{uuid.uuid4().hex}")

        async def down(*arguments: Any) -> None:
            nonlocal failures
            failures += 1
            if failures <= 30:
                reasons.update(
                    d["reason"] for d in (await client.ok("GET", f"/api/collections/{key}/documents"))["items"]
                )
                raise IndexUnavailable("The index does not answer.")
            await upsert(*arguments)

        monkeypatch.setattr(index, "upsert", down)
        document = (await client.upload(key, "rules.md", RULES))["document"]["id"]
        await client.until_idle(key)
        listed = await client.ok("GET", f"/api/documents/{document}")
    assert (listed["state"], listed["reason"], failures) == ("indexed", "", 31)
    async with running_gateway.parts.database.read() as session:
        version = await session.scalar(select(VersionRow).where(VersionRow.document_id == uuid.UUID(document)))
    assert version is not None
    assert version.attempt == 1


async def test_a_passage_shows_where_it_stands(running_gateway: Gateway) -> None:
    async with await running_gateway.operator() as client:
        key, document = await ready_collection(client)
        item = (await client.ok("POST", "/api/search", {"query": "hotel", "collection_ids": [key]}))["items"][0]
        passage = await client.ok("GET", f"/api/passages/{item['passage_id']}")
        assert passage["document"]["id"] == document
        assert passage["heading_path"] == ["Travel"]
        assert passage["is_current"] is True
        page = await client.ok("GET", f"/api/documents/{document}/pages/1")
        assert "140 euros" in " ".join(b["text"] for b in page["blocks"])
        file = await client.get(f"/api/documents/{document}/file")
        assert file.content == RULES
        assert file.headers["content-disposition"].startswith("attachment")


async def test_bad_input_names_cause_and_way_out(running_gateway: Gateway) -> None:
    async with await running_gateway.operator() as client:
        key, _ = await ready_collection(client)
        for body in (
            {"query": ""},
            {"query": "x", "limit": 0},
            {"qery": "x"},
            {"query": "x", "collection_ids": ["no"]},
        ):
            reply = await client.post("/api/search", json=body)
            assert reply.status_code == 400, (body, reply.text)
            error = reply.json()["error"]
            assert error["message"]
            assert error["request_id"]
        name = (await client.ok("GET", f"/api/collections/{key}"))["name"]
        assert (await client.post("/api/collections", json={"name": name})).status_code == 409


async def test_what_comes_and_goes_between_two_looks_is_told(
    running_gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small file is indexed faster than anybody looks; a page that saw it queued must learn of its end."""
    monkeypatch.setattr(routes, "POLL_S", 3.0)
    owner = await running_gateway.person(f"quick-{uuid.uuid4().hex}@x.test")
    key = await owner.collection(f"quick-{uuid.uuid4().hex}")
    told: list[str] = []
    async with asyncio.timeout(HANGS_S), owner.stream("GET", f"/api/collections/{key}/progress") as reply:
        async for line in reply.aiter_lines():
            if line == "event: idle" and not told:
                await owner.upload(key, "quick.md", b"# Quick\n\nOne line.\n")
                told.append("uploaded")
            if line.startswith("data: ") and '"quick.md"' in line:
                told.append(json.loads(line.removeprefix("data: "))["state"])
                if told[-1] == "indexed":
                    break
    assert told[-1] == "indexed"
