"""Is the process alive; can it do its work."""

import asyncio
from collections.abc import Awaitable, Callable

from litestar import Controller, Response, get
from msgspec import Struct


class Dependency(Struct):
    """One thing that we need, in words that give nothing away to a stranger."""

    name: str
    ready: bool
    detail: str = ""


class Readiness(Struct):
    ready: bool
    dependencies: list[Dependency]


ReadinessCheck = Callable[[], Awaitable[list[Dependency]]]


class HealthController(Controller):
    path = "/health"

    @get("/live", opt={"public": True})
    async def live(self) -> dict[str, bool]:
        """200 as long as the process runs. Never asks anything else, so that a slow engine is no reason to restart."""
        return {"live": True}

    @get("/ready", opt={"public": True})
    async def ready(self, readiness: ReadinessCheck) -> Response[Readiness]:
        """200 when every dependency works, 503 otherwise; a check that takes longer than 5 s counts as failed."""
        try:
            found = await asyncio.wait_for(readiness(), timeout=5.0)
        except TimeoutError:
            found = [Dependency(name="checks", ready=False, detail="no answer within 5 s")]
        good = all(d.ready for d in found)
        return Response(Readiness(ready=good, dependencies=found), status_code=200 if good else 503)
