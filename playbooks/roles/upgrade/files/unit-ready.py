#!/usr/bin/python3
"""Wait until a unit does its work; or say in one sentence why it does not.

    unit-ready.py UNIT URL SECONDS

Exit code 0 ready, 1 not. A unit that systemd has started again and again since its restart is not waited for.
"""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request

STARTS = 3
"""So many starts by itself, and it will not get better."""
LINES = 12
"""Of its journal, at most so many are told."""


def ask(url: str) -> str:
    """Empty when it is ready, otherwise what is missing."""
    try:
        with urllib.request.urlopen(url, timeout=10):  # noqa: S310 - our own host
            return ""
    except urllib.error.HTTPError as error:
        try:
            parts = json.load(error)["dependencies"]
        except (ValueError, KeyError, TypeError):
            return f"it answers {error.code}"
        return ", ".join(f"{p['name']} {p.get('detail', '')}".strip() for p in parts if not p.get("ready")) or "unknown"
    except OSError as error:
        return f"it does not answer ({getattr(error, 'reason', error)})"


def starts(unit: str) -> int:
    said = output("systemctl", "show", "--property", "NRestarts", "--value", unit)
    return int(said) if said.isdigit() else 0


def output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def last_words(unit: str) -> str:
    """What people need of its end: lines of one invocation, without the places of code."""
    lines = output("journalctl", "--no-pager", "--output", "cat", "--lines", "60", "--unit", unit).splitlines()
    telling = [line.strip() for line in lines if line.strip() and not line.startswith((" ", "\t"))]
    return " / ".join(telling[-LINES:])[-900:]


def main() -> int:
    unit, url, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    ends = time.monotonic() + seconds
    missing = "it was not asked"
    while time.monotonic() < ends:
        if starts(unit) >= STARTS:
            print(f"does not start: {unit} ended {STARTS} times. Its last lines: {last_words(unit)}")
            return 1
        missing = ask(url)
        if not missing:
            return 0
        time.sleep(0.5)
    print(f"did not become ready in {seconds:.0f} s: {missing}. Last lines of {unit}: {last_words(unit)}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
