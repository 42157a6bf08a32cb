"""Stands between the appliance and one engine, so that no engine outlives it and none leaves children behind.

Run as a plain file with the standard library only: `python guard.py PIPE_FD LOG_FILE -- COMMAND …`.

1. It makes itself the reaper of all descendants (`PR_SET_CHILD_SUBREAPER`): processes whose parent died come to it.
2. It starts the command in a session of its own and copies its output to the log file.
3. It waits for the command's end, for SIGTERM, or for the end of the pipe whose other end the appliance holds. The
   kernel closes that end however the appliance dies, `kill -9` included; a death signal would not do, since it is
   tied to the thread that started the child.
4. Then: SIGTERM to the session, ten seconds of grace, SIGKILL to every descendant that is left.
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
GRACE_S = 10.0
LOG_BYTES = 20 * 1024 * 1024


def main(arguments: list[str]) -> int:
    """Returns the command's exit code, or 128 + signal."""
    pipe, log_file, command = int(arguments[0]), Path(arguments[1]), arguments[3:]
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    _rotate(log_file)
    with log_file.open("ab") as log:
        engine = subprocess.Popen(  # noqa: S603 - the command line is built by the supervisor from the catalogue
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    code = _wait(engine, pipe, wake_read)
    _end(engine)
    return code if code is not None else 0


def _wait(engine: "subprocess.Popen[bytes]", pipe: int, wake: int) -> int | None:
    """The exit code when the engine ended by itself, None when it is to be ended."""
    while True:
        ready, _, _ = select.select([pipe, wake], [], [])
        if wake in ready:
            numbers = os.read(wake, 64)
            if signal.SIGTERM in numbers or signal.SIGINT in numbers:
                return None
            code = engine.poll()
            if code is not None:
                return code if code >= 0 else 128 - code
            _reap(engine.pid)
        if pipe in ready and not os.read(pipe, 64):
            return None


def _end(engine: "subprocess.Popen[bytes]") -> None:
    """Only "no child left" ends this: a look through `/proc` misses a process whose parent dies during the look, while
    as the reaper of all descendants this process has a child for as long as any of them lives.
    """
    with contextlib.suppress(ProcessLookupError):
        os.killpg(engine.pid, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_S
    while time.monotonic() < deadline and _has_children(engine):
        time.sleep(0.05)
    while _has_children(engine):
        for pid in descendants(os.getpid()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def _has_children(engine: "subprocess.Popen[bytes]") -> bool:
    """Collects what has ended first."""
    engine.poll()
    _reap(engine.pid)
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _reap(engine_pid: int) -> None:
    """Collect orphans that came to us; the engine itself is collected by its `Popen`."""
    with contextlib.suppress(ChildProcessError):
        while True:
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if found is None or found.si_pid == engine_pid:
                return
            os.waitpid(found.si_pid, 0)


def descendants(of: int) -> list[int]:
    """Living processes below a process, found by walking `/proc`; zombies do not count."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if fields[0] != "Z":
                    parents[int(entry.name)] = int(fields[1])
    found: list[int] = []
    front = {of}
    while front:
        front = {pid for pid, parent in parents.items() if parent in front}
        found.extend(front)
    return found


def processor_s(of: int) -> float:
    """Processor time that the living processes below a process have used so far, in seconds."""
    ticks = 0
    for pid in descendants(of):
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _rotate(log_file: Path) -> None:
    log_file.parent.mkdir(parents=True, exist_ok=True)
    if log_file.exists() and log_file.stat().st_size > LOG_BYTES:
        log_file.replace(log_file.with_suffix(".old.log"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
