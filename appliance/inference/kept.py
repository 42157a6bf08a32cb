"""What engines have in common, whoever keeps them alive: `LocalEngine` and `RemoteEngine` are made of it."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field

from appliance.inference.catalogue import Entry
from appliance.inference.client import EngineClient
from appliance.inference.errors import EngineUnavailable
from appliance.inference.probe import probe, touch
from appliance.inference.settings import InferenceSettings
from appliance.inference.transport import Transport

POLL_S = 0.5


def _nobody() -> None:
    """Nobody wants to know."""


@dataclass(slots=True)
class Health:
    """What is known of an engine now."""

    state: str = "starting"
    """starting, ready, restarting, failed or stopped."""
    detail: str = "waiting to start"
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    changed: Callable[[], None] = _nobody
    """Called after each change."""

    def set(self, state: str, detail: str) -> None:
        self.state, self.detail = state, detail
        if state == "ready":
            self.ready.set()
        else:
            self.ready.clear()
        self.changed()


class KeptEngine(ABC):
    """Implements the pool's `Backend`, but for what only the one who keeps it knows."""

    takes_priority = False
    address = ""

    def __init__(self, name: str, entry: Entry, settings: InferenceSettings) -> None:
        self.name = name
        self.entry = entry
        self.settings = settings
        self.health = Health()
        self.client: EngineClient | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to keep it alive; returns at once."""
        self._task = asyncio.create_task(self._keep_alive())

    async def stop(self) -> None:
        """End the keeping, and what it keeps; returns when it is gone."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        self._leave()
        self.health.set("stopped", "stopped")

    @property
    def ready(self) -> bool:
        """As `Backend.ready`."""
        return self.client is not None and self.health.ready.is_set()

    @property
    def state(self) -> str:
        """As `Backend.state`."""
        return self.health.state

    @property
    def detail(self) -> str:
        """As `Backend.detail`."""
        return self.health.detail

    @property
    def transport(self) -> Transport | None:
        """As `Backend.transport`."""
        return None if self.client is None else self.client.transport

    async def work(self) -> None:
        """As `Backend.work`."""
        if self.client is None:
            raise EngineUnavailable("The engine has no process.")
        await touch(self.entry, self.client)

    async def computes(self) -> bool:
        """As `Backend.computes`."""
        return False

    @abstractmethod
    async def _keep_alive(self) -> None:
        """Until it is cancelled."""

    def _leave(self) -> None:
        """Talk to it no more."""
        if self.client is not None:
            self.client.transport.close()
            self.client = None

    async def _answers(self) -> bool:
        """Its known question, in time and rightly."""
        if self.client is None:
            return False
        try:
            await asyncio.wait_for(probe(self.entry, self.client), timeout=self.settings.probe_timeout_s)
        except (EngineUnavailable, TimeoutError):
            return False
        return True
