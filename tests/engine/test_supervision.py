"""Engines that die, and an appliance that dies: nothing stays broken, nothing stays behind."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.process import ENGINE_ENVIRONMENT, ROOT, ApplianceProcess, alive, wait_until

pytestmark = [pytest.mark.engine, pytest.mark.timeout(400)]

CHAT = "smollm2-135m-instruct"


def engine_pid(product: ApplianceProcess, model: str) -> int:
    """The engine's own process, not its guard."""
    for pid in product.engine_pids():
        words = _words(pid)
        if b"--served-model-name" in words and model.encode() in words and b"guard.py" not in b" ".join(words[:3]):
            return pid
    raise AssertionError(f"no engine for {model}")


def test_an_engine_killed_in_mid_stream_gives_an_error_and_comes_back(product: ApplianceProcess) -> None:
    key = product.cli_json("keys", "create", "supervision")["key"]
    body = {
        "model": CHAT,
        "stream": True,
        "max_tokens": 2000,
        "messages": [{"role": "user", "content": "Write a long story about the sea."}],
    }
    call = urllib.request.Request(  # noqa: S310 - our own address
        f"{product.url}/v1/chat/completions",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    seen = []
    with urllib.request.urlopen(call, timeout=120) as reply:  # noqa: S310 - our own address
        for raw in reply:
            seen.append(raw.decode())
            if len(seen) == 20:
                os.kill(engine_pid(product, CHAT), signal.SIGKILL)
    text = "".join(seen)
    assert '"error"' in text
    assert "engine" in text.rsplit('"error"', 1)[1]
    wait_until(lambda: not product.is_ready(), 30, "the appliance noticed")
    wait_until(product.is_ready, 240, "the engine came back by itself")
    assert "140 euros" in product.cli("ask", "How much does the company pay per night for a hotel?")


def test_engines_listen_on_the_loopback_address_only(product: ApplianceProcess) -> None:
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        address, port = fields[1].split(":")
        if fields[3] == "0A" and int(port, 16) in _ports(product):
            assert address == "0100007F", f"port {int(port, 16)} listens on {address}"


@pytest.fixture
def one_engine(tmp_path: Path) -> Iterator[ApplianceProcess]:
    """A second appliance with one real engine; what it chats with is a stand-in, since two engines run already."""
    if not (ENGINE_ENVIRONMENT / "bin" / "python").exists():
        pytest.skip("SKIPPED: no engine environment")
    command = [sys.executable, "-m", "tests.fakes.engine"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as fake:
        assert fake.stdout is not None
        chat_url = fake.stdout.readline().strip()
        file = tmp_path / "one.toml"
        file.write_text(
            f'[[engines.models]]\nid = "{CHAT}"\nbase_urls = ["{chat_url}"]\n'
            '[[engines.models]]\nid = "multilingual-e5-small"\n'
        )
        running = ApplianceProcess(tmp_path / "data", {"APPLIANCE_CONFIG": str(file)})
        running.start()
        yield running
        running.stop()
        fake.terminate()


def test_an_appliance_that_is_killed_leaves_no_engine_behind(one_engine: ApplianceProcess) -> None:
    running = one_engine
    children = running.engine_pids()
    assert len(children) >= 2
    running.kill()
    wait_until(lambda: not any(alive(pid) for pid in children), 30, "guards and engines are gone")


def test_an_orderly_stop_leaves_nothing_behind(one_engine: ApplianceProcess) -> None:
    children = {pid: _words(pid) for pid in one_engine.engine_pids()}
    assert len(children) >= 2
    assert one_engine.stop() == 0
    assert [words for pid, words in children.items() if alive(pid)] == []


def _words(pid: int) -> list[bytes]:
    return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")


def _ports(product: ApplianceProcess) -> set[int]:
    found = set()
    for pid in product.engine_pids():
        words = _words(pid)
        if b"--port" in words:
            found.add(int(words[words.index(b"--port") + 1]))
    assert found
    return found
