"""schemathesis over `/scim/v2` alone, with a description of its resources: users, groups, patches, whole lives.

    python -m tests.campaigns.schema_scim [--seconds 300] [--examples 200] [--seed 1] [--database sqlite|postgres]

Held of each reply: a status, media type and shape as described, no error of the server, what was made is there, what
was removed is not, and nobody without the key is let in. The description is made of the service's own `/Schemas`
(`scim_schema.py`); the gateway is a process of its own.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.campaigns.fuzz_api import WatchedProcess, gateway
from tests.campaigns.schema_api import judged
from tests.campaigns.scim_schema import MEDIA_TYPE, description
from tests.fakes.steady import steady_engine
from tests.support import postgres
from tests.support.process import ADMIN

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "use_after_free",
    "ensure_resource_availability",
    "ignored_auth",
)


PHASES = ("✅", "❌", "⏭", "Test cases:", "Seed:", "API Operations:", "API Links:")
"""How the lines of schemathesis begin that say what was tried."""


@dataclass(frozen=True)
class Plan:
    seconds: int = 300
    examples: int = 200
    seed: int = 1
    database_url: str = ""


def command(url: str, key: str, file: Path, plan: Plan) -> list[str]:
    """How schemathesis is called."""
    return [
        *(str(Path(sys.executable).with_name("st")), "run", str(file), "--url", f"{url}/scim/v2"),
        *("--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing,stateful", "--mode", "all"),
        *("--continue-on-failure", "--no-shrink", "--workers", "1", "--request-timeout", "40"),
        *("--max-examples", str(plan.examples), "--seed", str(plan.seed), "--max-time", str(plan.seconds)),
        *("--suppress-health-check", "all", "--warnings", "off", "--generation-database", "none", "--no-color"),
        *("-H", f"Authorization: Bearer {key}"),
    ]


def key_for(process: WatchedProcess) -> str:
    """Of a service account, made as the reference says."""
    process.cli("users", "service-create", "directory", "--owner", ADMIN)
    made = process.cli_json("keys", "create", "scim", "--for", "service:directory", "--endpoint", "scim", "--days", "2")
    return str(made["key"])


def described(process: WatchedProcess, key: str, file: Path) -> None:
    """Write the description that the service's own words give."""
    headers = {"Authorization": f"Bearer {key}", "Accept": MEDIA_TYPE}
    reply = httpx.get(f"{process.url}/scim/v2/Schemas", headers=headers, trust_env=False, timeout=60)
    file.write_text(json.dumps(description(reply.raise_for_status().json()["Resources"])))


def play(process: WatchedProcess, work: Path, plan: Plan) -> "subprocess.CompletedProcess[str]":
    key, file = key_for(process), work / "scim.json"
    described(process, key, file)
    arguments = command(process.url, key, file, plan)
    return subprocess.run(arguments, cwd=work, capture_output=True, text=True, check=False)


async def run(work: Path, plan: Plan) -> list[str]:
    """The whole campaign; what is wrong, empty when nothing is."""
    async with steady_engine() as engine:
        manager = gateway(work, engine.url, plan.database_url)
        process = await asyncio.to_thread(manager.__enter__)
        try:
            done = await asyncio.to_thread(play, process, work, plan)
        finally:
            await asyncio.to_thread(manager.__exit__, None, None, None)
    told = done.stdout.splitlines()
    print("\n".join(line.strip() for line in told if line.strip().startswith(PHASES)))
    return judged(done.returncode, done.stdout + done.stderr, process.output())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--examples", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pma-") as folder, ExitStack() as stack:
        place, url = Path(folder), ""
        place.chmod(0o755)
        if given.database == "postgres":
            url = postgres.new_database(stack.enter_context(postgres.server(place / "pg")))
        wrong = asyncio.run(run(place, Plan(given.seconds, given.examples, given.seed, url)))
    print("\n".join(wrong) or "nothing wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
