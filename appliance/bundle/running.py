"""Programs of the machine that a bundle is made on."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from appliance.bundle.errors import BundleUnmade


def output_of(
    command: Sequence[str], *, cwd: Path | None = None, extra: Mapping[str, str] | None = None, timeout_s: float = 3600
) -> str:
    """What a program printed, once it ended well.

    Args:
        command: Program and arguments; no shell.
        cwd: Folder to run it in.
        extra: Variables beside those of this process.
        timeout_s: Longest run, in seconds.

    Raises:
        BundleUnmade: it is missing, took too long, or failed; with its last words.
    """
    name = Path(command[0]).name
    environment = {**os.environ, "LC_ALL": "C.UTF-8", **(extra or {})}
    try:
        done = subprocess.run(  # noqa: S603 - built here, no shell
            command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=timeout_s
        )
    except FileNotFoundError as error:
        raise BundleUnmade(f"'{name}' is not on this machine.", remedy=f"Install {name}.") from error
    except subprocess.TimeoutExpired as error:
        raise BundleUnmade(f"'{name} {' '.join(command[1:3])}' took longer than {timeout_s:.0f} s.") from error
    if done.returncode != 0:
        last = " ".join((done.stderr or done.stdout).split())[-600:]
        raise BundleUnmade(f"'{name} {' '.join(command[1:3])}' failed: {last}")
    return done.stdout
