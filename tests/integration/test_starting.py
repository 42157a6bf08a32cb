"""What a person reads when the appliance cannot start: the cause and the way out, before anything is made."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.engine import FakeEngine
from tests.support.process import ApplianceProcess

REMOTE = """
[[engines.models]]
id = "smollm2-135m-instruct"
base_urls = ["{engine}"]
[[engines.models]]
id = "multilingual-e5-small"
base_urls = ["{engine}"]
"""


def appliance_in(folder: Path, engine: FakeEngine) -> ApplianceProcess:
    folder.mkdir()
    (folder / "appliance.toml").write_text(REMOTE.format(engine=engine.url))
    return ApplianceProcess(folder)


def failed(running: ApplianceProcess, command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "appliance", command],
        env=running.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("command", ["up", "start"])
async def test_an_address_that_is_taken_is_named(tmp_path: Path, engine: FakeEngine, command: str) -> None:
    running = appliance_in(tmp_path / "data", engine)
    with socket.create_server(("127.0.0.1", running.port)):
        said = await asyncio.to_thread(failed, running, command)
    assert str(running.port) in said
    assert "APPLIANCE_PORT" in said
    assert not (running.data / "appliance.db").exists(), "nothing was made"


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    running = ApplianceProcess(tmp_path / "file" / "data")
    said = await asyncio.to_thread(failed, running, "up")
    assert str(tmp_path / "file" / "data") in said
    assert "APPLIANCE_DATA_DIR" in said


async def test_a_second_one_on_the_folder_is_refused_and_the_first_goes_on(tmp_path: Path, engine: FakeEngine) -> None:
    running = appliance_in(tmp_path / "data", engine)
    await asyncio.to_thread(running.start)
    try:
        second = ApplianceProcess(running.data)
        said = await asyncio.to_thread(failed, second, "up")
        assert "running" in said
        assert await asyncio.to_thread(running.is_ready)
    finally:
        assert await asyncio.to_thread(running.stop) == 0
    assert not (running.data / "run" / "operator.json").exists()


async def test_the_job_store_is_opened_with_the_first_document(tmp_path: Path, engine: FakeEngine) -> None:
    running, folder = appliance_in(tmp_path / "data", engine), tmp_path / "files"
    folder.mkdir()

    def drivers() -> bool:
        assert running.process is not None
        return "psycopg" in Path(f"/proc/{running.process.pid}/maps").read_text()

    for number in ("one", "two"):
        await asyncio.to_thread(running.start)
        try:
            assert not drivers(), "a gateway at rest pays for the job store"
            (folder / f"{number}.txt").write_text(f"The gate code is {number}.")
            said = await asyncio.to_thread(running.cli_json, "ingest", str(folder), "--collection", "Gates")
            assert {r["path"]: r["state"] for r in said}[f"{number}.txt"] == "indexed"
            assert drivers()
        finally:
            assert await asyncio.to_thread(running.stop) == 0


async def test_it_ends_in_order_on_a_signal(tmp_path: Path, engine: FakeEngine) -> None:
    running = appliance_in(tmp_path / "data", engine)
    await asyncio.to_thread(running.start)
    assert running.process is not None
    os.kill(running.process.pid, signal.SIGINT)
    assert await asyncio.to_thread(running.process.wait, 30) == 0
