"""A batch runs behind a person who chats: how much later does the first token come?

    python -m tests.campaigns.lanes --batch 2000 --chats 60 --seed 1
        [--engines stand-in|real] [--through pool|batches] [--no-lanes]

A person chats alone; then the batch begins while nobody is about, and the person chats again; then alone once more,
as a shared machine is not equally fast all the time. The questions are the same. `--no-lanes` sends the batch as if
people asked: what it would be like without lanes.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from appliance.foundation import configure_logging
from appliance.inference.pool.lanes import CALM_S
from appliance.settings import EnginesSection, ModelSection, Settings
from tests.campaigns.batch_job import BatchJob, Job, Requests, StraightJob
from tests.support.engines import EngineProcess, engine_processes
from tests.support.gateway import CHAT_MODEL, EMBED_MODEL, Gateway, gateway
from tests.support.process import ENGINE_ENVIRONMENT, ENGINE_MODELS, ROOT

RISE = 0.20
"""Most that the 95th percentile of the first token may rise."""


@dataclass(frozen=True)
class Plan:
    batch: int = 2000
    chats: int = 60
    seed: int = 1
    engines: str = "stand-in"
    lanes: bool = True
    through: str = "pool"
    """`pool`: all stand in the model's line at once; `batches`: as one job of `/v1/batches`."""
    max_tokens: int = 64
    """Of each batch request."""


@dataclass
class Outcome:
    rise: float
    """Of the 95th percentile: 0.1 is 10 %."""
    rise_of_median: float
    done: int
    """Batch requests that ended while the person chatted."""
    failed: int
    lines: list[str] = field(default_factory=list)


async def person(running: Gateway, key: str, plan: Plan) -> list[float]:
    """Times to first tokens, seconds, in order of size."""
    command = [sys.executable, "-m", "tests.campaigns.person", "--url", running.url, "--key", key]
    command += ["--model", CHAT_MODEL, "--count", str(plan.chats), "--seed", str(plan.seed)]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, cwd=ROOT)
    printed, _ = await process.communicate()
    assert process.returncode == 0
    return sorted(json.loads(printed))


async def play(plan: Plan, settings: Settings) -> Outcome:
    async with gateway(settings) as running:
        async with await running.operator() as operator:
            key = (await operator.ok("POST", "/api/keys", {"name": "person", "expires_in_days": 1}))["key"]
        await person(running, key, Plan(chats=5))  # whatever is slow the first time
        alone = await person(running, key, plan)
        await asyncio.sleep(CALM_S + 1)
        requests = Requests(plan.batch, plan.seed, plan.max_tokens)
        async with running.client(headers={"Authorization": f"Bearer {key}"}) as client:
            straight = StraightJob(requests, running, "batch" if plan.lanes else "interactive")
            job: Job = BatchJob(requests, client) if plan.through == "batches" else straight
            async with job.running():
                await asyncio.sleep(1.0)
                (before, _), began = await job.counts(), time.monotonic()
                beside = await person(running, key, plan)
                (after, failed), took_s = await job.counts(), time.monotonic() - began
        await asyncio.sleep(2.0)
        alone = sorted(alone + await person(running, key, plan))
        rise = p95(beside) / p95(alone) - 1
        lines = [
            f"first token alone:  median {median(alone) * 1000:.0f} ms, p95 {p95(alone) * 1000:.0f} ms",
            f"first token beside: median {median(beside) * 1000:.0f} ms, p95 {p95(beside) * 1000:.0f} ms",
            f"rise of the p95: {rise * 100:+.1f} % (at most {RISE * 100:.0f} %)",
            f"batch meanwhile: {after - before} in {took_s:.0f} s; {after} of {plan.batch} done, {failed} failed",
        ]
        return Outcome(rise, median(beside) / median(alone) - 1, after - before, failed, lines)


def median(values: list[float]) -> float:
    return values[len(values) // 2]


def p95(values: list[float]) -> float:
    return values[min(len(values) - 1, int(len(values) * 0.95))]


def run(plan: Plan) -> Outcome:
    """The whole campaign."""
    configure_logging("error")
    crowded, other = EngineProcess("tests.campaigns.crowded_engine"), EngineProcess()
    with tempfile.TemporaryDirectory(prefix="pma-") as folder, engine_processes(crowded, other):
        chat_urls = () if plan.engines == "real" else (crowded.url,)
        settings = Settings(
            data_dir=str(Path(folder) / "data"),
            engines=EnginesSection(
                environment_dir=str(ENGINE_ENVIRONMENT),
                model_dir=str(ENGINE_MODELS),
                models=(
                    ModelSection(id=CHAT_MODEL, base_urls=chat_urls, max_waiting=10_000),
                    ModelSection(id=EMBED_MODEL, base_urls=(other.url,)),
                ),
            ),
        )
        return asyncio.run(play(plan, settings))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=2000)
    parser.add_argument("--chats", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engines", choices=("stand-in", "real"), default="stand-in")
    parser.add_argument("--through", choices=("pool", "batches"), default="pool")
    parser.add_argument("--no-lanes", action="store_true")
    chosen = parser.parse_args()
    lanes, through = not chosen.no_lanes, chosen.through
    outcome = run(Plan(chosen.batch, chosen.chats, chosen.seed, chosen.engines, lanes, through))
    print("\n".join(outcome.lines))
    return 1 if outcome.rise >= RISE or outcome.failed or not outcome.done else 0


if __name__ == "__main__":
    raise SystemExit(main())
