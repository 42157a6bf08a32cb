"""The inside of the cage: limits first, then the parser. Runs as `python -I -m appliance.parsing.child`."""

import ctypes
import os
import resource
import signal
import sys
from pathlib import Path
from typing import NoReturn

import msgspec

from appliance.parsing.errors import DocumentRefused
from appliance.parsing.limits import CageLimits
from appliance.parsing.protocol import EXIT_REFUSED, Order, Refusal, Task

CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38


def main() -> None:
    """Parse, write the result to standard output, exit; the exit code says which of the two kinds it is."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    _lock_in(order.limits, cpu_s=order.cpu_s)
    try:
        result = _work(order.task)
    except DocumentRefused as refusal:
        _refuse(refusal.message, refusal.way_out)
    except MemoryError:
        _refuse("Reading it takes too much memory.", "Split it.")
    except RecursionError:
        _refuse("It is nested too deeply.", DocumentRefused.remedy)
    except Exception as error:  # noqa: BLE001 - a parser's own failure on bad bytes has no common type
        _refuse(f"It is broken or not what its name says ({type(error).__name__}).", DocumentRefused.remedy)
    sys.stdout.buffer.write(result)
    sys.stdout.buffer.flush()
    os._exit(0)  # libraries' exit handlers may hang; there is nothing left to do


def _work(task: Task) -> bytes:
    # Imported here, behind the limits: the libraries are what the cage is for.
    if task.kind == "render":
        from appliance.parsing.formats.pdf import render_png  # noqa: PLC0415

        return render_png(Path(task.path), task.page)
    from appliance.parsing.reader import read_document  # noqa: PLC0415

    return msgspec.msgpack.encode(read_document(Path(task.path), task.name))


def _lock_in(limits: CageLimits, *, cpu_s: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    # Own network namespace without any interface. Where the kernel forbids it, the container or unit around us has to.
    if libc.unshare(CLONE_NEWNET) != 0:
        libc.unshare(CLONE_NEWUSER | CLONE_NEWNET)
    for kind, value in (
        (resource.RLIMIT_CPU, cpu_s * 2),
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (value, value))


def _refuse(reason: str, remedy: str) -> NoReturn:
    sys.stdout.buffer.write(msgspec.json.encode(Refusal(reason, remedy)))
    sys.stdout.buffer.flush()
    os._exit(EXIT_REFUSED)


if __name__ == "__main__":
    main()
