"""schemathesis over the whole schema: what it derives from the description, good and bad, is answered as described.

    python -m tests.campaigns.schema_api [--seconds 600] [--examples 500] [--seed 1] [--workers 1]

It holds status, media type and shape of every reply against the schema. Errors of the server are counted from the
gateway's own log of requests, where intended ones (503, 504) can be told from others.
"""

import argparse
import asyncio
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.campaigns.fuzz_api import gateway, keys_of
from tests.fakes.steady import steady_engine

CHECKS = "content_type_conformance,response_schema_conformance,status_code_conformance"
UNTOUCHED = (
    "/auth/logout",
    "/auth/login",  # a password's hash takes a tenth of a second by design
)
REQUEST = re.compile(r"event='request' method='(\w+)' endpoint='?([^ ']*)'? status=(\w+)")
INTENDED = {"503", "504"}


def command(url: str, key: str, seconds: int, examples: int, seed: int, workers: int) -> list[str]:
    """How schemathesis is called."""
    without = [option for path in UNTOUCHED for option in ("--exclude-path", path)]
    return [
        *(str(Path(sys.executable).with_name("st")), "run", f"{url}/schema/openapi.json"),
        *("--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--mode", "all", "--continue-on-failure"),
        *("--max-examples", str(examples), "--seed", str(seed), "--workers", str(workers), "--no-shrink"),
        *(
            "--max-time",
            str(seconds),
            "--request-timeout",
            "40",
            "--generation-with-security-parameters",
            "false",
            "--suppress-health-check",
            "all",
            "--warnings",
            "off",
        ),
        *("--generation-database", "none", "--no-color", "-H", f"Authorization: {key}", *without),
    ]


async def run(work: Path, seconds: int, examples: int, seed: int, workers: int) -> list[str]:
    """The whole campaign; what is wrong, empty when nothing is."""
    async with steady_engine() as engine:
        manager = gateway(work, engine.url)
        process = await asyncio.to_thread(manager.__enter__)
        try:
            key = (await asyncio.to_thread(keys_of, process))[0]
            arguments = command(process.url, key, seconds, examples, seed, workers)
            done = await asyncio.to_thread(
                subprocess.run, arguments, cwd=work, capture_output=True, text=True, check=False
            )
        finally:
            await asyncio.to_thread(manager.__exit__, None, None, None)
    return judged(done.returncode, done.stdout + done.stderr, process.output())


def judged(code: int, told: str, log: str) -> list[str]:
    rows = [found.groups() for found in map(REQUEST.search, log.splitlines()) if found]
    statuses = Counter(status for _, _, status in rows)
    print(f"{len(rows)} requests to {len({(m, e) for m, e, _ in rows})} operations:", dict(sorted(statuses.items())))
    wrong = [told[-6000:]] if code else []
    broken = Counter(f"{m} {e} {s}" for m, e, s in rows if s.startswith("5") and s not in INTENDED)
    wrong += [f"{count} x {what}" for what, count in broken.items()]
    defects = [row for row in log.splitlines() if "level='error'" in row or "Traceback" in row]
    return wrong + defects[:5]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--examples", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        wrong = asyncio.run(run(Path(folder), given.seconds, given.examples, given.seed, given.workers))
    print("\n".join(wrong) or "nothing wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
