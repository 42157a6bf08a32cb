"""A real Valkey or Redis server for the tests: Debian's package, on a unix socket's folder and a free port."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PROGRAMS = ("valkey-server", "redis-server")


def program() -> str | None:
    """The server's program, when it is installed."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


@contextmanager
def server(folder: Path, port: int = 0) -> Iterator[str]:
    """URL of an empty server that keeps nothing; skips loudly when there is no program."""
    found = program()
    if found is None:
        pytest.skip("SKIPPED: neither valkey-server nor redis-server is installed (apt-get install redis-server)")
    folder.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    command = [
        found,
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--dir",
        str(folder),
        "--save",
        "",
        "--appendonly",
        "no",
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _until_listening(port)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.kill()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _until_listening(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            assert time.monotonic() < deadline, "the Valkey server does not start"
            time.sleep(0.05)
