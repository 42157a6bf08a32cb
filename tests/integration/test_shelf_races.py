"""Several people and workers at the same moment, on the real database."""

import asyncio
import uuid

from appliance.library.models import CollectionRow, DocumentRow, VersionRow
from appliance.storage import StoredFile
from tests.support.gateway import Gateway

ROUNDS = 15


def stored(text: str) -> StoredFile:
    return StoredFile(f"{uuid.uuid5(uuid.NAMESPACE_OID, text).hex:0>64}", 10)


async def new_collection(gateway: Gateway) -> uuid.UUID:
    async with await gateway.operator() as client:
        return uuid.UUID(await client.collection(f"r-{uuid.uuid4().hex}"))


async def taken(gateway: Gateway, collection: uuid.UUID, path: str, text: str) -> tuple[uuid.UUID, uuid.UUID]:
    """(document, version) of a version in work, which nobody but the test works on."""
    made = await gateway.parts.documents._documents.register(collection, path, stored(text))
    assert await gateway.parts.jobs._log.take(made.version_id) is not None
    return made.document_id, made.version_id


async def row_of(gateway: Gateway, version: uuid.UUID) -> VersionRow:
    async with gateway.parts.database.read() as session:
        return await session.get_one(VersionRow, version)


async def test_uploads_of_one_path_at_the_same_moment_are_versions_or_unchanged(running_gateway: Gateway) -> None:
    collection = await new_collection(running_gateway)
    documents = running_gateway.parts.documents._documents
    for number in range(ROUNDS):
        path = f"same-{number}.txt"
        found = await asyncio.gather(
            *(documents.register(collection, path, stored(f"{number}-{text}")) for text in ("a", "b", "b", "c"))
        )
        assert len({r.document_id for r in found}) == 1
        assert {r.outcome for r in found} <= {"queued", "unchanged"}
        async with running_gateway.parts.database.read() as session:
            document = await session.get_one(DocumentRow, found[0].document_id)
            states = [(await session.get_one(VersionRow, v)).state for v in {r.version_id for r in found}]
            assert document.latest_version_id in {r.version_id for r in found}
        assert states.count("queued") + states.count("processing") <= 1
        await documents.delete(found[0].document_id)


async def test_a_newer_upload_at_the_moment_of_publishing_loses_neither(running_gateway: Gateway) -> None:
    collection = await new_collection(running_gateway)
    documents, worker = running_gateway.parts.documents._documents, running_gateway.parts.jobs._log
    for number in range(ROUNDS):
        path = f"newer-{number}.txt"
        document, first = await taken(running_gateway, collection, path, f"{number}-old")
        published, second = await asyncio.gather(
            worker.publish(first, reason=""), documents.register(collection, path, stored(f"{number}-new"))
        )
        old = await row_of(running_gateway, first)
        assert (old.state, old.unpublished_points) == (("indexed", False) if published else ("retired", True))
        assert (await row_of(running_gateway, second.version_id)).number == 2
        await documents.delete(document)


async def test_a_deletion_at_the_moment_of_publishing_wins(running_gateway: Gateway) -> None:
    collection = await new_collection(running_gateway)
    documents, worker = running_gateway.parts.documents._documents, running_gateway.parts.jobs._log
    for number in range(ROUNDS):
        document, version = await taken(running_gateway, collection, f"gone-{number}.txt", f"{number}-gone")
        await asyncio.gather(worker.publish(version, reason=""), documents.delete(document))
        async with running_gateway.parts.database.read() as session:
            row = await session.get(VersionRow, version)  # None: the sweep was quick
        assert row is None or (row.state, row.unpublished_points) == ("retired", True)


async def test_a_deleted_collection_leaves_no_rows_and_no_bytes(running_gateway: Gateway) -> None:
    parts = running_gateway.parts
    async with await running_gateway.operator() as client:
        full, empty = await client.collection(f"f-{uuid.uuid4().hex}"), await client.collection(f"e-{uuid.uuid4().hex}")
        text = f"Only here stands {uuid.uuid4().hex}.".encode()
        made = await client.upload(full, "only.txt", text)
        await client.until_idle(full)
        versions = (await client.ok("GET", f"/api/documents/{made['document']['id']}"))["versions"]
        for key in (full, empty):
            await client.ok("DELETE", f"/api/collections/{key}")
    while await parts.jobs._ingest.sweep():
        pass
    async with parts.database.read() as session:
        assert await session.get(CollectionRow, uuid.UUID(full)) is None
        assert await session.get(CollectionRow, uuid.UUID(empty)) is None
        assert await session.get(DocumentRow, uuid.UUID(made["document"]["id"])) is None
    assert not parts.documents._files.path(versions[0]["sha256"]).exists()
