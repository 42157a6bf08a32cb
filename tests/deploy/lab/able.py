"""Whether this machine can boot hosts at all: tried, not guessed, so that what cannot run is skipped and says why."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.deploy.lab.base import FOLDER

TOOLS = (
    ("systemd-nspawn", "systemd-container"),
    ("debootstrap", "debootstrap"),
    ("ip", "iproute2"),
    ("ssh", "openssh-client"),
)


def missing() -> str:
    """Why no host can be booted here; empty when it can."""
    if os.geteuid() != 0:
        return "booting hosts needs root"
    for tool, package in TOOLS:
        if shutil.which(tool) is None:
            return f"{tool} is missing (apt-get install {package})"
    return _no_namespace() or _no_overlay() or _no_group()


def _no_namespace() -> str:
    name = f"able{os.getpid()}"
    made = _refused("ip", "netns", "add", name)
    if made:
        return f"no network namespace can be made: {made}"
    bridge = _refused("ip", "-n", name, "link", "add", "br0", "type", "bridge")
    subprocess.run(["ip", "netns", "del", name], check=False)
    return f"no bridge can be made: {bridge}" if bridge else ""


def _no_overlay() -> str:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        parts = {part: Path(folder, part) for part in ("lower", "upper", "work", "root")}
        for part in parts.values():
            part.mkdir()
        layers = f"lowerdir={parts['lower']},upperdir={parts['upper']},workdir={parts['work']}"
        refused = _refused("mount", "-t", "overlay", "overlay", "-o", layers, str(parts["root"]))
        if not refused:
            subprocess.run(["umount", str(parts["root"])], check=True)
    return f"no overlay can be mounted: {refused}" if refused else ""


def _no_group() -> str:
    top = Path("/sys/fs/cgroup")
    for hierarchy in [top / h for h in ("systemd", "unified") if (top / h).is_dir()] or [top]:
        group = hierarchy / f"able{os.getpid()}"
        try:
            group.mkdir()
            group.rmdir()
        except OSError as error:
            return f"no control group can be made in {hierarchy}: {error.strerror}"
    return ""


def _refused(*command: str) -> str:
    """What it said when it failed; empty when it did not."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stderr.strip() or f"{command[0]} ended with {done.returncode}"
