"""A gateway that is killed twice in the middle of a batch: every line stands once, and no kept result is made again."""

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

from tests.fakes.engine import FakeEngine
from tests.fakes.engine import serving as serving_engine
from tests.support.gateway import CHAT_MODEL, EMBED_MODEL
from tests.support.process import ApplianceProcess, wait_until

LINES, PARALLEL = 120, 4
SETTINGS = """
[batches]
parallel = {parallel}
[[engines.models]]
id = "{chat}"
base_urls = ["{engine}"]
[[engines.models]]
id = "{embed}"
base_urls = ["{engine}"]
"""


async def test_a_kill_in_the_middle_of_a_batch_loses_and_doubles_nothing(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    async with serving_engine(FakeEngine(delay_s=0.01)) as engine:
        facts = {"parallel": PARALLEL, "chat": CHAT_MODEL, "embed": EMBED_MODEL, "engine": engine.url}
        (tmp_path / "data" / "appliance.toml").write_text(SETTINGS.format(**facts))
        running = ApplianceProcess(tmp_path / "data")
        try:
            output = await asyncio.to_thread(killed_twice, running)
        finally:
            await asyncio.to_thread(running.stop)
    assert sorted(line["custom_id"] for line in output) == sorted(f"c{n}" for n in range(LINES))
    assert {line["response"]["status_code"] for line in output} == {200}
    asked = Counter(chat["messages"][-1]["content"] for chat in engine.chats)
    assert len([n for n in range(LINES) if asked[f"line {n}"]]) == LINES
    twice = sum(asked[f"line {n}"] - 1 for n in range(LINES))
    assert twice <= 2 * PARALLEL, "more was run again than was in work when the process was killed"


def killed_twice(running: ApplianceProcess) -> list[dict[str, Any]]:
    """On a thread of its own: the stand-in answers on the event loop meanwhile."""
    running.start()
    key = running.cli_json("keys", "create", "batch")["key"]
    lines = b"".join(json.dumps(line(n)).encode() + b"\n" for n in range(LINES))
    with httpx.Client(base_url=running.url, headers={"Authorization": f"Bearer {key}"}, trust_env=False) as client:
        file = client.post("/v1/files", files={"file": ("in.jsonl", lines)}, data={"purpose": "batch"}).json()
        asked = {"input_file_id": file["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h"}
        path = f"/v1/batches/{client.post('/v1/batches', json=asked).json()['id']}"

        def finished() -> int:
            return int(client.get(path).json()["request_counts"]["completed"])

        for share in (LINES // 4, LINES // 2):
            wait_until(lambda share=share: finished() >= share, 60, f"{share} lines have a result")
            running.kill()
            running.start()
            assert finished() >= share, "a result that was told is gone"
        wait_until(lambda: client.get(path).json()["status"] == "completed", 60, "the batch is completed")
        done = client.get(path).json()
        assert done["request_counts"] == {"total": LINES, "completed": LINES, "failed": 0}
        assert done["error_file_id"] is None
        content = client.get(f"/v1/files/{done['output_file_id']}/content").text
    return [json.loads(one) for one in content.splitlines()]


def line(number: int) -> dict[str, Any]:
    body = {"model": CHAT_MODEL, "messages": [{"role": "user", "content": f"line {number}"}], "max_tokens": 5}
    return {"custom_id": f"c{number}", "method": "POST", "url": "/v1/chat/completions", "body": body}
