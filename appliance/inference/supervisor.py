"""Keeps one engine alive: starts it, waits for its first right answer, watches it by real work, restarts it."""

import asyncio
import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from appliance.inference import guard
from appliance.inference.backoff import delay_s
from appliance.inference.catalogue import Entry
from appliance.inference.client import EngineClient
from appliance.inference.command import EngineCommand
from appliance.inference.errors import ModelFilesMissing
from appliance.inference.kept import POLL_S, KeptEngine
from appliance.inference.settings import InferenceSettings

log = structlog.get_logger(__name__)

STABLE_S = 300.0
"""A run this long forgets earlier failures."""

FILES_POLL_S = 10.0

FIRST = "1"
"""Name of a model's first replica on this machine."""

SAMPLE_S = 0.5
COMPUTES_SHARE = 0.2
"""An engine whose processes use at least this share of a core computes."""


class LocalEngine(KeptEngine):
    """An engine that runs here, behind its guard process."""

    def __init__(
        self,
        name: str,
        entry: Entry,
        command: Callable[[int], EngineCommand],
        connect: Callable[[str], EngineClient],
        check: Callable[[], None],
        settings: InferenceSettings,
    ) -> None:
        """`check` raises ModelFilesMissing when the engine's files are not as they should be."""
        super().__init__(name, entry, settings)
        self._command = command
        self._check = check
        self._connect = connect
        self._process: asyncio.subprocess.Process | None = None
        self._on_processor = False

    async def computes(self) -> bool:
        """By the processor time of its processes; with a GPU that proves nothing, as waiting for one is busy too."""
        process = self._process
        if process is None or not self._on_processor:
            return False
        before_s = await asyncio.to_thread(guard.processor_s, process.pid)
        await asyncio.sleep(SAMPLE_S)
        return await asyncio.to_thread(guard.processor_s, process.pid) - before_s > COMPUTES_SHARE * SAMPLE_S

    @property
    def log_file(self) -> Path:
        suffix = "" if self.name == FIRST else f"-{self.name}"
        return self.settings.log_dir / f"engine-{self.entry.id}{suffix}.log"

    async def _keep_alive(self) -> None:
        failures = 0
        while True:
            started = time.monotonic()
            try:
                await asyncio.to_thread(self._check)
                reason = await self._one_life()
            except ModelFilesMissing as error:
                self.health.set("failed", error.sentence())
                log.warning("engine cannot start", model=self.entry.id, replica=self.name, reason=error.sentence())
                await asyncio.sleep(FILES_POLL_S)  # somebody may bring them meanwhile
                continue
            except OSError as error:
                reason = f"could not be started: {error.strerror}"
            failures = 1 if time.monotonic() - started > STABLE_S else failures + 1
            wait_s = delay_s(failures)
            self.health.set("restarting", f"{reason}; next start in {wait_s:.0f} s; see {self.log_file}")
            log.warning("engine ended", model=self.entry.id, replica=self.name, reason=reason, failures=failures)
            await asyncio.sleep(wait_s)

    async def _one_life(self) -> str:
        """Run the engine until it ends or hangs. Returns why it is over."""
        port = free_port()
        read_end, write_end = os.pipe()
        try:
            command = self._command(port)
            process = await self._spawn(command, read_end)
        finally:
            os.close(read_end)
        self._process = process
        self.takes_priority = command.takes_priority
        self._on_processor = "CUDA_VISIBLE_DEVICES" not in command.environment
        self.address = f"http://127.0.0.1:{port}/v1"
        ended = asyncio.ensure_future(process.wait())
        try:
            self.client = self._connect(self.address)
            if not await self._until_ready(ended):
                return "ended while starting" if ended.done() else "gave no right answer in time"
            return await self._watch(ended)
        finally:
            self._leave()
            self._process, self.address = None, ""
            os.close(write_end)  # the guard sees the end of the pipe, and ends the engine with all its children
            await asyncio.shield(ended)

    async def _spawn(self, command: EngineCommand, read_end: int) -> asyncio.subprocess.Process:
        self.settings.log_dir.mkdir(parents=True, exist_ok=True)
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
        while not ended.done() and time.monotonic() - started < self.settings.start_timeout_s:
            self.health.set("starting", f"loading for {time.monotonic() - started:.0f} s")
            if await self._answers():
                self.health.set("ready", "ready")
                log.info(
                    "engine ready", model=self.entry.id, replica=self.name, seconds=round(time.monotonic() - started, 1)
                )
                return True
            await asyncio.wait({ended}, timeout=POLL_S)
        return False

    async def _watch(self, ended: "asyncio.Future[int]") -> str:
        while True:
            await asyncio.wait({ended}, timeout=self.settings.probe_interval_s)
            if ended.done():
                return f"ended with code {ended.result()}"
            if not await self._answers() and not ended.done():
                return "hung: it did not finish its known question in time"


def free_port() -> int:
    """A port on the loopback address that nobody listens on at this moment."""
    with socket.socket() as probe_socket:
        probe_socket.bind(("127.0.0.1", 0))
        return int(probe_socket.getsockname()[1])
