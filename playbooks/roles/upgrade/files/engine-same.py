#!/usr/bin/python3
"""Whether an engine that runs is what the newer release would start, too.

    engine-same.py INSTANCE MODEL ADDRESS PORT OLDER_RELEASE NEWER_RELEASE

Exit code 0: the same, so it need not be restarted. 3: it must be: it does not run, a file that it was started by is
newer than it, or the two releases start it by other commands; the reason is printed.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

OTHER = 3
FILES = ("/etc/systemd/system/vllm@.service", "/etc/appliance/engines.toml", "/etc/appliance/engines/{}.env")


def output(*command: str) -> "tuple[int, str]":
    environment = {**os.environ, "APPLIANCE_CONFIG": "/etc/appliance/engines.toml"}
    done = subprocess.run(
        ("runuser", "-u", "vllm", "--", *command), capture_output=True, text=True, check=False, env=environment
    )
    return done.returncode, done.stdout.strip()


def started_at(unit: str) -> float:
    """Seconds of the clock, 0 when it does not run. systemd counts from the boot on."""
    _, text = output("systemctl", "show", "--property", "ActiveState,ExecMainStartTimestampMonotonic", unit)
    facts = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    if facts.get("ActiveState") not in ("active", "activating"):
        return 0.0
    since_boot = float(facts.get("ExecMainStartTimestampMonotonic") or 0) / 1e6
    return time.time() - time.clock_gettime(time.CLOCK_MONOTONIC) + since_boot if since_boot else 0.0


def why_other(instance: str, model: str, address: str, port: str, older: str, newer: str) -> str:
    """Empty when it is the same."""
    began = started_at(f"vllm@{instance}.service")
    if not began:
        return "it does not run"
    for name in FILES:
        file = Path(name.format(instance))
        if file.stat().st_mtime > began:
            return f"{file} is newer"
    asked = ("engine", model, "--host", address, "--port", port, "--show")
    shown = [output(f"{release}/gateway/bin/appliance", *asked) for release in (older, newer)]
    return "" if shown[0] == shown[1] and shown[0][0] == 0 else "it is started by another command"


def main() -> int:
    why = why_other(*sys.argv[1:7])
    print(why or "the same")
    return OTHER if why else 0


if __name__ == "__main__":
    sys.exit(main())
