"""Collections as vector stores: files attached, listed, filtered, searched, taken out."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from appliance.openai_api.vector_stores.models import VectorStoreRow
from tests.support.clocks import HANGS_S
from tests.support.gateway import Client, Gateway

HOTEL = b"The company pays up to 140 euros per night for a hotel."
PUMP = b"The pump is oiled every six months by the maintenance crew."


@pytest.fixture
async def person(running_gateway: Gateway) -> AsyncIterator[Client]:
    async with aclosing(await running_gateway.person(f"vs-{uuid.uuid4().hex[:8]}@x.test")) as client:
        yield client


@pytest.fixture
async def owner(running_gateway: Gateway, person: Client) -> AsyncIterator[Client]:
    """The same person as a program."""
    async with aclosing(await running_gateway.with_key(person)) as client:
        yield client


async def uploaded(client: Client, data: bytes, name: str = "a.txt") -> str:
    reply = await client.post("/v1/files", files={"file": (name, data)}, data={"purpose": "assistants"})
    assert reply.status_code == 200, reply.text
    return str(reply.json()["id"])


async def store(client: Client, **more: Any) -> str:
    return str((await client.ok("POST", "/v1/vector_stores", {"name": "S", **more}))["id"])


async def until_done(client: Client, path: str) -> dict[str, Any]:
    """Ask until it is in work no more."""
    async with asyncio.timeout(HANGS_S):
        while True:
            found: dict[str, Any] = await client.ok("GET", path)
            if found["status"] != "in_progress":
                return found
            await asyncio.sleep(0.1)


async def attached(client: Client, key: str, data: bytes, name: str, **attributes: Any) -> str:
    file_id = await uploaded(client, data, name)
    await client.ok("POST", f"/v1/vector_stores/{key}/files", {"file_id": file_id, "attributes": attributes})
    done = await until_done(client, f"/v1/vector_stores/{key}/files/{file_id}")
    assert done["status"] == "completed", done
    return file_id


async def found(client: Client, key: str, query: str, **more: Any) -> list[dict[str, Any]]:
    reply = await client.ok("POST", f"/v1/vector_stores/{key}/search", {"query": query, **more})
    assert reply["object"] == "vector_store.search_results.page"
    return list(reply["data"])


async def test_a_store_is_a_collection(owner: Client, person: Client) -> None:
    name = f"Rules {uuid.uuid4().hex[:8]}"
    made = await owner.ok("POST", "/v1/vector_stores", {"name": name, "metadata": {"team": "a"}})
    assert made["object"] == "vector_store"
    assert (made["name"], made["metadata"], made["status"]) == (name, {"team": "a"}, "completed")
    listed = {c["id"]: c for c in await person.ok("GET", "/api/collections")}
    assert listed[str(uuid.UUID(made["id"].removeprefix("vs_")))]["name"] == name
    changed = await owner.ok("POST", f"/v1/vector_stores/{made['id']}", {"name": f"{name}!", "metadata": None})
    assert (changed["name"], changed["metadata"]) == (f"{name}!", {})
    assert await owner.ok("GET", f"/v1/vector_stores/{made['id']}") == changed
    deleted = await owner.ok("DELETE", f"/v1/vector_stores/{made['id']}")
    assert deleted == {"id": made["id"], "object": "vector_store.deleted", "deleted": True}
    assert (await owner.get(f"/v1/vector_stores/{made['id']}")).json()["error"]["code"] == "vector_store_not_found"


async def test_every_collection_that_may_be_read_is_a_store(owner: Client, person: Client) -> None:
    keys = [await person.collection(f"c-{uuid.uuid4().hex[:8]}") for _ in range(3)]
    ids = [f"vs_{uuid.UUID(key).hex}" for key in keys]
    first = await owner.ok("GET", "/v1/vector_stores?limit=2")
    assert [s["id"] for s in first["data"]] == ids[:0:-1]
    assert first["has_more"] is True
    rest = await owner.ok("GET", f"/v1/vector_stores?after={first['last_id']}")
    assert next(s["id"] for s in rest["data"]) == ids[0], "older ones are those that others share with everyone"
    back = await owner.ok("GET", f"/v1/vector_stores?before={ids[0]}&limit=1")
    assert [s["id"] for s in back["data"]] == [ids[1]]


async def test_two_stores_may_have_one_name_or_none(owner: Client) -> None:
    name = f"N {uuid.uuid4().hex}"
    made = [await owner.ok("POST", "/v1/vector_stores", {"name": name}) for _ in range(2)]
    assert [s["name"] for s in made] == [name, name]
    assert made[0]["id"] != made[1]["id"]
    assert (await owner.ok("POST", "/v1/vector_stores", {}))["name"] == ""


async def test_a_file_is_taken_in_and_found(owner: Client) -> None:
    key = await store(owner)
    file_id = await attached(owner, key, HOTEL, "travel.txt", team="sales", year=2024, open=True)
    shown = await owner.ok("GET", f"/v1/vector_stores/{key}/files/{file_id}")
    assert shown["object"] == "vector_store.file"
    assert shown["attributes"] == {"open": True, "team": "sales", "year": 2024}
    assert (shown["last_error"], shown["usage_bytes"]) == (None, len(HOTEL))
    counts = (await owner.ok("GET", f"/v1/vector_stores/{key}"))["file_counts"]
    assert counts == {"in_progress": 0, "completed": 1, "failed": 0, "cancelled": 0, "total": 1}
    (hit,) = await found(owner, key, "hotel night")
    assert (hit["file_id"], hit["filename"], hit["attributes"]) == (file_id, "travel.txt", shown["attributes"])
    assert 0 < hit["score"] <= 1
    assert "140 euros" in hit["content"][0]["text"]
    content = await owner.ok("GET", f"/v1/vector_stores/{key}/files/{file_id}/content")
    assert "140 euros" in content["data"][0]["text"]


async def test_two_files_of_one_name_are_two_documents(owner: Client) -> None:
    key = await store(owner)
    ids = {await attached(owner, key, HOTEL, "a.txt"), await attached(owner, key, PUMP, "a.txt")}
    assert {f["id"] for f in (await owner.ok("GET", f"/v1/vector_stores/{key}/files"))["data"]} == ids
    again = next(iter(ids))
    await owner.ok("POST", f"/v1/vector_stores/{key}/files", {"file_id": again})
    assert (await owner.ok("GET", f"/v1/vector_stores/{key}"))["file_counts"]["total"] == 2


async def test_documents_that_came_another_way_are_files_too(owner: Client, person: Client) -> None:
    collection = await person.collection(f"ui-{uuid.uuid4().hex[:8]}")
    document = (await person.upload(collection, "travel.txt", HOTEL))["document"]["id"]
    await person.until_idle(collection)
    key = f"vs_{uuid.UUID(collection).hex}"
    (shown,) = (await owner.ok("GET", f"/v1/vector_stores/{key}/files"))["data"]
    assert shown["id"] == f"file-{uuid.UUID(document).hex}"
    assert [h["file_id"] for h in await found(owner, key, "hotel")] == [shown["id"]]
    path = f"/v1/vector_stores/{key}/files/{shown['id']}"
    assert (await owner.ok("POST", path, {"attributes": {"a": 1.5}}))["attributes"] == {"a": 1.5}
    assert (await owner.ok("DELETE", path))["deleted"] is True
    assert (await owner.get(path)).json()["error"]["code"] == "vector_store_file_not_found"
    assert await found(owner, key, "hotel") == []


async def test_a_file_that_cannot_be_read_says_why(owner: Client) -> None:
    key, file_id = await store(owner), await uploaded(owner, b"%PDF-1.7 broken", "a.pdf")
    await owner.ok("POST", f"/v1/vector_stores/{key}/files", {"file_id": file_id})
    done = await until_done(owner, f"/v1/vector_stores/{key}/files/{file_id}")
    assert done["status"] == "failed"
    assert done["last_error"]["code"] == "invalid_file"
    assert len(done["last_error"]["message"]) > 20
    for status, count in (("failed", 1), ("completed", 0), ("in_progress", 0), ("cancelled", 0)):
        listed = await owner.ok("GET", f"/v1/vector_stores/{key}/files?filter={status}")
        assert len(listed["data"]) == count


async def test_a_search_looks_only_into_files_with_the_attributes(owner: Client) -> None:
    key = await store(owner)
    old = await attached(owner, key, HOTEL + b" Old.", "old.txt", year=2020, team="sales")
    new = await attached(owner, key, HOTEL + b" New.", "new.txt", year=2024, team="sales")
    bare = await attached(owner, key, HOTEL + b" Bare.", "bare.txt")

    async def ids(filters: Any) -> set[str]:
        return {hit["file_id"] for hit in await found(owner, key, "hotel", filters=filters)}

    assert await ids({"type": "eq", "key": "year", "value": 2024}) == {new}
    assert await ids({"type": "eq", "key": "year", "value": "2024"}) == set()
    assert await ids({"type": "ne", "key": "year", "value": 2024}) == {old, bare}
    assert await ids({"type": "gte", "key": "year", "value": 2020}) == {old, new}
    assert await ids({"type": "in", "key": "team", "value": ["sales", "x"]}) == {old, new}
    young = {"type": "gt", "key": "year", "value": 2022}
    without = {"type": "nin", "key": "team", "value": ["sales"]}
    assert await ids({"type": "or", "filters": [young, without]}) == {new, bare}
    assert await ids({"type": "and", "filters": [young, without]}) == set()
    await owner.ok("POST", f"/v1/vector_stores/{key}/files/{old}", {"attributes": {"year": 2024}})
    assert await ids({"type": "eq", "key": "year", "value": 2024}) == {old, new}


@pytest.mark.parametrize(
    "filters",
    (
        {"type": "eq", "key": "a"},
        {"type": "eq", "key": "a", "value": [1]},
        {"type": "in", "key": "a", "value": 1},
        {"type": "gt", "key": "a", "value": "b"},
        {"type": "and", "filters": [], "key": "a"},
        {"type": "and", "key": "a", "value": 1},
        {"type": "like", "key": "a", "value": "b"},
        {"type": "eq", "key": "a", "value": 1, "more": 1},
    ),
)
async def test_a_filter_that_does_not_fit_is_refused(owner: Client, filters: Any) -> None:
    reply = await owner.post(f"/v1/vector_stores/{await store(owner)}/search", json={"query": "x", "filters": filters})
    assert reply.status_code == 400
    error = reply.json()["error"]
    assert error["code"] in ("invalid_filter", "invalid_value", "unknown_parameter")
    assert error["code"] == "invalid_filter" or error["param"].startswith("filters")


async def test_several_questions_a_threshold_and_a_limit(owner: Client) -> None:
    key = await store(owner)
    hotel, pump = await attached(owner, key, HOTEL, "h.txt"), await attached(owner, key, PUMP, "p.txt")
    both = await found(owner, key, ["hotel night", "oiled pump"])  # type: ignore[arg-type]
    assert {h["file_id"] for h in both} == {hotel, pump}
    assert len(await found(owner, key, "hotel pump", max_num_results=1)) == 1
    high = {"ranker": "auto", "score_threshold": 0.9}
    assert [h["file_id"] for h in await found(owner, key, "hotel night", ranking_options=high)] == [hotel]
    for wrong in ({"max_num_results": 51}, {"ranking_options": {"ranker": "best"}}, {"query": ""}):
        reply = await owner.post(f"/v1/vector_stores/{key}/search", json={"query": "x", **wrong})
        assert reply.status_code == 400


async def test_a_deleted_file_leaves_the_stores(owner: Client) -> None:
    first, second = await store(owner), await store(owner)
    file_id = await attached(owner, first, HOTEL, "h.txt")
    await owner.ok("POST", f"/v1/vector_stores/{second}/files", {"file_id": file_id})
    await until_done(owner, f"/v1/vector_stores/{second}/files/{file_id}")
    await owner.ok("DELETE", f"/v1/vector_stores/{first}/files/{file_id}")
    assert (await owner.get(f"/v1/files/{file_id}")).status_code == 200
    assert len(await found(owner, second, "hotel")) == 1
    await owner.ok("DELETE", f"/v1/files/{file_id}")
    assert await found(owner, second, "hotel") == []
    reply = await owner.post(f"/v1/vector_stores/{second}/files", json={"file_id": file_id})
    assert reply.json()["error"]["code"] == "file_not_found"


async def test_a_batch_of_files(owner: Client) -> None:
    key = await store(owner)
    ids = [await uploaded(owner, HOTEL, "h.txt"), await uploaded(owner, b"%PDF-1.7 broken", "b.pdf")]
    files = [{"file_id": ids[0], "attributes": {"n": 1}}, {"file_id": ids[1]}]
    made = await owner.ok("POST", f"/v1/vector_stores/{key}/file_batches", {"files": files})
    assert made["object"] == "vector_store.files_batch"
    assert made["file_counts"]["total"] == 2
    path = f"/v1/vector_stores/{key}/file_batches/{made['id']}"
    done = await until_done(owner, path)
    assert done["status"] == "completed"
    assert done["file_counts"] == {"in_progress": 0, "completed": 1, "failed": 1, "cancelled": 0, "total": 2}
    page = await owner.ok("GET", f"{path}/files?limit=1")
    more = await owner.ok("GET", f"{path}/files?after={page['last_id']}")
    assert {page["data"][0]["id"], more["data"][0]["id"]} == set(ids)
    assert [f["id"] for f in (await owner.ok("GET", f"{path}/files?filter=failed"))["data"]] == [ids[1]]
    assert (await owner.ok("GET", f"/v1/vector_stores/{key}/files/{ids[0]}"))["attributes"] == {"n": 1}
    for wrong in ({}, {"file_ids": ids, "files": files}, {"file_ids": [ids[0], ids[0]]}):
        reply = await owner.post(f"/v1/vector_stores/{key}/file_batches", json=wrong)
        assert reply.json()["error"]["code"] == "invalid_file_batch"
    missing = {"file_ids": [f"file-{'0' * 32}"]}
    assert (await owner.post(f"/v1/vector_stores/{key}/file_batches", json=missing)).status_code == 404


async def test_a_cancelled_batch_takes_back_what_is_in_work(owner: Client) -> None:
    key = await store(owner)
    ids = [await uploaded(owner, HOTEL + str(n).encode() * 2000, f"{n}.txt") for n in range(8)]
    made = await owner.ok("POST", f"/v1/vector_stores/{key}/file_batches", {"file_ids": ids})
    path = f"/v1/vector_stores/{key}/file_batches/{made['id']}"
    done = await owner.ok("POST", f"{path}/cancel")
    assert done["status"] == "cancelled"
    counts = done["file_counts"]
    assert counts["cancelled"] > 0
    assert counts["in_progress"] == 0
    assert counts["completed"] + counts["cancelled"] == counts["total"] == 8
    gone = {f["id"] for f in (await owner.ok("GET", f"{path}/files?filter=cancelled"))["data"]}
    assert len(gone) == counts["cancelled"]
    left = {f["id"] for f in (await owner.ok("GET", f"/v1/vector_stores/{key}/files"))["data"]}
    assert left == set(ids) - gone


async def test_a_store_that_was_not_used_expires_and_can_be_woken(running_gateway: Gateway, owner: Client) -> None:
    key = await store(owner, expires_after={"anchor": "last_active_at", "days": 1})
    await attached(owner, key, HOTEL, "h.txt")
    async with running_gateway.parts.database.write() as session:
        old = datetime.now(UTC) - timedelta(hours=23)
        mine = VectorStoreRow.collection_id == uuid.UUID(key.removeprefix("vs_"))
        await session.execute(update(VectorStoreRow).where(mine).values(last_active_at=old))
    assert len(await found(owner, key, "hotel")) == 1
    shown = await owner.ok("GET", f"/v1/vector_stores/{key}")
    assert shown["expires_at"] == shown["last_active_at"] + 86400
    assert shown["last_active_at"] > old.timestamp() + 3600
    async with running_gateway.parts.database.write() as session:
        await session.execute(update(VectorStoreRow).where(mine).values(last_active_at=old - timedelta(hours=2)))
    assert (await owner.ok("GET", f"/v1/vector_stores/{key}"))["status"] == "expired"
    reply = await owner.post(f"/v1/vector_stores/{key}/search", json={"query": "hotel"})
    assert reply.json()["error"]["code"] == "vector_store_expired"
    await owner.ok("POST", f"/v1/vector_stores/{key}", {"expires_after": None})
    assert len(await found(owner, key, "hotel")) == 1


async def test_a_reader_searches_and_changes_nothing(running_gateway: Gateway, owner: Client, person: Client) -> None:
    key = await store(owner)
    file_id = await attached(owner, key, HOTEL, "h.txt")
    async with aclosing(await running_gateway.person(f"reader-{uuid.uuid4().hex[:8]}@x.test")) as reader:
        me = (await reader.ok("GET", "/api/me"))["id"]
        readers = {"readers": [{"kind": "user", "id": me}]}
        await person.ok("PATCH", f"/api/collections/{uuid.UUID(key.removeprefix('vs_'))}", readers)
        assert len(await found(reader, key, "hotel")) == 1
        own = await uploaded(reader, PUMP)
        attempts = (
            reader.post(f"/v1/vector_stores/{key}", json={"name": "mine"}),
            reader.delete(f"/v1/vector_stores/{key}"),
            reader.post(f"/v1/vector_stores/{key}/files", json={"file_id": own}),
            reader.post(f"/v1/vector_stores/{key}/file_batches", json={"file_ids": [own]}),
            reader.post(f"/v1/vector_stores/{key}/files/{file_id}", json={"attributes": {}}),
            reader.delete(f"/v1/vector_stores/{key}/files/{file_id}"),
        )
        for attempt in attempts:
            assert (await attempt).json()["error"]["code"] == "not_allowed"
        assert (await reader.get(f"/v1/files/{file_id}")).status_code == 404
        theirs = await store(reader)
        reply = await reader.post(f"/v1/vector_stores/{theirs}/files", json={"file_id": file_id})
        assert reply.json()["error"]["code"] == "file_not_found"


async def test_values_that_databases_disagree_about_are_told_apart_before(owner: Client) -> None:
    key = await store(owner)
    path = f"/v1/vector_stores/{key}"
    zero = {"metadata": {"a": "\0"}}
    assert (await owner.post("/v1/vector_stores", json=zero)).status_code == 400
    assert (await owner.post(path, json={"name": "a\0b"})).status_code == 400
    for filters in ({"type": "eq", "key": "\0", "value": 1}, {"type": "eq", "key": "a", "value": "\0"}):
        assert (await owner.post(f"{path}/search", json={"query": "x", "filters": filters})).status_code == 400
    large = 10**25
    file_id = await attached(owner, key, HOTEL, "a.txt", n=large, m=2**53 - 1)
    above = {"type": "gte", "key": "n", "value": large}
    (hit,) = await found(owner, key, "hotel", filters=above)
    assert hit["file_id"] == file_id
    assert hit["attributes"] == {"n": float(large), "m": 2**53 - 1}
    for name in ("filter=%00", "after=%00", "limit=0", "limit=x", "order=up"):
        assert (await owner.get(f"{path}/files?{name}")).status_code == 400
    assert (await owner.get("/v1/files?purpose=%00")).status_code == 400
    assert (await owner.post("/v1/files", json={"purpose": "user_data"})).status_code in (400, 415)
    assert (await owner.get("/v1/vector_stores/%00")).status_code == 404
