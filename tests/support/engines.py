"""Stand-in engines as processes of their own, to be killed, frozen and thawed."""

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from appliance.inference.supervisor import free_port
from tests.support.process import ROOT


class EngineProcess:
    """One stand-in on a port of its own, which it keeps over restarts."""

    def __init__(self, module: str = "tests.fakes.engine", *, delay_s: float = 0.01, more: Sequence[str] = ()) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self._command = [sys.executable, "-m", module, "--port", str(self.port), "--delay-s", str(delay_s), *more]
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Returns when it listens."""
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline().strip() == self.url

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """Returns when it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = None

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)


@contextmanager
def engine_processes(*engines: EngineProcess) -> Iterator[None]:
    """All of them while the block runs."""
    try:
        for engine in engines:
            engine.start()
        yield
    finally:
        for engine in engines:
            engine.kill()
