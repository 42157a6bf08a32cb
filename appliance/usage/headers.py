"""The `x-ratelimit-*` headers, as OpenAI names and writes them."""

from appliance.usage.allowance import Allowance
from appliance.usage.plan import Plan
from appliance.usage.values import REQUESTS, TOKENS
from appliance.usage.wire import Standing

NAMES = {
    REQUESTS: (b"x-ratelimit-limit-requests", b"x-ratelimit-remaining-requests", b"x-ratelimit-reset-requests"),
    TOKENS: (b"x-ratelimit-limit-tokens", b"x-ratelimit-remaining-tokens", b"x-ratelimit-reset-tokens"),
}


def rate_headers(plan: Plan, now_s: float) -> tuple[tuple[bytes, bytes], ...]:
    """Of the rate per minute; where there is none, of the budget with the least left. Nothing where nothing is set."""
    made: list[tuple[bytes, bytes]] = []
    for measure, rates, budgets in plan.told:
        limit, remaining, reset = NAMES[measure]
        if rates:
            rate = rates[0] if len(rates) == 1 else min(rates, key=lambda r: r.remaining(now_s))
            made.append((limit, b"%d" % rate.limit))
            made.append((remaining, b"%d" % rate.remaining(now_s)))
            made.append((reset, duration(rate.reset_s(now_s))))
        elif budgets:
            budget = budgets[0] if len(budgets) == 1 else min(budgets, key=left)
            made.append((limit, b"%d" % budget.limit))
            made.append((remaining, b"%d" % left(budget)))
            ends_s = plan.ends_s.get(budget.rule.period)
            if ends_s is not None:
                made.append((reset, duration(max(0.0, ends_s - now_s))))
    return tuple(made)


def left(allowance: Allowance) -> int:
    """Of a budget, as far as this gateway knows."""
    return max(0, allowance.free + allowance.elsewhere)


def standings(plan: Plan, now_s: float) -> list[Standing]:
    """The same for people: every limit, budgets in their own units."""
    rates = [Standing(r.key.who, r.key.name, r.limit, r.remaining(now_s)) for r in plan.rates]
    rest = [Standing(a.key.who, a.key.name, a.limit // a.rule.scale, left(a) // a.rule.scale) for a in plan.allowances]
    return [*rates, *rest]


def duration(seconds: float) -> bytes:
    """As OpenAI writes it: `17ms`, `8.64s`, `6m0s`, `1h0m0s`."""
    if seconds < 0.9995:
        return b"%dms" % round(seconds * 1000)
    if seconds < 59.9995:
        return f"{seconds:.3f}".rstrip("0").rstrip(".").encode() + b"s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return b"%dh%dm%ds" % (hours, minutes, rest) if hours else b"%dm%ds" % (minutes, rest)
