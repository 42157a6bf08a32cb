"""A whole appliance as people run it: its own process, real engines, real files."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from appliance.inference import guard, supervisor

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "appliance" / "samples" / "documents"
ADMIN, PASSWORD = "admin@localhost", "correct horse battery staple"
ENGINE_ENVIRONMENT = Path(os.environ.get("APPLIANCE_ENGINES_ENVIRONMENT_DIR", ROOT / ".appliance" / "engine"))
ENGINE_MODELS = Path(os.environ.get("APPLIANCE_ENGINES_MODEL_DIR", ROOT / ".appliance" / "models"))


@dataclass
class ApplianceProcess:
    """`appliance up` on a data folder; `start` after `kill` is a restart."""

    data: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=supervisor.free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **{k: v for k, v in os.environ.items() if k != "APPLIANCE_SHARED"},  # the tests' own, no setting
            "APPLIANCE_DATA_DIR": str(self.data),
            "APPLIANCE_PORT": str(self.port),
            "APPLIANCE_ADMIN_PASSWORD": PASSWORD,
            "APPLIANCE_ENGINES_ENVIRONMENT_DIR": str(ENGINE_ENVIRONMENT),
            "APPLIANCE_ENGINES_MODEL_DIR": str(ENGINE_MODELS),
            **self.settings,
        }

    def start(self, *, ready_s: float = 240) -> None:
        """Returns when `/health/ready` says yes."""
        self.data.mkdir(parents=True, exist_ok=True)
        with (self.data / "output.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "appliance", "up"],
                env=self.environment,
                cwd=self.data,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + ready_s
        while not self.is_ready():
            assert self.process.poll() is None, f"the appliance ended:\n{self.output()[-3000:]}"
            assert time.monotonic() < deadline, f"not ready in {ready_s} s:\n{self.output()[-3000:]}"
            time.sleep(0.2)

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health/ready", timeout=5) as reply:  # noqa: S310 - our own address
                return bool(json.load(reply)["ready"])
        except (OSError, urllib.error.URLError):
            return False

    def cli(self, *arguments: str, code: int = 0, timeout_s: float = 600) -> str:
        """Run a command of the product; what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "appliance", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout if code == 0 else done.stdout + done.stderr

    def cli_json(self, *arguments: str, timeout_s: float = 600) -> Any:
        return json.loads(self.cli(*arguments, "--json", timeout_s=timeout_s))

    def engine_pids(self) -> list[int]:
        """Everything that the process started, guards and engines."""
        return guard.descendants(self.process.pid) if self.process is not None else []

    def kill(self) -> None:
        """`kill -9`, as a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """The orderly way; the exit code."""
        if self.process is None or self.process.poll() is not None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def output(self) -> str:
        return (self.data / "output.log").read_text(errors="replace")


@contextmanager
def appliance(data: Path, settings: Mapping[str, str] | None = None) -> Iterator[ApplianceProcess]:
    """Up while the block runs."""
    running = ApplianceProcess(data, settings or {})
    try:
        running.start()
        yield running
    finally:
        running.stop()


def wait_until(condition: Any, timeout_s: float, what: str) -> None:
    """Ask until it holds. Raises AssertionError."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
        time.sleep(0.1)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
