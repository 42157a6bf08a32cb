"""Which counters a caller's requests have to pass; kept, so that a request asks nothing of the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from appliance.foundation import Clock
from appliance.identity import Principal
from appliance.usage.allowance import Allowance
from appliance.usage.limits import LimitBook
from appliance.usage.values import LIMITS, MILLISECONDS, NO_KEY, REQUESTS, TOKENS, CounterKey, Limit
from appliance.usage.window import Gcra

LONGEST_S = 60.0
"""A plan is made anew after this, in case somebody set the machine's clock."""

Counter = Allowance | Gcra
Amounts = tuple[int, int, int, int]
"""By measure: requests, tokens, milliseconds, slots."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one caller's requests have to pass."""

    principal: Principal
    subjects: tuple[str, ...]
    user: bytes
    key: bytes
    groups: tuple[bytes, ...]
    allowances: tuple[Allowance, ...]
    rates: tuple[Gcra, ...]
    day: date
    good_until_s: float
    ends_s: Mapping[str, float]
    """When the present day and month end."""
    counts_time: bool
    """Whether a budget of engine time is among them."""
    told: tuple[tuple[int, tuple[Gcra, ...], tuple[Allowance, ...]], ...]
    """Measure, its rates, its budgets: what callers are told in headers."""

    def short_of(self, amounts: Amounts, now_s: float, *, queued_at: Allowance | None = None) -> Counter | None:
        """The first counter that does not let this through now; None when all do.

        A counter for which others wait lets nobody pass them, but the one that `queued_at` says was called.
        """
        for allowance in self.allowances:
            amount = amounts[allowance.measure]
            if allowance.free < (amount if amount < allowance.most else allowance.most) or (
                allowance.waiters and allowance is not queued_at
            ):
                return allowance
        for rate in self.rates:
            if rate.wait_s(amounts[rate.measure], now_s):
                return rate
        return None

    def take(self, amounts: Amounts, now_s: float) -> None:
        for allowance in self.allowances:
            allowance.take(amounts[allowance.measure])
        for rate in self.rates:
            rate.take(amounts[rate.measure], now_s)

    def settle(self, amounts: Amounts, used: Amounts) -> None:
        for allowance in self.allowances:
            allowance.settle(amounts[allowance.measure], used[allowance.measure])
        for rate in self.rates:
            rate.settle(amounts[rate.measure], used[rate.measure])


def subjects_for(principal: Principal) -> tuple[str, ...]:
    """Whose limits count for a caller: the user's, the key's, and those of each group."""
    key = () if principal.key_id is None else (f"key:{principal.key_id}",)
    return (f"user:{principal.user_id}", *key, *(f"group:{g}" for g in sorted(principal.group_ids)))


def label_of(limit: Limit, today: date) -> str:
    """Names the period that a budget is in."""
    return {"day": today.isoformat(), "month": today.isoformat()[:7]}.get(limit.period, "")


def make_plan(principal: Principal, counters: Sequence[Counter], *, clock: Clock, now_s: float) -> Plan:
    """Put a caller's counters in order."""
    now = clock.now()
    midnight = datetime.combine(now.date() + timedelta(days=1), time(), UTC)
    next_month = datetime.combine((now.replace(day=28) + timedelta(days=4)).date().replace(day=1), time(), UTC)
    allowances = tuple(c for c in counters if isinstance(c, Allowance))
    rates = tuple(c for c in counters if isinstance(c, Gcra))
    return Plan(
        principal=principal,
        subjects=subjects_for(principal),
        user=principal.user_id.bytes,
        key=(principal.key_id or NO_KEY).bytes,
        groups=tuple(g.bytes for g in sorted(principal.group_ids)),
        allowances=allowances,
        rates=rates,
        day=now.date(),
        good_until_s=now_s + min(LONGEST_S, (midnight - now).total_seconds()),
        ends_s={
            "day": now_s + (midnight - now).total_seconds(),
            "month": now_s + (next_month - now).total_seconds(),
        },
        counts_time=any(a.measure == MILLISECONDS for a in allowances),
        told=tuple(
            (m, tuple(r for r in rates if r.measure == m), tuple(a for a in allowances if a.measure == m))
            for m in (REQUESTS, TOKENS)
        ),
    )


def wanted_counters(principal: Principal, book: LimitBook, today: date) -> list[CounterKey]:
    """Each counter that a caller has to pass."""
    return [
        CounterKey(who, name, label_of(LIMITS[name], today)) for who in subjects_for(principal) for name in book.of(who)
    ]
