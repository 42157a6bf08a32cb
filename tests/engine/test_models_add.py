"""`appliance models add`, with the hub's own client in the engine environment against a hub on this machine."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.checkpoints import CHAT, EMBED, write_checkpoint
from tests.support.hub import COMMIT, FakeHub, serving_hub
from tests.support.process import ENGINE_ENVIRONMENT

pytestmark = pytest.mark.engine


def files_of(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def run(tmp_path: Path, *arguments: str, hub: FakeHub | None = None) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "APPLIANCE_DATA_DIR": str(tmp_path / "data"),
        "APPLIANCE_ENGINES_ENVIRONMENT_DIR": str(ENGINE_ENVIRONMENT),
        "APPLIANCE_ENGINES_MODEL_DIR": str(tmp_path / "models"),
        "HF_ENDPOINT": hub.url if hub else "http://127.0.0.1:9",
        "HF_HOME": str(tmp_path / "hub-cache"),
    }
    return subprocess.run(
        [sys.executable, "-m", "appliance", *arguments], env=environment, capture_output=True, text=True, check=False
    )


def test_a_repository_of_the_hub_is_pinned_and_described(tmp_path: Path) -> None:
    given = write_checkpoint(tmp_path / "given", CHAT)
    (given / "pytorch_model.bin").write_bytes(b"pickle")
    with serving_hub({"acme/Tiny-Chat": files_of(given)}) as hub:
        done = run(tmp_path, "models", "add", "acme/Tiny-Chat", hub=hub)
    assert done.returncode == 0, done.stderr
    manifest = json.loads((tmp_path / "models" / "tiny-chat" / "appliance-manifest.json").read_text())
    assert manifest["revision"] == COMMIT
    assert set(manifest["files"]) == {"config.json", "model.safetensors", "tokenizer.json", "README.md"}
    assert not any("pytorch_model.bin" in asked for asked in hub.asked)
    listed = json.loads(run(tmp_path, "models", "list", "--json").stdout)
    assert [m["on_this_machine"] for m in listed if m["id"] == "tiny-chat"] == [True]
    assert "as they were" in run(tmp_path, "models", "verify", "tiny-chat").stdout


def test_a_repository_that_the_catalogue_knows_gets_its_entry(tmp_path: Path) -> None:
    given = write_checkpoint(tmp_path / "given", CHAT)
    with serving_hub({"Qwen/Qwen3-8B": files_of(given)}) as hub:
        done = run(tmp_path, "models", "add", "Qwen/Qwen3-8B", "--revision", COMMIT, hub=hub)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "models" / "qwen3-8b" / "config.json").is_file()
    assert not (tmp_path / "models" / "qwen3-8b.toml").exists()


def test_a_folder_is_taken_and_code_in_it_refused(tmp_path: Path) -> None:
    given = write_checkpoint(tmp_path / "Our Embedder", EMBED)
    (given / "modules.json").write_text("[]")
    done = run(tmp_path, "models", "add", str(given), "--id", "ours", "--query-prefix", "query: ")
    assert done.returncode == 0, done.stderr
    assert 'query_prefix = "query: "' in (tmp_path / "models" / "ours.toml").read_text()
    (given / "modeling.py").write_text("")
    refused = run(tmp_path, "models", "add", str(given), "--id", "other")
    assert refused.returncode == 1
    assert "could carry code" in refused.stderr
    assert not (tmp_path / "models" / "other.toml").exists()


def test_what_is_neither_is_answered_with_the_way_out(tmp_path: Path) -> None:
    unknown = run(tmp_path, "models", "add", "qwen3-8")
    assert unknown.returncode == 1
    assert "qwen3-8b" in unknown.stderr
    with serving_hub({}) as hub:
        missing = run(tmp_path, "models", "add", "acme/nothing", hub=hub)
    assert missing.returncode == 1
    assert "acme/nothing" in missing.stderr
    taken = write_checkpoint(tmp_path / "qwen3-8b", CHAT)
    collision = run(tmp_path, "models", "add", str(taken))
    assert collision.returncode == 1
    assert "--id" in collision.stderr
