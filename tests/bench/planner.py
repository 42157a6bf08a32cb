"""What the planner says of a real engine without GPU, beside what that engine takes and gives.

    python -m tests.bench.planner [--rounds 5] [--model smollm2-135m-instruct]

Prediction and measurement take turns, and the middle of the rounds counts. On a busy machine the seconds of the clock
say little; the processor's own seconds for a token say the same there too, so both are printed. Needs the
engines' environment and the model (`script/test engine` makes both).
"""

import argparse
import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from appliance.inference import Catalogue, Entry, InferenceSettings, ModelChoice, engine_command
from appliance.inference.supervisor import free_port
from appliance.planning import calibration, known_shapes
from appliance.planning.observe import engines_of, memory_gib, speed_of
from appliance.planning.processor import calibrate, plan_processor
from tests.support.process import ENGINE_ENVIRONMENT, ENGINE_MODELS

TURN = """
import json, sys, time
sys.path.insert(0, sys.argv[1])
import calibration as c, torch
shape = json.loads(sys.argv[2]); c.SECONDS = 1.5; torch.set_num_threads(int(sys.argv[3]))
with torch.inference_mode():
    layers = c.layers_of(shape, torch); head = torch.randn((shape["vocabulary"], shape["hidden"]), dtype=torch.bfloat16)
    one = torch.randn((1, shape["hidden"]), dtype=torch.bfloat16)
    for _ in sys.stdin:
        count, begin = [0], time.process_time()
        def work():
            count[0] += 1
            c.step(layers, head, one, shape, torch)
        print(c.seconds_each(work), (time.process_time() - begin) / count[0], flush=True)
"""


@contextmanager
def engine(entry: Entry, settings: InferenceSettings, threads: int) -> Iterator[tuple[str, list[int]]]:
    """Its address and processes, once it lists its model."""
    port = free_port()
    command = engine_command(entry, ModelChoice(entry.id), settings, port=port, gpu=None, threads=threads)
    with (settings.log_dir.parent / "engine.log").open("wb") as log:
        child = subprocess.Popen(command.argv, env=command.environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 300
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=5)
                break
            except (urllib.error.URLError, OSError):
                if time.monotonic() > deadline or child.poll() is not None:
                    raise
                time.sleep(0.5)
        yield f"http://127.0.0.1:{port}", next(pids for pids in engines_of(entry.id) if child.pid in pids)
    finally:
        child.terminate()
        child.wait(30)


def processor_s(pids: list[int]) -> float:
    """Of processes together, since they began."""
    stats = [Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split() for pid in pids]
    return sum(int(s[11]) + int(s[12]) for s in stats) / os.sysconf("SC_CLK_TCK")


async def ask_of(url: str, model: str, prompt: str, most: int) -> tuple[int, int]:
    body = {"model": model, "prompt": prompt, "max_tokens": most, "temperature": 0, "ignore_eos": True}
    request = urllib.request.Request(  # noqa: S310 - our own address
        f"{url}/v1/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    usage = json.load(await asyncio.to_thread(urllib.request.urlopen, request, timeout=120))["usage"]
    return usage["prompt_tokens"], usage["completion_tokens"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--model", default="smollm2-135m-instruct")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the engine is ended whatever happens
    entry, threads = Catalogue.load().get(given.model), os.cpu_count() or 1
    shape = known_shapes()[given.model]
    settings = InferenceSettings(ENGINE_ENVIRONMENT, ENGINE_MODELS, Path(tempfile.mkdtemp()) / "logs")
    (measured,) = calibrate(ENGINE_ENVIRONMENT / "bin" / "python", [shape], threads)
    plan = plan_processor(entry, shape, measured, settings.cpu_kv_cache_gib)
    words = [str(ENGINE_ENVIRONMENT / "bin" / "python"), "-c", TURN, str(Path(calibration.__file__).parent)]
    turns = subprocess.Popen(
        [*words, json.dumps(msgspec.to_builtins(shape)), str(threads)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={"OMP_WAIT_POLICY": "PASSIVE", "PATH": ""},
    )  # fmt: skip
    assert turns.stdin is not None
    assert turns.stdout is not None
    planned, found, planned_cpu, found_cpu = [], [], [], []
    with engine(entry, settings, threads) as (url, pids):
        for _ in range(given.rounds):
            turns.stdin.write("\n")
            turns.stdin.flush()
            clock, processor = map(float, turns.stdout.readline().split())
            planned.append(1 / clock)
            planned_cpu.append(processor)
            found.append(asyncio.run(speed_of(lambda p, n: ask_of(url, entry.id, p, n))).tokens_per_s)
            begin = processor_s(pids)
            _, written = asyncio.run(ask_of(url, entry.id, f"Once {time.time()}", 64))
            found_cpu.append((processor_s(pids) - begin) / written)
        took = memory_gib(pids)
    turns.kill()
    shutil.rmtree(settings.log_dir.parent)
    rows: dict[str, Any] = {
        "memory GiB": (plan.memory_gib, took),
        "tokens a second": (median(planned), median(found)),
        "processor s a token": (median(planned_cpu), median(found_cpu)),
    }
    for name, (said, is_so) in rows.items():
        print(f"{name:20} planned {said:8.4f}  measured {is_so:8.4f}  difference {(said / is_so - 1) * 100:+.0f} %")


if __name__ == "__main__":
    main()
