"""Every command line of the catalogue, judged by vLLM's own argument parser: GPU flags too, without a GPU."""

import json
import subprocess
from pathlib import Path

import pytest

from appliance.inference import Catalogue, Gpu, InferenceSettings, ModelChoice, engine_command
from appliance.inference.gpus import share_gpus
from tests.support.process import ENGINE_ENVIRONMENT, ENGINE_MODELS

pytestmark = pytest.mark.engine


def judge(commands: list[list[str]]) -> dict[str, str]:
    """What vLLM refuses, by place in the list."""
    done = subprocess.run(
        [ENGINE_ENVIRONMENT / "bin" / "python", Path(__file__).with_name("parse_commands.py")],
        input=json.dumps(commands),
        capture_output=True,
        text=True,
        timeout=110,
        check=True,
    )
    found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_vllm_takes_the_command_line_of_every_model(tmp_path: Path) -> None:
    settings = InferenceSettings(ENGINE_ENVIRONMENT, ENGINE_MODELS, tmp_path)
    entries = Catalogue.load(ENGINE_MODELS).all()
    commands = []
    for entry in entries:
        for share in (share_gpus([entry], [Gpu(i, 141.0) for i in range(entry.gpus)])[entry.id], None):
            command = engine_command(entry, ModelChoice(entry.id), settings, port=9000, gpu=share, threads=2)
            commands.append(list(command.argv[3:]))  # without `python -m MODULE`
    assert {entries[int(at) // 2].id: why for at, why in judge(commands).items()} == {}
    assert len(entries) >= 14


def test_the_judge_can_say_no() -> None:
    refused = judge([["--model", "x", "--no-such-flag"], ["--model", "x", "--tool-call-parser", "nobody"]])
    assert set(refused) == {"0", "1"}
