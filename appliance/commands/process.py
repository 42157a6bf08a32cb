"""The life of the one process: lock, first start, web server, orderly end."""

import asyncio
import ctypes
import faulthandler
import fcntl
import gc
import json
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Coroutine, Iterator, MutableMapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
import uvloop

from appliance.app import PART_ENDS_S, Parts, build_app, running
from appliance.commands.web import server_config
from appliance.foundation import Conflict, end_within
from appliance.migrations import migrate
from appliance.settings import Settings

ENDS_S = 50.0
"""After the signal the process is gone by then, whatever hangs; where it hung stands in the log."""

M_ARENA_MAX, ARENAS = -8, 2
"""glibc's number for `mallopt`, and how many heaps all threads share."""

FIRST_HANDED = 3
"""Number of the first file that systemd hands over."""

GC_THRESHOLD = 50_000
"""New objects between two looks for cycles."""


class AlreadyRunning(Conflict):
    """Another process has this data folder open."""

    code = "already_running"
    remedy = "Stop it first ('script/down', or end its process), or use another APPLIANCE_DATA_DIR."


class AddressTaken(Conflict):
    """Another program listens there, or this machine has no such address."""

    code = "address_taken"
    remedy = "Choose another with APPLIANCE_PORT or APPLIANCE_HOST, or end the program that has it."


@dataclass(frozen=True, slots=True)
class FirstStart:
    """Who administers this installation, and whether the account was made now."""

    administrator: str
    made: bool
    password: str | None = None
    """Only when it was made up by us; shown once."""


def run_for_long(work: Coroutine[Any, Any, None]) -> None:
    """Run a server's coroutine to its end, on the faster event loop.

    The collector of reference cycles took 5 to 12 % of a busy gateway: what the start has made is left out of its
    searches, and it looks less often. glibc gives each thread a heap of its own, which never shrinks: with one thread
    for each connection to SQLite, a gateway grew by a fifth over 200,000 requests.
    """
    os.umask(0o077)  # what the process makes is its owner's alone, whatever the folder's mode
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # glibc only
        mallopt(M_ARENA_MAX, ARENAS)
    gc.set_threshold(GC_THRESHOLD, 50, 50)
    uvloop.run(work)


def tidy_memory() -> None:
    """After the start: what is there now stays, so the collector need not look at it; what was dropped goes back."""
    gc.collect()
    gc.freeze()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:  # glibc only
        trim(0)


def end_at_last() -> None:
    """From a signal on the process has a bounded time; then it writes where each thread stands, and is gone."""
    faulthandler.dump_traceback_later(ENDS_S, exit=True)


@contextmanager
def sole_owner(settings: Settings, name: str = "lock") -> Iterator[None]:
    """Hold the data folder; the kernel lets go of it when the process dies, however it dies. Raises AlreadyRunning."""
    with (settings.run_dir / name).open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning(f"An appliance is running on {settings.data} already.") from error
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield


def is_held(settings: Settings) -> bool:
    """Whether a process has the data folder open."""
    with (settings.run_dir / "lock").open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@contextmanager
def operator_note(settings: Settings, token: str, first: FirstStart) -> Iterator[None]:
    """Leave the address and the operator's token for this machine's command line while the process runs."""
    note = settings.operator_file
    draft = note.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        facts = {"administrator": first.administrator, "first_start": first.made}
        json.dump({"url": _local_url(settings), "token": token, "pid": os.getpid(), **facts}, out)
    draft.replace(note)
    try:
        yield
    finally:
        note.unlink(missing_ok=True)


async def first_administrator(parts: Parts) -> FirstStart:
    """The account that everything begins with; made at the first start only."""
    existing = await parts.people.first_administrator()
    if existing is not None:
        return FirstStart(existing.email, made=False)
    admin = parts.settings.admin
    person, made = await parts.people.create(
        email=admin.email, name="Administrator", password=admin.password or None, roles=("administrator",)
    )
    return FirstStart(person.email, made=True, password=made)


async def work(parts: Parts) -> None:
    """Take in documents until SIGTERM or SIGINT."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    def end() -> None:
        end_at_last()
        ended.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(end_within, PART_ENDS_S, "database", parts.database.close)
        stack.push_async_callback(end_within, PART_ENDS_S, "index", parts.index.close)
        for part in (parts.engines, parts.jobs):
            await part.start()
            stack.push_async_callback(end_within, PART_ENDS_S, type(part).__name__, part.stop)
        await ended.wait()


def handed_socket(environment: MutableMapping[str, str], pid: int) -> socket.socket | None:
    """The first socket that a service manager has opened for this process; None when there is none.

    The variables are taken out: a child of ours would believe that they are about it.
    """
    given = {name: environment.pop(name, "") for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")}
    if given["LISTEN_PID"] != str(pid) or not given["LISTEN_FDS"].isdigit() or given["LISTEN_FDS"] == "0":
        return None
    made = socket.socket(fileno=FIRST_HANDED)
    os.set_inheritable(FIRST_HANDED, False)
    return made


@contextmanager
def bound_socket(settings: Settings) -> Iterator[socket.socket]:
    """The server's address, held before anything is made or started. Raises AddressTaken.

    A service manager that holds the address itself hands its socket over. Then a restart refuses nobody: who comes in
    between waits in the socket's queue.
    """
    handed = handed_socket(os.environ, os.getpid())
    if handed is not None:
        with handed:
            yield handed
        return
    host, port = settings.server.host, settings.server.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as made:  # asyncio turns Nagle off only then
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((host, port))
        except OSError as error:
            raise AddressTaken(f"{host}, port {port}: {error.strerror}.") from error
        yield made


async def serve(
    parts: Parts, first: FirstStart, address: socket.socket, *, announce: Callable[[], Awaitable[None]]
) -> None:
    """Run until SIGTERM or SIGINT. `announce` runs beside it once the server listens."""
    await migrate(parts.database)
    server = _Server(server_config(build_app(parts)))
    async with running(parts):
        announcer = asyncio.create_task(_when_listening(server, announce))
        with operator_note(parts.settings, parts.access.operator_token, first):
            await server.serve(sockets=[address])
        announcer.cancel()
        await asyncio.wait({announcer})


class _Server(uvicorn.Server):
    """uvicorn's server with our own signals: it would end the process before engines and jobs are stopped."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Ours stay until the process is gone: without them a second signal would kill it while its parts end."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._ask_to_stop)
        yield

    def _ask_to_stop(self) -> None:
        if not self.should_exit:
            end_at_last()
        self.force_exit = self.should_exit  # a second signal does not wait for open streams
        self.should_exit = True


async def _when_listening(server: uvicorn.Server, announce: Callable[[], Awaitable[None]]) -> None:
    while not server.started:  # noqa: ASYNC110 - the server offers a flag, no event
        await asyncio.sleep(0.05)
    tidy_memory()
    await announce()


def _local_url(settings: Settings) -> str:
    host = settings.server.host
    host = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104 - compared, not bound
    return f"http://{host}:{settings.server.port}"
