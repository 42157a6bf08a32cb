"""Real office files: each ends with a state, and with a reason when not all of it was read."""

import json
from pathlib import Path

import pytest

from tests.support.gateway import Gateway

ENDED = ("indexed", "partial", "refused")


@pytest.mark.timeout(900)
async def test_every_office_file_ends_with_a_state_and_a_reason(shared: Path, running_gateway: Gateway) -> None:
    office = shared / "data" / "office"
    if not (office / "files").is_dir():
        pytest.skip(f"SKIPPED: there are no office files at {office}")
    facts = [json.loads(line) for line in (office / "facts.jsonl").read_text(encoding="utf-8").splitlines() if line]
    rejected = {fact["file"] for fact in facts if fact["kind"] == "reject"}
    files = sorted(file for file in (office / "files").rglob("*") if file.is_file())
    async with await running_gateway.operator() as client:
        key = await client.collection("Office files")
        for file in files:
            await client.upload(key, file.relative_to(office / "files").as_posix(), file.read_bytes())
        found = {d["path"]: d for d in await client.until_idle(key, timeout_s=800)}
    assert sorted(found) == [file.relative_to(office / "files").as_posix() for file in files]
    for path, document in found.items():
        assert document["state"] in ENDED, f"{path}: {document['state']}"
        assert document["reason"] or document["state"] == "indexed", f"{path}: {document['state']} without a reason"
    refused = {path for path, document in found.items() if document["state"] == "refused"}
    assert refused == rejected, {path: found[path]["reason"] for path in refused ^ rejected if path in found}
