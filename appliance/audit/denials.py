"""Refused requests, told to the audit in one place whatever refused them.

A flood must not fill the disk: of what is alike (who, from where, which route, why) the first twenty of a minute are
events of their own; those behind them are counted, and the count is one event when the minute is over.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog

from appliance.audit.errors import AuditUnwritable
from appliance.audit.events import Event, Value
from appliance.foundation import Trail

log = structlog.get_logger(__name__)

EACH = 20
"""Events of their own, of what is alike, in one minute."""
MINUTE_S = 60.0
MOST_KINDS = 10_000
"""Kinds that are told apart; what is beyond counts together."""
TOLD_ELSEWHERE = frozenset({"bad_credentials", "audit_unwritable"})
"""A wrong password has an event that knows whose."""
THROTTLED = "too_many_attempts"

Kind = tuple[str, str, str, int, str]
"""actor, source, route, status, code"""
REST: Kind = ("anonymous", "", "", 0, "many")


@dataclass(slots=True)
class Count:
    since_s: float
    told: int = 0
    untold: int = 0


class Denials:
    """One per process. `denied` is called for each answer that may be a refusal."""

    def __init__(
        self, write: Callable[[Event], Awaitable[None]], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._write = write
        self._monotonic = monotonic
        self._counts: dict[Kind, Count] = {}

    async def denied(self, trail: Trail, method: str, route: str, path: str, status: int) -> None:
        """Tell it, if it is a refusal: 401, 403, a throttled login, or a thing that is not there for this caller."""
        code, known = trail.error_code, trail.caller is not None
        hidden = status == 404 and known and "{" in route
        if not (status in (401, 403) or hidden or code == THROTTLED) or code in TOLD_ELSEWHERE:
            return
        actor = trail.caller.actor if trail.caller is not None else "anonymous"
        kind: Kind = (actor, trail.source, f"{method} {route}", status, code)
        if kind not in self._counts and len(self._counts) >= MOST_KINDS:
            kind = REST
        count = self._counts.setdefault(kind, Count(self._monotonic()))
        if count.told >= EACH:
            count.untold += 1
            return
        count.told += 1
        details: dict[str, Value] = {"status": status, "code": code}
        if known:
            details["path"] = path
        action = "login.throttled" if code == THROTTLED else "access.denied"
        await self._tell(Event(action, f"route:{method} {route}", "denied", details))

    async def tend(self, *, everything: bool = False) -> None:
        """Tell the counts whose minute is over, and forget them; `everything`: also those whose is not."""
        now_s = self._monotonic()
        for kind, count in list(self._counts.items()):
            if everything or now_s - count.since_s >= MINUTE_S:
                del self._counts[kind]
                if count.untold:
                    await self._tell(_sum(kind, count))

    async def _tell(self, event: Event) -> None:
        try:
            await self._write(event)
        except AuditUnwritable as error:  # the refusal stands all the same
            log.error("a refusal is not in the audit", action=event.action, reason=error.message)  # noqa: TRY400 - the cause is in the message


def _sum(kind: Kind, count: Count) -> Event:
    actor, source, route, status, code = kind
    details: Mapping[str, Value] = {"status": status, "code": code, "attempts": count.untold}
    action = "login.throttled" if code == THROTTLED else "access.denied"
    return Event(action, f"route:{route}", "denied", details, actor=actor, source=source, request_id="")
