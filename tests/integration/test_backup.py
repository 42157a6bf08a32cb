"""A backup of a gateway that works: what was acknowledged before is in it, nothing is half in, all comes back."""

import asyncio
import json
import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from sqlalchemy import text

from appliance.audit.verify import verify as look_at_chain
from appliance.backup import BackupManifest, BackupRefused, Backups, Places, create, restore, verify
from appliance.backup.postgres import drop_database, scratch_database
from appliance.backup.postgres import tables_of as tables_on_server
from appliance.backup.sqlite import tables_of as tables_in_file
from appliance.configuration import audit_settings, inference_settings
from appliance.index import EdgeIndex
from appliance.storage import Database, StorageSettings
from tests.support.gateway import Client, Gateway
from tests.support.postgres import PROGRAMS

RULES = "# Travel\n\nThe company pays up to {0} euros per night for a hotel in town {0}.\n"
MOST = 60
OTHERS = ("users", "groups", "memberships", "conversations", "turns", "versions", "collection_readers", "audit_events")


def silent(_: str) -> None:
    """Progress that nobody reads."""


def places_of(running: Gateway) -> Places:
    settings = running.parts.settings
    return Places(
        settings.data, settings.database.url, audit_settings(settings).folder, inference_settings(settings).model_dir
    )


def empty_places(folder: Path, live: Places) -> Places:
    """A host with nothing on it."""
    url = ""
    if live.database_url:
        name = f"restored_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(live.database_url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        url = urlsplit(live.database_url)._replace(path=f"/{name}").geturl()
    data = folder / "restored"
    return Places(data, url, data / "audit", data / "models")


async def filled(running: Gateway) -> dict[str, Any]:
    """Somebody with a group, a collection with a document in three versions, and a conversation."""
    name = uuid.uuid4().hex[:10]
    async with await running.operator() as operator:
        await operator.ok("POST", "/api/groups", {"name": f"g-{name}"})
        group = next(g["id"] for g in await operator.ok("GET", "/api/groups") if g["name"] == f"g-{name}")
    person = await running.person(f"{name}@example.org", groups=(group,))
    key = await person.collection(f"c-{name}", [{"kind": "group", "id": group}])
    for price in (140, 150, 160):
        document = (await person.upload(key, "rules.md", RULES.format(price).encode()))["document"]["id"]
        await person.until_idle(key)
    talk = (await person.ok("POST", "/api/conversations", {}))["id"]
    await person.events("POST", f"/api/conversations/{talk}/turns", {"question": "How much for a hotel?"})
    await person.aclose()
    return {"collection": key, "document": document, "name": name}


async def uploads(client: Client, key: str, acknowledged: list[tuple[float, str]], stop: asyncio.Event) -> None:
    """One document after the other; when each was acknowledged."""
    while not stop.is_set() and (at := len(acknowledged)) < MOST:
        made = await client.upload(key, f"d{at}.md", RULES.format(at).encode())
        acknowledged.append((time.time(), made["document"]["id"]))
        await asyncio.sleep(0.02)


