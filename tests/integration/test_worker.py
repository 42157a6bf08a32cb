"""A gateway that takes in nothing and a worker that does: two processes, PostgreSQL, a Qdrant server, one folder."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

from tests.fakes import qdrant
from tests.fakes.engine import FakeEngine
from tests.support.databases import PostgresDatabases
from tests.support.gateway import CHAT_MODEL, EMBED_MODEL
from tests.support.process import ApplianceProcess, wait_until

SETTINGS = """
[index]
url = "{index}"
[documents]
parallel = 0
[[engines.models]]
id = "{chat}"
base_urls = ["{engine}"]
[[engines.models]]
id = "{embed}"
base_urls = ["{engine}"]
"""


async def test_a_worker_takes_in_what_the_gateway_accepts(
    postgres_databases: PostgresDatabases, engine: FakeEngine, tmp_path: Path
) -> None:
    database = postgres_databases.setting(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "rules.md").write_text("# Travel\n\nThe company pays up to 140 euros per night for a hotel.\n")
    async with qdrant.serving(tmp_path / "qdrant") as index:
        facts = {"index": index, "engine": engine.url, "chat": CHAT_MODEL, "embed": EMBED_MODEL}
        (tmp_path / "data" / "appliance.toml").write_text(SETTINGS.format(**facts))
        running = ApplianceProcess(tmp_path / "data", {"APPLIANCE_DATABASE_URL": database})  # it holds a password
        await asyncio.to_thread(together, running, tmp_path / "rules.md")


def together(running: ApplianceProcess, file: Path) -> None:
    """On a thread of its own: the stand-ins answer on the event loop meanwhile."""
    running.start()
    worker = None
    try:
        ingest = subprocess.Popen(
            [sys.executable, "-m", "appliance", "ingest", str(file), "--collection", "Rules"], env=running.environment
        )
        wait_until(lambda: states(running) == ["queued"], 30, "the gateway has accepted the file")
        worker = subprocess.Popen(
            [sys.executable, "-m", "appliance", "worker"], env=running.environment, cwd=running.data
        )
        assert ingest.wait(timeout=60) == 0
        assert states(running) == ["indexed"]
        assert "140 euros" in running.cli("search", "hotel per night")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=30) == 0
    finally:
        if worker is not None and worker.poll() is None:
            worker.kill()
        running.stop()


def states(running: ApplianceProcess) -> list[str]:
    """Of all documents, by what `collections list` counts."""
    found = []
    for collection in running.cli_json("collections", "list"):
        counts = collection["counts"]
        found += ["indexed"] * counts["indexed"] + ["queued"] * counts["processing"]
    return found


async def test_a_worker_alone_is_refused_with_the_way_out(tmp_path: Path) -> None:
    running = ApplianceProcess(tmp_path / "data")
    said = await asyncio.to_thread(running.cli, "worker", code=1)
    assert "database.url" in said
    assert "appliance up" in said
