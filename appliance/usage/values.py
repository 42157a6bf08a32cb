"""The names of limits, and what they mean."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

REQUESTS, TOKENS, MILLISECONDS, SLOTS = 0, 1, 2, 3
"""Measures: places in the tuple of amounts that a request asks for."""

EVERYONE = "everyone"
NO_KEY = UUID(int=0)
"""Stands in the ledger for "without a key": the web UI and the machine's own command line."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What one of the names below means."""

    name: str
    measure: int
    period: Literal["minute", "now", "day", "month", "total"]
    scale: int = 1
    """Units of the measure in one of the limit: a budget of engine seconds is counted in milliseconds."""

    @property
    def is_budget(self) -> bool:
        """Something that is used up, until its period ends."""
        return self.period not in ("minute", "now")


LIMITS: Mapping[str, Limit] = {
    limit.name: limit
    for limit in (
        Limit("requests_per_minute", REQUESTS, "minute"),
        Limit("tokens_per_minute", TOKENS, "minute"),
        Limit("concurrent_requests", SLOTS, "now"),
        Limit("requests_per_day", REQUESTS, "day"),
        Limit("tokens_per_day", TOKENS, "day"),
        Limit("engine_seconds_per_day", MILLISECONDS, "day", 1000),
        Limit("requests_per_month", REQUESTS, "month"),
        Limit("tokens_per_month", TOKENS, "month"),
        Limit("engine_seconds_per_month", MILLISECONDS, "month", 1000),
        Limit("requests_total", REQUESTS, "total"),
        Limit("tokens_total", TOKENS, "total"),
        Limit("engine_seconds_total", MILLISECONDS, "total", 1000),
    )
}
"""Name → limit. The day and the month are those of UTC."""


@dataclass(frozen=True, slots=True)
class CounterKey:
    """Names one counter, the same on every gateway."""

    who: str
    """`user:<id>`, `group:<id>` or `key:<id>`."""
    name: str
    """A name of `LIMITS`."""
    label: str = ""
    """Day (`2026-11-25`) or month (`2026-11`) of a budget; empty for those that begin no new period."""