@pytest.fixture(scope="module")
def programs() -> Iterator[None]:
    """`pg_dump` and `pg_restore` of the server's own version come first."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}")
        yield


@pytest.fixture(scope="module")
async def backup(
    running_gateway: Gateway, tmp_path_factory: pytest.TempPathFactory, programs: None
) -> tuple[Backups, BackupManifest, Any]:
    """Made while somebody uploads."""
    facts = await filled(running_gateway)
    backups, stop = Backups(tmp_path_factory.mktemp("backups")), asyncio.Event()
    acknowledged: list[tuple[float, str]] = []
    async with await running_gateway.operator() as operator:
        key = await operator.collection(f"busy-{facts['name']}")
        uploading = asyncio.create_task(uploads(operator, key, acknowledged, stop))
        while len(acknowledged) < 10:
            await asyncio.sleep(0.01)
        places = places_of(running_gateway)
        manifest = await asyncio.to_thread(create, places, backups, recipients=None, keep=2, progress=silent)
        stop.set()
        await uploading
        await operator.until_idle(key)
    return backups, manifest, facts | {"acknowledged": acknowledged}


async def rows(places: Places, query: str) -> list[tuple[Any, ...]]:
    url = places.database_url.replace("postgresql://", "postgresql+psycopg://", 1)
    settings = StorageSettings(url or f"sqlite+aiosqlite:///{places.sqlite_file}", places.files)
    database = Database(settings)
    try:
        async with database.read() as session:
            return [tuple(row) for row in (await session.execute(text(query))).all()]
    finally:
        await database.close()


async def test_all_comes_back_to_an_empty_host(
    running_gateway: Gateway, backup: tuple[Backups, BackupManifest, Any], tmp_path: Path
) -> None:
    backups, manifest, facts = backup
    new = empty_places(tmp_path, places_of(running_gateway))
    verify(backups, "")
    began = time.monotonic()
    await asyncio.to_thread(restore, backups, "", new, identity=None, progress=silent)
    print(f"\nRTO {time.monotonic() - began:.2f} s, pause {manifest.pause_s * 1000:.0f} ms")
    found = tables_on_server(new.database_url) if new.database_url else tables_in_file(new.sqlite_file)
    assert found == manifest.tables
    assert all(found[name].rows for name in OTHERS)

    there = {str(row[0]).replace("-", "") for row in await rows(new, "SELECT id FROM documents")}
    before = [document for at, document in facts["acknowledged"] if at < manifest.point.timestamp()]
    assert len(before) >= 10
    assert {document.replace("-", "") for document in before} <= there
    assert facts["document"].replace("-", "") in there

    with pytest.raises(BackupRefused):
        await asyncio.to_thread(restore, backups, "", new, identity=None, progress=silent)


async def test_each_published_version_has_its_passages_and_each_row_its_file(
    running_gateway: Gateway, backup: tuple[Backups, BackupManifest, Any], tmp_path: Path
) -> None:
    backups, _, _ = backup
    new = empty_places(tmp_path, places_of(running_gateway))
    await asyncio.to_thread(restore, backups, "", new, identity=None, progress=silent)
    index = EdgeIndex(new.index)
    try:
        spaces = [note.parent.name for note in new.index.glob("*/space.json")]
        query = "SELECT v.id, (SELECT count(*) FROM passages p WHERE p.version_id = v.id) FROM versions v "
        published = await rows(new, query + "JOIN documents d ON d.current_version_id = v.id")
        assert published
        for version, count in published:
            counts = [await index.count(space, uuid.UUID(str(version))) for space in spaces]
            assert sum(counts) == count
    finally:
        await index.close()
    names = {path.name for path in new.files.glob("??/??/*")}
    wanted = await rows(new, "SELECT sha256 FROM versions")
    assert {row[0] for row in wanted} <= names


async def test_the_audit_is_whole_where_it_was_restored(
    running_gateway: Gateway, backup: tuple[Backups, BackupManifest, Any], tmp_path: Path
) -> None:
    backups, manifest, _ = backup
    new = empty_places(tmp_path, places_of(running_gateway))
    await asyncio.to_thread(restore, backups, "", new, identity=None, progress=silent)
    url = new.database_url.replace("postgresql://", "postgresql+psycopg://", 1)
    database = Database(StorageSettings(url or f"sqlite+aiosqlite:///{new.sqlite_file}", new.files))
    try:
        report = await look_at_chain(database, [new.audit])
    finally:
        await database.close()
    assert report.is_whole, report.findings
    assert (report.last_seq, report.head) == (manifest.audit_seq, manifest.audit_hash)


def test_the_manifest_says_what_is_in_it(backup: tuple[Backups, BackupManifest, Any]) -> None:
    backups, manifest, _ = backup
    written = json.loads((backups.path("") / "manifest.json").read_text())
    assert written["audit_seq"] == manifest.audit_seq > 0
    assert written["left_out"] == ["secrets"]


async def test_a_scratch_database_that_an_administrator_made_is_taken(running_gateway: Gateway) -> None:
    url = running_gateway.parts.settings.database.url
    if not url:
        return
    for _ in range(2):  # made by the role, then found
        name, address = scratch_database(url)
        assert name == f"{urlsplit(url).path[1:]}_drill"
        assert tables_on_server(address) == {}
    drop_database(url, name)
