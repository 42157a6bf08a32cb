"""Engines in the chart are started as `appliance/inference/command.py` starts them, and judged by the right answer."""

import json
import os
import sys
from asyncio import create_subprocess_exec, subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from appliance.inference import Catalogue, GpuShare, InferenceSettings, ModelChoice, engine_command
from tests.fakes.engine import FakeEngine, serving
from tests.support.chart import CHART, RELEASE, named, of_kind, pods, render

SETTINGS = InferenceSettings(Path("/engine"), Path("/var/lib/appliance-models"), Path("/var/cache/logs"))
ELSEWHERE = {"PATH", "HOME", "VLLM_CACHE_ROOT", "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "OMP_NUM_THREADS"}
"""What depends on where it runs; a pod sees only its own GPUs."""


def engine_of(values: str, name: str) -> dict[str, Any]:
    (container,) = named(render(values), "StatefulSet", name)["spec"]["template"]["spec"]["containers"]
    return dict(container)


def pairs(argv: list[str]) -> dict[str, str]:
    """Flags with their values; those of the address aside."""
    found = {}
    for at, word in enumerate(argv):
        if word.startswith("--"):
            after = argv[at + 1] if at + 1 < len(argv) and not argv[at + 1].startswith("--") else ""
            found[word] = after
    return {k: v for k, v in found.items() if k not in {"--host", "--port", "--shutdown-timeout"}}


def test_an_engine_without_gpu_starts_as_on_a_host() -> None:
    entry = Catalogue.load().get("multilingual-e5-small")
    ours = engine_command(entry, ModelChoice(entry.id), SETTINGS, port=8101, gpu=None, threads=2)
    container = engine_of("ci", f"{RELEASE}-engine-{entry.id}")
    assert pairs(container["args"]) == pairs(list(ours.argv[3:]))
    given = {v["name"]: v.get("value") for v in container["env"]}
    for name, value in ours.environment.items():
        if name not in ELSEWHERE:
            assert given[name] == value, name


def test_an_engine_on_gpus_starts_as_on_a_host() -> None:
    entry = Catalogue.load().get("qwen3-32b")
    share = GpuShare((0, 1), 0.92, 147.2)
    ours = pairs(list(engine_command(entry, ModelChoice(entry.id), SETTINGS, port=8101, gpu=share, threads=2).argv[3:]))
    container = engine_of("ha", "chat-engine-qwen3-32b")
    given = pairs(container["args"])
    for flag in ("--gpu-memory-utilization", "--tensor-parallel-size", "--model", "--scheduling-policy"):
        assert given[flag] == ours[flag], flag
    assert "--enforce-eager" not in given
    assert container["resources"]["limits"]["nvidia.com/gpu"] == 2
    assert container["resources"]["requests"]["nvidia.com/gpu"] == 2


def test_the_model_volume_is_read_only_and_shared_memory_is_there() -> None:
    for values in ("ci", "small", "ha"):
        for pod in pods(render(values)):
            if pod.labels["app.kubernetes.io/component"] != "engines":
                continue
            (container,) = pod.containers
            mounts = {m["mountPath"]: m for m in container["volumeMounts"]}
            assert mounts["/var/lib/appliance-models"]["readOnly"] is True
            volumes = {v["name"]: v for v in pod.spec["volumes"]}
            assert volumes["models"]["persistentVolumeClaim"]["readOnly"] is True
            assert volumes[mounts["/dev/shm"]["name"]]["emptyDir"]["medium"] == "Memory"  # noqa: S108 - a mount of a pod


def test_adapters_are_loaded_only_where_they_may_be() -> None:
    with_them = engine_of("small", f"{RELEASE}-engine-qwen3-8b")
    without = engine_of("small", f"{RELEASE}-engine-multilingual-e5-small")
    assert "--enable-lora" in with_them["args"]
    assert any(v["name"] == "VLLM_ALLOW_RUNTIME_LORA_UPDATING" for v in with_them["env"])
    assert "/var/lib/appliance-adapters" in [m["mountPath"] for m in with_them["volumeMounts"] if m.get("readOnly")]
    assert "--enable-lora" not in without["args"]
    assert not any(v["name"] == "VLLM_ALLOW_RUNTIME_LORA_UPDATING" for v in without["env"])


def test_no_engine_is_in_development_mode() -> None:
    for values in ("ci", "small", "ha"):
        for pod in pods(render(values)):
            for container in pod.containers:
                assert not [v for v in container.get("env", []) if v["name"] == "VLLM_SERVER_DEV_MODE"]


def test_one_engine_over_nodes_is_a_group_with_ray() -> None:
    (group,) = of_kind(render("ha"), "LeaderWorkerSet")
    template = group["spec"]["leaderWorkerTemplate"]
    assert template["size"] == 2
    assert template["restartPolicy"] == "RecreateGroupOnPodRestart"
    (leader,) = template["leaderTemplate"]["spec"]["containers"]
    assert pairs(leader["args"])["--pipeline-parallel-size"] == "2"
    assert pairs(leader["args"])["--tensor-parallel-size"] == "4"
    assert pairs(leader["args"])["--distributed-executor-backend"] == "ray"
    assert "-ge 2 ]" in leader["command"][2], "vLLM starts when all nodes are there"
    (follower,) = template["workerTemplate"]["spec"]["containers"]
    assert "$LWS_LEADER_ADDRESS:6379" in follower["command"][2]


def test_engines_grow_with_the_line() -> None:
    objects = render("ha")
    (scaled,) = of_kind(objects, "ScaledObject")
    target = scaled["spec"]["scaleTargetRef"]
    engines = named(objects, target["kind"], target["name"])
    assert "replicas" not in engines["spec"], "two hands on one number"
    assert (scaled["spec"]["minReplicaCount"], scaled["spec"]["maxReplicaCount"]) == (2, 6)
    (trigger,) = scaled["spec"]["triggers"]
    assert 'model="qwen3-32b"' in trigger["metadata"]["query"]


KNOWN = {
    "chat": {"chat": {"prompt": "What is the capital of Germany?", "contains": "Berlin"}},
    "embed": {"embed": {"text": "query: hotel night", "near": "hotel night price", "far": "pump oil month"}},
}


def port_of(url: str) -> int:
    return urlsplit(url).port or 0


async def ready(port: int, probe: dict[str, Any]) -> tuple[int, str]:
    script = str(CHART / "files" / "engine_ready.py")
    child = await create_subprocess_exec(
        sys.executable, "-S", script, str(port),
        env={"PROBE": json.dumps(probe), "PATH": os.environ["PATH"]}, stderr=subprocess.PIPE,
    )  # fmt: skip
    _, said = await child.communicate()
    return child.returncode or 0, said.decode()


async def test_an_engine_is_started_when_it_answers_rightly() -> None:
    async with serving(FakeEngine(serves="chat-model")) as engine:
        probe = {"model": "chat-model", "task": "chat", **KNOWN["chat"]}
        assert (await ready(port_of(engine.url), probe))[0] == 0
        wrong = {**probe, "chat": {"prompt": "What is the capital of Germany?", "contains": "Atlantis"}}
        code, said = await ready(port_of(engine.url), wrong)
        assert code == 1
        assert "wrong answer" in said
    assert (await ready(1, probe))[0] != 0


@pytest.mark.parametrize("task", ["transcribe", "image"])
async def test_where_no_question_is_known_it_must_list_its_model(task: str) -> None:
    async with serving(FakeEngine(serves="m")) as engine:
        assert (await ready(port_of(engine.url), {"model": "m", "task": task}))[0] == 0
        assert (await ready(port_of(engine.url), {"model": "other", "task": task}))[0] == 1
