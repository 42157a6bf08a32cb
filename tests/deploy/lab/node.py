"""A booted host: an overlay on a base tree, systemd as process 1, a network namespace and a cgroup of its own."""

import contextlib
import errno
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.deploy.lab.base import FOLDER, identity_key
from tests.deploy.lab.net import Network, ip

REBOOT = 133
"""nspawn's exit code when the guest wants to be started again: nobody else does that without a service manager."""
ENVIRONMENT = {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1", "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network"}
BOOT_S = 180
EMPTY_S = 20


@dataclass
class Node:
    """`binds`: folders of this machine that the host sees, read only: path there → path here."""

    net: Network
    name: str
    address: str
    base: Path
    binds: dict[str, Path] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None
    watcher: threading.Thread | None = None
    boots: int = 0

    @property
    def folder(self) -> Path:
        return FOLDER / self.net.name / self.name

    @property
    def root(self) -> Path:
        return self.folder / "root"

    def start(self) -> None:
        """Returns when SSH answers."""
        space = self.net.join(self.name, self.address)
        for part in ("upper", "work", "root"):
            (self.folder / part).mkdir(parents=True)
        layers = f"lowerdir={self.base},upperdir={self.folder}/upper,workdir={self.folder}/work"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, str(self.root)], check=True)
        (self.root / "etc" / "hostname").write_text(f"{self.name}\n")
        (self.root / "etc" / "hosts").write_text(f"127.0.0.1 localhost\n127.0.1.1 {self.name}\n")
        for group in self._groups():
            group.mkdir(parents=True, exist_ok=True)
        self._boot(space)

    def _boot(self, space: str) -> None:
        self.watcher = threading.Thread(target=self._run, args=(self._command(space),), daemon=True)
        self.watcher.start()
        self.wait()

    def power_off(self) -> None:
        """As when somebody pulls the plug: nothing is written down, and nobody answers for it any more."""
        self.net.pull_cable(self.name)
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        while inside := self._processes():  # nspawn does not take its guest with it
            for process in inside:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            time.sleep(0.1)

    def _processes(self) -> list[int]:
        """Numbers of all that run on the host."""
        files = [file for group in self._groups() for file in group.rglob("cgroup.procs")]
        return [int(line) for file in files for line in file.read_text().split()]

    def power_on(self) -> None:
        """Returns when SSH answers."""
        self.net.plug_cable(self.name)
        self._boot(f"{self.net.name}-{self.name}")

    def stop(self) -> None:
        """Power off in order, and leave nothing behind."""
        process, self.process = self.process, None
        if process is not None and process.poll() is None:
            process.terminate()  # nspawn asks its guest to power off
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self.watcher is not None:
            self.watcher.join(timeout=10)
        subprocess.run(["umount", str(self.root)], check=False, capture_output=True)
        ip("netns", "del", f"{self.net.name}-{self.name}")
        shutil.rmtree(self.folder, ignore_errors=True)
        for group in self._groups():
            _remove(group)

    def wait(self, seconds: float = BOOT_S) -> None:
        ends = time.monotonic() + seconds
        while self.shell("true", timeout=10).returncode != 0:
            assert time.monotonic() < ends, f"{self.name} does not answer:\n{self.console()[-3000:]}"
            time.sleep(0.2)

    def reboot(self) -> None:
        """Restart the whole host; returns when SSH answers again."""
        before = self.boots
        self.shell("systemctl reboot")
        ends = time.monotonic() + 180
        while self.boots == before:
            assert time.monotonic() < ends, f"{self.name} does not go down:\n{self.console()[-3000:]}"
            time.sleep(0.1)
        self.wait()

    def shell(
        self, script: str, *, given: str | None = None, timeout: float = 120
    ) -> "subprocess.CompletedProcess[str]":
        """Run a script there as root."""
        command = ["ssh", *self.ssh_options(), f"root@{self.address}", script]
        try:
            return self.net.run(command, input=given, timeout=timeout)
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(command, 255, "", f"no answer within {timeout} s")

    def done(self, script: str, **options: Any) -> str:
        """The same, and it must succeed; what it printed."""
        ended = self.shell(script, **options)
        assert ended.returncode == 0, f"{self.name}: {script}\n{ended.stdout}\n{ended.stderr}"
        return ended.stdout

    def ssh_options(self) -> list[str]:
        known = FOLDER / self.net.name / "known_hosts"
        checking = "yes" if known.exists() and self.address in known.read_text() else "accept-new"
        return [
            *(
                "-i",
                str(identity_key()),
                "-o",
                f"UserKnownHostsFile={known}",
                "-o",
                f"StrictHostKeyChecking={checking}",
            ),
            *("-o", "ConnectTimeout=3", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR"),
        ]

    def console(self) -> str:
        return (self.folder / "console.log").read_text(errors="replace")

    def _command(self, space: str) -> list[str]:
        join = " ".join(f"{group}/cgroup.procs" for group in self._groups())
        return [
            *("bash", "-c", f'for f in {join}; do echo $$ > $f; done; exec "$@"', "node"),
            *("systemd-nspawn", "-q", "-D", str(self.root), f"--machine={self.net.name}-{self.name}", "--boot"),
            *("--register=no", "--keep-unit", f"--network-namespace-path=/run/netns/{space}"),
            *("--capability=CAP_NET_ADMIN", "--resolv-conf=off", "--timezone=off"),
            *(f"--bind-ro={here}:{there}" for there, here in self.binds.items()),
        ]

    def _run(self, command: Sequence[str]) -> None:
        """Start it again as often as it reboots."""
        with (self.folder / "console.log").open("ab") as log:
            while True:
                self.boots += 1
                self.process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **ENVIRONMENT},
                    start_new_session=True,
                )
                if self.process.wait() != REBOOT:
                    return

    def _groups(self) -> list[Path]:
        """Its control groups: on hybrid machines one in each hierarchy, else all hosts would share one."""
        top = Path("/sys/fs/cgroup")
        hierarchies = [top / h for h in ("systemd", "unified") if (top / h).is_dir()] or [top]
        return [h / f"{self.net.name}-{self.name}" for h in hierarchies]


def _remove(group: Path) -> None:
    """A control group with those inside it, once the last of their processes has gone."""
    ends = time.monotonic() + EMPTY_S
    for folder in [*sorted((g for g in group.rglob("*") if g.is_dir()), reverse=True), group]:
        while True:
            try:
                folder.rmdir()
                break
            except OSError as error:
                if error.errno != errno.EBUSY or time.monotonic() > ends:
                    raise
                time.sleep(0.1)
