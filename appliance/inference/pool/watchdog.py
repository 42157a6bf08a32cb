"""Finds a replica that does no work, by real work: one token, with a deadline.

A health page is answered by another process than the one that computes, so it proves nothing. Bytes of other requests
prove as much as a token, so a replica that sends some is not asked. One that is busy may be late without being dead:
bytes that came meanwhile speak for it, and on this machine processor time does, for a while.
"""

import asyncio
import time
from dataclasses import dataclass

import structlog

from appliance.inference.errors import EngineUnavailable
from appliance.inference.pool.admission import Admission
from appliance.inference.pool.breaker import CLOSED
from appliance.inference.pool.replica import Replica
from appliance.inference.pool.watcher import Watcher

log = structlog.get_logger(__name__)

OUT_INTERVAL_S = 1.0
"""A replica that is out is asked more often, so that it is back soon."""

BELIEVED_S = 60.0
"""An engine that computes and gives nothing is believed to be busy for so long."""


@dataclass(frozen=True, slots=True)
class WatchRules:
    interval_s: float = 2.5
    """A replica that was silent for so long is asked."""
    deadline_s: float = 5.0
    """It is out when the token has not come in this time; with the interval, how fast a frozen one is found."""


class Watchdog:
    """Watches one replica; `run` never ends by itself."""

    def __init__(
        self, model_id: str, replica: Replica, admission: Admission, rules: WatchRules, watcher: Watcher
    ) -> None:
        self._model_id = model_id
        self._replica = replica
        self._admission = admission
        self._rules = rules
        self._watcher = watcher
        self._worked_at = time.monotonic()

    async def run(self) -> None:
        """Ask when the replica has been silent, for ever."""
        while True:
            await asyncio.sleep(self._pause_s())
            if not self._replica.backend.ready:
                self._worked_at = time.monotonic()  # somebody else starts it, and tells when it is ready
                await asyncio.sleep(self._rules.interval_s)
            elif await self._works():
                self._in()
            else:
                self._out()

    def _pause_s(self) -> float:
        """So that it is asked when it has been silent for the interval, and not before."""
        if not self._replica.works:
            return OUT_INTERVAL_S
        silent_s = time.monotonic() - max(self._replica.heard_at, self._worked_at)
        return max(0.05, self._rules.interval_s - silent_s)

    async def _works(self) -> bool:
        began = time.monotonic()
        if self._replica.works and began - self._replica.heard_at < self._rules.interval_s:
            return True
        try:
            async with asyncio.timeout(self._rules.deadline_s):
                await self._replica.backend.work()
        except TimeoutError:
            if self._replica.heard_at > began:
                return True
            silent_s = time.monotonic() - max(self._replica.heard_at, self._worked_at)
            return self._replica.works and silent_s < BELIEVED_S and await self._replica.backend.computes()
        except EngineUnavailable:
            return False
        self._worked_at = time.monotonic()
        return True

    def _in(self) -> None:
        if self._replica.works:
            return
        self._replica.works = True
        self._replica.breaker = CLOSED
        log.info("replica works again", model=self._model_id, replica=self._replica.name)
        self._watcher.health(self._model_id, self._replica.name, takes=True, reason="works again")
        self._admission.grant()

    def _out(self) -> None:
        if not self._replica.works:
            return
        self._replica.works = False
        log.warning("replica does no work", model=self._model_id, replica=self._replica.name)
        self._watcher.health(self._model_id, self._replica.name, takes=False, reason="does no work")
        if self._admission.takes():
            self._replica.freeze()  # with nowhere else to go, waiting for it is the better bet
