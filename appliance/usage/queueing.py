"""What happens to a request that does not fit at once: it waits for a settlement, is shortened, or is refused.

A reservation is an upper bound, so a budget looks emptier than it is while requests run. Refusing then would refuse
requests that fit a moment later, and a budget for 100 requests would let fewer pass. So (decision 0015):

* What cannot fit even if all running requests gave back everything is refused at once.
* Otherwise the request waits for settlements, in order of arrival, for at most `settle_wait_s`.
* When nothing runs that could give anything back, a request for more than what is left is shortened to it.
"""

import time
from collections.abc import Callable

from appliance.foundation import Clock
from appliance.identity import Principal
from appliance.usage import refusal
from appliance.usage.allowance import Allowance
from appliance.usage.headers import rate_headers
from appliance.usage.plan import Amounts, Plan
from appliance.usage.plans import Plans
from appliance.usage.port import Ask
from appliance.usage.settings import UsageSettings
from appliance.usage.values import MILLISECONDS, TOKENS
from appliance.usage.window import Gcra

Admitted = tuple[Plan, Amounts, int]
"""The plan that was passed, what was taken, and the most tokens that may be generated."""


class Queueing:
    """The slow way in; the fast one is in `service.py`."""

    def __init__(self, plans: Plans, clock: Clock, settings: UsageSettings) -> None:
        self._plans = plans
        self._clock = clock
        self._settings = settings

    async def admit(self, principal: Principal, ask: Ask, amounts_of: Callable[[Ask, Plan], Amounts]) -> Admitted:
        """Take what the request needs, after a wait if need be. Raises LimitExceeded."""
        deadline_s = time.monotonic() + self._settings.settle_wait_s
        queued_at: Allowance | None = None
        try:
            while True:
                plan = await self._plans.plan(principal)
                now_s = time.monotonic()
                amounts = amounts_of(ask, plan)
                short = plan.short_of(amounts, now_s, queued_at=queued_at)
                if short is None:
                    plan.take(amounts, now_s)
                    return plan, amounts, ask.max_tokens
                headers = rate_headers(plan, now_s)
                if isinstance(short, Gcra):
                    wait_s = short.wait_s(amounts[short.measure], now_s)
                    raise refusal.rate_exceeded(short.limit, short.measure, wait_s, headers)
                if short.measure not in (TOKENS, MILLISECONDS) or not self._may_ever_fit(short, ask):
                    raise refusal.exceeded(short, self._clock.now(), headers)
                called = queued_at is short
                if (short.held > 0 or (short.waiters and not called)) and now_s < deadline_s:
                    if queued_at is not None and not called:
                        queued_at.wake()
                    queued_at = short
                    await short.settlement(deadline_s - now_s, first=called)
                    continue
                shortened = _shortened(plan, ask, amounts)
                if shortened is None or plan.short_of(shortened, now_s, queued_at=short) is not None:
                    raise refusal.in_use(headers)
                plan.take(shortened, now_s)
                return plan, shortened, shortened[TOKENS] - ask.prompt_tokens
        finally:
            if queued_at is not None:
                queued_at.wake()

    def _may_ever_fit(self, short: Allowance, ask: Ask) -> bool:
        """Whether the smallest form of the request fits, if all that run gave back what they hold."""
        least = 1 if short.measure == MILLISECONDS else least_tokens(ask)
        return short.free + max(0, short.held) >= least


def least_tokens(ask: Ask) -> int:
    """Prompt and one token of an answer: with less, a request makes no sense."""
    return ask.prompt_tokens + min(1, ask.max_tokens)


def _shortened(plan: Plan, ask: Ask, amounts: Amounts) -> Amounts | None:
    """As much as every budget still has; None when that is too little."""
    tokens, milliseconds = amounts[TOKENS], amounts[MILLISECONDS]
    for allowance in plan.allowances:
        if allowance.measure == TOKENS:
            tokens = min(tokens, allowance.free)
        elif allowance.measure == MILLISECONDS:
            milliseconds = min(milliseconds, allowance.free)
    if tokens < least_tokens(ask) or milliseconds < min(1, amounts[MILLISECONDS]):
        return None
    return amounts[0], tokens, milliseconds, amounts[3]
