"""Catalogue, command lines, back-off, the guard process, and model files."""

import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from appliance.inference import (
    Catalogue,
    Entry,
    GpuShare,
    InferenceSettings,
    ModelChoice,
    ModelFilesMissing,
    ModelStore,
    ModelUnknown,
    engine_command,
    guard,
)
from appliance.inference.backoff import delay_s
from appliance.inference.sse import data_lines
from tests.support.process import alive, wait_until

FOLDER = Path("/srv/appliance")
SETTINGS = InferenceSettings(engine_dir=FOLDER / "engine", model_dir=FOLDER / "models", log_dir=FOLDER / "logs")
CATALOGUE = Catalogue.load(Path("/nonexistent"))


@pytest.mark.parametrize("entry", CATALOGUE.all(), ids=lambda e: e.id)
def test_every_model_has_what_an_installation_needs(entry: Entry) -> None:
    assert entry.licence
    assert entry.card.startswith("https://")
    assert entry.parameters_billion > 0
    assert entry.weights_gib > 0
    assert entry.context_tokens >= (448 if entry.task == "transcribe" else 512)  # Whisper's decoder reads 448
    if entry.task == "embed":
        assert entry.dimension > 0
        assert entry.probe.embed is not None
    if entry.task == "chat":
        assert entry.probe.chat is not None


@pytest.mark.parametrize("entry", CATALOGUE.all(), ids=lambda e: e.id)
@pytest.mark.parametrize("gpu", [GpuShare((0,), 0.8, 19.2), None], ids=["gpu", "cpu"])
def test_every_model_s_command_is_closed_to_the_outside(entry: Entry, gpu: GpuShare | None) -> None:
    command = engine_command(entry, ModelChoice(entry.id), SETTINGS, port=9000, gpu=gpu, threads=2)
    words = list(command.argv)
    assert words[words.index("--host") + 1] == "127.0.0.1"
    assert words[words.index("--served-model-name") + 1] == entry.id
    assert ("--enforce-eager" in words) is (gpu is None)
    assert "--trust-remote-code" not in words
    assert command.environment["HF_HUB_OFFLINE"] == "1"
    assert command.environment["VLLM_NO_USAGE_STATS"] == "1"
    assert not any("APPLIANCE" in name for name in command.environment)


def test_an_unknown_model_is_named_with_the_nearest() -> None:
    with pytest.raises(ModelUnknown) as unknown:
        CATALOGUE.get("smollm2-135m")
    assert "smollm2-135m-instruct" in unknown.value.sentence()


def test_waiting_doubles_up_to_a_minute() -> None:
    assert [delay_s(n, jitter=0.0) for n in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert 0.8 <= delay_s(1) <= 1.2


async def test_event_lines_are_found_however_the_bytes_are_cut() -> None:
    raw = b'data: {"a": 1}\n\n: comment\n\ndata: {"b": "\xe6\x9d\xb1"}\r\n\r\ndata: [DONE]\n\n'

    async def one_by_one(size: int):  # type: ignore[no-untyped-def]
        for at in range(0, len(raw), size):
            yield raw[at : at + size]

    for size in (1, 2, 3, 7, len(raw)):
        found = [line async for line in data_lines(one_by_one(size))]
        assert found == [b'{"a": 1}', '{"b": "東"}'.encode(), b"[DONE]"]


SPAWNS = """
import subprocess, sys, time
HIDES = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"
child = subprocess.Popen([sys.executable, "-c", HIDES], start_new_session=True)
print(child.pid, flush=True)
time.sleep(600)
"""

HOLDS = """
import json, os, subprocess, sys, time
read, write = os.pipe()
command = [str(read) if word == "FD" else word for word in json.loads(sys.argv[1])]
subprocess.Popen(command, pass_fds=(read,), start_new_session=True)
time.sleep(600)
"""


def test_the_guard_takes_even_children_that_hid_in_a_session_of_their_own(tmp_path: Path) -> None:
    log = tmp_path / "engine.log"
    command = [sys.executable, guard.__file__, "FD", str(log), "--", sys.executable, "-c", SPAWNS]
    holder = [sys.executable, "-c", HOLDS, json.dumps(command)]
    with subprocess.Popen(holder) as process:
        wait_until(lambda: log.exists() and log.read_text().strip().isdigit(), 20, "the engine started its child")
        grandchild = int(log.read_text())
        assert alive(grandchild)
        process.kill()
    wait_until(lambda: not alive(grandchild), guard.GRACE_S + 10, "nothing is left")


def test_the_guard_stays_while_it_has_children_though_a_look_through_proc_missed_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(guard, "descendants", lambda of: [])  # as when the parent dies between two reads of the look
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as engine:
        assert guard._has_children(engine)
        engine.kill()
        wait_until(lambda: engine.poll() is not None, 10, "the child is gone")


def checkpoint(folder: Path) -> Path:
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "llama"}))
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(InferenceSettings(tmp_path / "engine", tmp_path / "models", tmp_path / "logs"))


def test_added_files_are_pinned_and_checked(tmp_path: Path, store: ModelStore) -> None:
    entry = CATALOGUE.get("smollm2-135m-instruct")
    manifest = store.add_folder(entry, checkpoint(tmp_path / "given"))
    assert manifest.files["model.safetensors"].sha256 == hashlib.sha256(b"weights").hexdigest()
    store.verify(entry.id)
    (store.folder(entry.id) / "model.safetensors").write_bytes(b"WEIGHTS")
    with pytest.raises(ModelFilesMissing, match="model.safetensors"):
        store.verify(entry.id)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "modeling.py", "weights.pkl"])
def test_files_that_could_carry_code_are_refused(tmp_path: Path, store: ModelStore, name: str) -> None:
    given = checkpoint(tmp_path / "given")
    (given / name).write_bytes(b"x")
    with pytest.raises(ModelFilesMissing, match="carry code"):
        store.add_folder(CATALOGUE.get("smollm2-135m-instruct"), given)
    assert not store.has("smollm2-135m-instruct")


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path, store: ModelStore) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelFilesMissing, match=r"config\.json"):
        store.add_folder(CATALOGUE.get("smollm2-135m-instruct"), tmp_path / "empty")


def test_a_guard_ends_with_its_engine(tmp_path: Path) -> None:
    began = time.monotonic()
    command = [
        sys.executable,
        guard.__file__,
        "0",
        str(tmp_path / "e.log"),
        "--",
        sys.executable,
        "-c",
        "raise SystemExit(3)",
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.wait(timeout=20) == 3
    assert time.monotonic() - began < 10
