"""From the counter that does not let a request through to the error that says so."""

from datetime import UTC, date, datetime, time, timedelta

from appliance.usage.allowance import Allowance
from appliance.usage.errors import (
    BudgetInUse,
    ConcurrencyExceeded,
    Headers,
    LimitExceeded,
    QuotaExceeded,
    RequestRateExceeded,
    TokenRateExceeded,
)
from appliance.usage.values import REQUESTS, SLOTS

IN_WORDS = {
    "requests": "requests",
    "tokens": "tokens",
    "engine_seconds": "engine seconds",
}
NEVER_S = 24 * 3600.0
"""Sent for a budget that no new period renews: 'later' is all that can be said."""


def rate_exceeded(limit: int, measure: int, wait_s: float, headers: Headers) -> LimitExceeded:
    """Too much in this minute."""
    if measure == REQUESTS:
        return RequestRateExceeded(f"More than {limit} requests per minute.", retry_after_s=wait_s, headers=headers)
    return TokenRateExceeded(f"More than {limit} tokens per minute.", retry_after_s=wait_s, headers=headers)


def exceeded(allowance: Allowance, now: datetime, headers: Headers) -> LimitExceeded:
    """A budget is used up, or too many requests run at once."""
    if allowance.measure == SLOTS:
        return ConcurrencyExceeded(f"More than {allowance.limit} requests at once.", retry_after_s=1.0, headers=headers)
    amount = allowance.limit // allowance.rule.scale
    what, _, period = allowance.key.name.partition("_per_")
    words = IN_WORDS[what.removesuffix("_total")]
    return QuotaExceeded(
        f"The budget of {amount} {words}{' per ' + period if period else ''} is used up.",
        retry_after_s=renewal_s(allowance, now),
        headers=headers,
    )


def in_use(headers: Headers) -> LimitExceeded:
    """What is left is held by requests that still run."""
    return BudgetInUse(
        "What is left of the budget is held by requests that still run.", retry_after_s=1.0, headers=headers
    )


def renewal_s(allowance: Allowance, now: datetime) -> float:
    """Seconds until a budget begins anew."""
    today = now.date()
    if allowance.rule.period == "day":
        begin: date = today + timedelta(days=1)
    elif allowance.rule.period == "month":
        begin = (today.replace(day=28) + timedelta(days=4)).replace(day=1)
    else:
        return NEVER_S
    return (datetime.combine(begin, time(), UTC) - now).total_seconds()
