"""Keeps one engine alive: starts it, waits for its first right answer, watches it by real work, restarts it."""

import asyncio
import os
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from appliance.inference import guard
from appliance.inference.backoff import delay_s
from appliance.inference.catalogue import Entry
from appliance.inference.client import EngineClient
from appliance.inference.command import EngineCommand
from appliance.inference.errors import EngineUnavailable, ModelFilesMissing
from appliance.inference.probe import probe
from appliance.inference.settings import InferenceSettings

log = structlog.get_logger(__name__)

STABLE_S = 300.0
"""A run this long forgets earlier failures."""

POLL_S = 0.5
FILES_POLL_S = 10.0


@dataclass(slots=True)
class Health:
    """What is known of an engine now."""

    state: str = "starting"
    """starting, ready, restarting, failed or stopped."""
    detail: str = "waiting to start"
    ready: asyncio.Event = field(default_factory=asyncio.Event)

    def set(self, state: str, detail: str) -> None:
        self.state, self.detail = state, detail
        if state == "ready":
            self.ready.set()
        else:
            self.ready.clear()


class LocalEngine:
    """An engine that runs here, behind its guard process."""

    def __init__(
        self,
        entry: Entry,
        command: Callable[[int], EngineCommand],
        connect: Callable[[str], EngineClient],
        check: Callable[[], None],
        settings: InferenceSettings,
    ) -> None:
        """`check` raises ModelFilesMissing when the engine's files are not as they should be."""
        self._entry = entry
        self._command = command
        self._check = check
        self._connect = connect
        self._settings = settings
        self.health = Health()
        self.client: EngineClient | None = None
        self._task: asyncio.Task[None] | None = None
        self._process: asyncio.subprocess.Process | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep_alive())

    async def stop(self) -> None:
        """End the engine and everything it started; returns when they are gone."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        self.health.set("stopped", "stopped")

    @property
    def log_file(self) -> Path:
        return self._settings.log_dir / f"engine-{self._entry.id}.log"

    async def _keep_alive(self) -> None:
        failures = 0
        while True:
            started = time.monotonic()
            try:
                await asyncio.to_thread(self._check)
                reason = await self._one_life()
            except ModelFilesMissing as error:
                self.health.set("failed", error.sentence())
                log.warning("engine cannot start", model=self._entry.id, reason=error.sentence())
                await asyncio.sleep(FILES_POLL_S)  # somebody may bring them meanwhile
                continue
            except OSError as error:
                reason = f"could not be started: {error.strerror}"
            failures = 1 if time.monotonic() - started > STABLE_S else failures + 1
            wait_s = delay_s(failures)
            self.health.set("restarting", f"{reason}; next start in {wait_s:.0f} s; see {self.log_file}")
            log.warning("engine ended", model=self._entry.id, reason=reason, failures=failures)
            await asyncio.sleep(wait_s)

    async def _one_life(self) -> str:
        """Run the engine until it ends or hangs. Returns why it is over."""
        port = free_port()
        read_end, write_end = os.pipe()
        try:
            process = await self._spawn(self._command(port), read_end)
        finally:
            os.close(read_end)
        self._process = process
        ended = asyncio.ensure_future(process.wait())
        try:
            self.client = self._connect(f"http://127.0.0.1:{port}/v1")
            if not await self._until_ready(ended):
                return "ended while starting" if ended.done() else "gave no right answer in time"
            return await self._watch(ended)
        finally:
            self.client = None
            os.close(write_end)  # the guard sees the end of the pipe, and ends the engine with all its children
            await asyncio.shield(ended)

    async def _spawn(self, command: EngineCommand, read_end: int) -> asyncio.subprocess.Process:
        self._settings.log_dir.mkdir(parents=True, exist_ok=True)
        return await asyncio.create_subprocess_exec(
            sys.executable,
            str(Path(guard.__file__)),
            str(read_end),
            str(self.log_file),
            "--",
            *command.argv,
            pass_fds=(read_end,),
            env=command.environment,
            stdin=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )

    async def _until_ready(self, ended: "asyncio.Future[int]") -> bool:
        started = time.monotonic()
        while not ended.done() and time.monotonic() - started < self._settings.start_timeout_s:
            self.health.set("starting", f"loading for {time.monotonic() - started:.0f} s")
            if await self._answers():
                self.health.set("ready", "ready")
                log.info("engine ready", model=self._entry.id, seconds=round(time.monotonic() - started, 1))
                return True
            await asyncio.wait({ended}, timeout=POLL_S)
        return False

    async def _watch(self, ended: "asyncio.Future[int]") -> str:
        while True:
            await asyncio.wait({ended}, timeout=self._settings.probe_interval_s)
            if ended.done():
                return f"ended with code {ended.result()}"
            if not await self._answers() and not ended.done():
                return "hung: it did not finish its known question in time"

    async def _answers(self) -> bool:
        if self.client is None:
            return False
        try:
            await asyncio.wait_for(probe(self._entry, self.client), timeout=self._settings.probe_timeout_s)
        except (EngineUnavailable, TimeoutError):
            return False
        return True


class RemoteEngine:
    """An engine that runs elsewhere: the same, without the process."""

    def __init__(self, entry: Entry, client: EngineClient, settings: InferenceSettings) -> None:
        self._entry = entry
        self.client: EngineClient | None = client
        self._settings = settings
        self.health = Health()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        self.health.set("stopped", "stopped")

    async def _watch(self) -> None:
        while True:
            good = await self._answers()
            self.health.set(*(("ready", "ready") if good else ("starting", "does not answer")))
            await asyncio.sleep(self._settings.probe_interval_s if good else POLL_S * 2)

    async def _answers(self) -> bool:
        if self.client is None:
            return False
        try:
            await asyncio.wait_for(probe(self._entry, self.client), timeout=self._settings.probe_timeout_s)
        except (EngineUnavailable, TimeoutError):
            return False
        return True


def free_port() -> int:
    """A port on the loopback address that nobody listens on at this moment."""
    with socket.socket() as probe_socket:
        probe_socket.bind(("127.0.0.1", 0))
        return int(probe_socket.getsockname()[1])
