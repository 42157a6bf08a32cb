"""The shared stand-in engine in C: fast enough to be no part of what is measured."""

import json
import os
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.process import ROOT, ApplianceProcess, wait_until

MODEL = "mock"
ENTRY = f"""
[[models]]
id = "{MODEL}"
name = "Stand-in"
task = "chat"
source = "none"
licence = "none"
parameters_billion = 0.0
context_tokens = 8192
card = "none"
probe.chat = {{ prompt = "Hello", contains = "", max_tokens = 1 }}
"""


def bench_folder() -> Path | None:
    """Where the stand-in's source is; None when it or a C compiler is not here."""
    folder = Path(os.environ.get("APPLIANCE_SHARED", ROOT.parent / "shared")) / "bench"
    return folder if (folder / "mock_upstream.c").is_file() and shutil.which("cc") else None


@dataclass
class Mock:
    """A running one."""

    port: int
    _own: int = 1
    """Our own questions; it counts them as requests. The first asked whether it runs."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stats(self) -> dict[str, int]:
        """requests, open_streams, peak_streams, aborted, tokens."""
        found: dict[str, int] = self._ask("/mock/stats")
        return found | {"requests": found["requests"] - self._own}

    def configure(self, *, tokens: int, ttft_ms: float, gap_ms: float) -> None:
        """Of the answers from now on."""
        self._ask(f"/mock/config?tokens={tokens}&ttft_us={int(ttft_ms * 1000)}&itl_us={int(gap_ms * 1000)}", b"")

    def _ask(self, path: str, data: bytes | None = None) -> Any:
        self._own += 1
        with urllib.request.urlopen(self.url + path, data=data, timeout=10) as reply:  # noqa: S310 - our own address
            return json.load(reply)


@contextmanager
def mock_upstream(bench: Path, port: int) -> Iterator[Mock]:
    """Built and running while the block runs."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "mock_upstream"
        subprocess.run(["cc", "-O2", "-w", "-o", str(program), str(bench / "mock_upstream.c")], check=True)
        process = subprocess.Popen([str(program), "--port", str(port)], stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: answers(f"http://127.0.0.1:{port}/health"), 10, "the stand-in engine")
            yield Mock(port)
        finally:
            process.terminate()
            process.wait(10)


def before_the_mock(work: Path, port: int, settings: dict[str, str] | None = None) -> ApplianceProcess:
    """A gateway that serves nothing but the stand-in; not started."""
    data, models = work / "data", work / "models"
    models.mkdir()
    (models / "mock.toml").write_text(ENTRY)
    data.mkdir()
    (data / "appliance.toml").write_text(
        f'[[engines.models]]\nid = "{MODEL}"\nbase_urls = ["http://127.0.0.1:{port}/v1"]\n[documents]\nparallel = 0\n'
    )
    return ApplianceProcess(data, {"APPLIANCE_ENGINES_MODEL_DIR": str(models), **(settings or {})})


def answers(url: str) -> bool:
    """Whether anything good comes back."""
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:  # noqa: S310 - our own address
            return bool(reply.status == 200)
    except OSError:
        return False
