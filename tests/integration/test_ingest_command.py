"""`appliance ingest`: every file of a folder ends, none is lost silently, none keeps another from going."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.gateway import Gateway

pytestmark = pytest.mark.any_database


async def ingest(gateway: Gateway, key: str, *arguments: str) -> tuple[int, Any, str]:
    """(exit code, what `--json` printed, what stood on stderr)."""
    environment = {**os.environ, "APPLIANCE_URL": gateway.url, "APPLIANCE_API_KEY": key}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "appliance", "ingest", *arguments, "--json",
        env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode or 0, json.loads(out) if out else None, err.decode()


async def new_key(gateway: Gateway, email: str) -> str:
    person = await gateway.person(email)
    made = await person.ok("POST", "/api/keys", {"name": "test", "expires_in_days": 1})
    await person.aclose()
    return str(made["key"])


async def test_every_file_ends_and_none_is_lost(running_gateway: Gateway, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    (folder / "deep").mkdir(parents=True)
    (folder / "good.md").write_text("# Parking\n\nThe gate code is 7731.\n")
    (folder / "deep" / "also good.txt").write_text("Visitors park on level minus two.")
    (folder / "empty.txt").write_bytes(b"")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\nbroken")
    (folder / "bad\x01name.txt").write_text("The door of this name is closed.")
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.txt")).write_text("The café opens at nine.")
    (folder / ".hidden").write_text("not taken")
    key = await new_key(running_gateway, "ingest-1@example.org")
    code, results, errors = await ingest(running_gateway, key, str(folder), "--collection", "Ingest 1")
    assert code == 0, errors
    states = {r["path"]: r["state"] for r in results}
    assert states == {
        "bad\x01name.txt": "refused",
        "broken.pdf": "refused",
        "caf\ufffd.txt": "indexed",
        "deep/also good.txt": "indexed",
        "empty.txt": "refused",
        "good.md": "indexed",
    }
    assert all(r["reason"] for r in results if r["state"] == "refused")


async def test_the_same_folder_again_is_no_work(running_gateway: Gateway, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# One\n\nThe first text.\n")
    (tmp_path / "b.md").write_text("# Two\n\nThe second text.\n")
    key = await new_key(running_gateway, "ingest-2@example.org")
    await ingest(running_gateway, key, str(tmp_path), "--collection", "Ingest 2")
    (tmp_path / "b.md").write_text("# Two\n\nThe second text, changed.\n")
    _, results, _ = await ingest(running_gateway, key, str(tmp_path), "--collection", "Ingest 2")
    assert {r["path"]: r["outcome"] for r in results} == {"a.md": "unchanged", "b.md": "queued"}
    assert {r["path"]: r["version_number"] for r in results} == {"a.md": 1, "b.md": 2}


async def test_a_collection_of_somebody_else_is_refused_at_once(running_gateway: Gateway, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# One\n\nThe first text.\n")
    async with await running_gateway.operator() as operator:
        await operator.collection("Ingest 3", [{"kind": "everyone"}])
    key = await new_key(running_gateway, "ingest-3@example.org")
    code, printed, _ = await ingest(running_gateway, key, str(tmp_path), "--collection", "Ingest 3")
    assert code == 1
    assert "owner" in printed["error"]["message"]


async def test_nobody_there_is_said_with_the_way_out(running_gateway: Gateway, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# One\n\nThe first text.\n")
    nobody = Gateway(running_gateway.parts, "http://127.0.0.1:9")
    code, printed, _ = await ingest(nobody, "pma_x", str(tmp_path), "--collection", "Ingest 4")
    assert code == 1
    assert "appliance up" in printed["error"]["remedy"]
