"""What the gateway costs in front of an engine, beside its peers, in one run.

    python -m tests.bench.gateway_cost [--peers FOLDER] [--scenarios chat1:3,chat64,...] [--seconds 3] [--out FILE.json]

One core for the gateway, one for the stand-in engine and the load. Key check, limits, ledger, metrics and request log
are on. `--peers` is a folder in which LiteLLM and vllm-router are installed once, each in an environment of its own;
without it only direct access stands beside. Needs the shared bench folder (`APPLIANCE_SHARED`) and a C compiler.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.goals import table
from tests.bench.peers import litellm, vllm_router
from tests.support.mock import answers, before_the_mock, bench_folder
from tests.support.process import ApplianceProcess, wait_until

MOCK_PORT = 19000
SCENARIOS = "chat1:3,chat64:3,stream64:2,stream256:3,burst64:2"
LIMITS = (
    "requests_per_minute=100000000",
    "tokens_per_minute=10000000000",
    "concurrent_requests=100000",
    "tokens_per_month=1000000000000",
)
"""High enough never to refuse: they are on and are counted."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path)
    parser.add_argument("--scenarios", default=SCENARIOS)
    parser.add_argument("--seconds", default="3")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    bench = bench_folder()
    if bench is None:
        print("SKIPPED: needs the shared bench folder (APPLIANCE_SHARED) and a C compiler (cc)", file=sys.stderr)
        return 77
    with tempfile.TemporaryDirectory() as folder:
        return compare(bench, Path(folder), given)


def compare(bench: Path, work: Path, given: argparse.Namespace) -> int:
    """Run everything in `work`; the table goes to standard output."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("APPLIANCE_")}
    environment |= {"MOCK_PORT": str(MOCK_PORT), "BENCH_BUILD": str(work / "build"), "BENCH_LOGS": str(work)}
    servers = [{"name": "direct", "url": f"http://127.0.0.1:{MOCK_PORT}", "mock": True}, ours(work)]
    if given.peers is not None:
        servers += [vllm_router(given.peers, MOCK_PORT), litellm(given.peers, work, MOCK_PORT)]
    (work / "servers.json").write_text(json.dumps(servers))
    result = given.out.absolute() if given.out else work / "result.json"
    command = [sys.executable, "compare.py", str(work / "servers.json"), "--scenarios", given.scenarios]
    done = subprocess.run(
        [*command, "--seconds", given.seconds, "--out", str(result)], cwd=bench, env=environment, check=False
    )
    medians = json.loads(result.read_text())["medians"]
    if given.peers is not None and {"chat1", "chat64", "stream64", "stream256"} <= set(medians["appliance"]):
        print(f"\n{table(medians)}")
    return done.returncode


def ours(work: Path) -> dict[str, object]:
    """The gateway as `appliance serve` runs it, with an account, a key and limits."""
    process = before_the_mock(work, MOCK_PORT)
    key = first_key(process)
    return {
        "name": "appliance",
        "url": process.url,
        "cmd": [sys.executable, "-m", "appliance", "serve"],
        "env": process.environment,
        "token": key,
        "health": "/health/live",
    }


def first_key(process: ApplianceProcess) -> str:
    """Start once for the first account; set limits, and make a key."""
    with (process.data / "output.log").open("ab") as log:
        first = subprocess.Popen(
            [sys.executable, "-m", "appliance", "up"], env=process.environment, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        wait_until(lambda: answers(f"{process.url}/health/live"), 60, "the first start")
        process.cli("limits", "set", "everyone", *LIMITS)
        return str(process.cli_json("keys", "create", "bench")["key"])
    finally:
        first.terminate()
        first.wait(60)


if __name__ == "__main__":
    sys.exit(main())
