"""`appliance up` in processes that are forked from one that has loaded it: two hundred lives cost no two hundred loads.

What is forked is the real command, and `kill -9` hits the whole gateway as it hits one that was started from a shell.
"""

import multiprocessing
import os
import signal
import time
from collections.abc import Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path

from tests.support.process import ApplianceProcess

LOADED = ["appliance.commands.serving", "appliance.app", "uvicorn", "uvloop", "httptools"]


class ForkedAppliance(ApplianceProcess):
    """The same as `ApplianceProcess`, quicker to start."""

    child: BaseProcess | None = None

    def start(self, *, ready_s: float = 240) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(LOADED)
        self.child = context.Process(target=_up, args=(dict(self.environment), str(self.data / "output.log")))
        self.child.start()
        deadline = time.monotonic() + ready_s
        while not self.is_ready():
            assert self.child.is_alive(), f"the appliance ended:\n{self.output()[-3000:]}"
            assert time.monotonic() < deadline, f"not ready in {ready_s} s:\n{self.output()[-3000:]}"
            time.sleep(0.05)

    def kill(self) -> None:
        assert self.child is not None
        self.child.kill()
        self.child.join()

    def stop(self) -> int:
        if self.child is None or not self.child.is_alive() or self.child.pid is None:
            return 0
        os.kill(self.child.pid, signal.SIGTERM)
        self.child.join(timeout=60)
        return self.child.exitcode or 0


def _up(environment: Mapping[str, str], log: str) -> None:
    """The child: nothing of its parent's but what is loaded."""
    from appliance.commands.serving import up  # noqa: PLC0415 - loaded by the fork server already

    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(handle, stream)
    os.chdir(Path(log).parent)
    up(None)
