"""The disk of the data folder fills up while people give documents and ask: a small disk in memory, with the database
elsewhere, as on several hosts.
"""

import asyncio
import contextlib
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.engine import FakeEngine, serving
from tests.support.databases import PostgresDatabases
from tests.support.gateway import Client, gateway, settings_for

ROOM_MIB = 320


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    if os.geteuid() != 0:
        pytest.skip("SKIPPED: a small disk is mounted, which needs root")
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM_MIB}m,mode=0700", "small", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_full_disk_takes_no_document_and_costs_none(small_disk: Path, postgres_databases: PostgresDatabases) -> None:
    data = small_disk / "data"
    data.mkdir()
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:  # one process runs one job store
        seen = process.submit(_run, str(data), postgres_databases.setting(data)).result()
    assert seen.refused == (507, "disk_full")
    assert seen.last_event == "finished", "there is still room for what is used"
    assert {i["name"] for i in seen.items} == {*seen.taken, "after.md"}
    assert {i["state"] for i in seen.items} == {"indexed"}


@dataclass(frozen=True)
class Seen:
    taken: list[str]
    refused: tuple[int, str]
    last_event: str
    items: list[Any]


def _run(data: str, database: str) -> Seen:
    return asyncio.run(fill_while_people_work(Path(data), database))


async def fill_while_people_work(data: Path, database: str) -> Seen:
    filler = data.parent / "filler"
    async with serving(FakeEngine()) as engine:
        settings = settings_for(data, engine.url, engine.url, database)
        async with gateway(settings) as running, await running.operator() as client:
            key = await client.collection("notes")
            taken: list[str] = []
            giving = asyncio.create_task(give(client, key, taken))
            while len(taken) < 5:
                await asyncio.sleep(0.05)
            await asyncio.to_thread(fill, filler)  # while documents are taken and read
            refused = await asyncio.wait_for(giving, 60)
            asked = await client.events("POST", "/api/ask", {"question": "Hello", "assistant_id": "assistant"})
            filler.unlink()
            await client.upload(key, "after.md", b"# After\n\nThere is room again.\n")
            return Seen(taken, refused, asked[-1][0], await client.until_idle(key))


async def give(client: Client, key: str, taken: list[str]) -> tuple[int, str]:
    """Documents, until one is refused: its status and code."""
    while True:
        name = f"note-{len(taken)}.md"
        body = {"file": (name, f"# Note {len(taken)}\n\nAll is well, for the {len(taken)}th time.\n".encode())}
        reply = await client.post(f"/api/collections/{key}/documents", files=body, data={"path": name})
        if not reply.is_success:
            return reply.status_code, str(reply.json()["error"]["code"])
        taken.append(name)


def fill(filler: Path) -> None:
    """To the last byte."""
    piece = bytes(1 << 20)
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as out:
        while out.write(piece):
            pass
