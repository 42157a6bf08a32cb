"""An engine that runs elsewhere: asked like one of ours, started by somebody else."""

import asyncio
from urllib.parse import urlsplit

from appliance.inference.catalogue import Entry
from appliance.inference.client import EngineClient
from appliance.inference.errors import EngineUnavailable
from appliance.inference.kept import POLL_S, KeptEngine
from appliance.inference.settings import InferenceSettings

LISTED = 5
"""So many of the ids that an engine serves are named."""


class RemoteEngine(KeptEngine):
    """At a base URL, which need not be one engine: a router in front of several looks the same."""

    def __init__(
        self, entry: Entry, url: str, client: EngineClient, settings: InferenceSettings, *, is_router: bool = False
    ) -> None:
        super().__init__(without_password(url), entry, settings)
        self.address = self.name
        self.client = client
        self._is_router = is_router

    async def work(self) -> None:
        """A router is asked for its own health: one of its engines that hangs must not take out the others."""
        if self._is_router and self.client is not None:
            await self.client.health()
        else:
            await super().work()

    async def _keep_alive(self) -> None:
        while True:
            good = await self._answers()
            if good:
                self.health.set("ready", "ready")
            else:
                self.health.set("starting", await self._why_not())
            await asyncio.sleep(self.settings.probe_interval_s if good else POLL_S * 2)

    async def _why_not(self) -> str:
        """Most often the engine serves the model under another name."""
        if self.client is None:
            return "does not answer"
        try:
            ids = await asyncio.wait_for(self.client.models(), timeout=5.0)
        except (EngineUnavailable, TimeoutError):
            return "does not answer"
        if self.entry.id in ids:
            return "lists the model, but does not answer its known question rightly"
        named = ", ".join(f"'{i}'" for i in ids[:LISTED]) or "nothing"
        return f"serves {named}, not '{self.entry.id}'; start it with --served-model-name {self.entry.id}"


def without_password(url: str) -> str:
    """The URL as it may be shown."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
