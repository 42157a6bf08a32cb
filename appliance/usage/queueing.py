"""What happens to a request that does not fit at once: it waits for a settlement, is shortened, or is refused.

A reservation is an upper bound, so a budget looks emptier than it is while requests run. Refusing then would refuse
requests that fit a moment later, and a budget for 100 requests would let fewer pass. So (decision 0015):

* What cannot fit even if all running requests gave back everything is refused at once.
* Otherwise the request waits for settlements, in order of arrival, for at most `settle_wait_s`.
* When nothing runs that could give anything back, a request for more than what is left is shortened to it.

With several gateways, the shared store is asked before any of this, and what others have counts as what may come back.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from appliance.foundation import Clock
from appliance.identity import Principal
from appliance.usage import refusal
from appliance.usage.allowance import Allowance
from appliance.usage.errors import Headers, LimitsUnavailable
from appliance.usage.headers import rate_headers
from appliance.usage.leases import Leases
from appliance.usage.plan import Amounts, Plan
from appliance.usage.plans import Plans
from appliance.usage.pool import PoolAway
from appliance.usage.port import Ask
from appliance.usage.settings import UsageSettings
from appliance.usage.values import MILLISECONDS, SLOTS, TOKENS
from appliance.usage.window import Gcra

Admitted = tuple[Plan, Amounts, int]
"""The plan that was passed, what was taken, and the most tokens that may be generated."""

LOOK_S = 0.1
"""Other gateways give back without a word: their part is looked at so often."""


@dataclass(slots=True)
class _Wait:
    """How far one request's waiting has come."""

    ask: Ask
    until_s: float
    at: Allowance | None = None
    """Whose queue it has stood in."""

    async def settlement(self, short: Allowance, now_s: float) -> None:
        called = self.at is short
        if self.at is not None and not called:
            self.at.wake()
        self.at = short
        left_s = self.until_s - now_s
        await short.settlement(min(left_s, LOOK_S) if short.shared else left_s, first=called)


class Queueing:
    """The slow way in; the fast one is in `service.py`."""

    def __init__(self, plans: Plans, leases: Leases | None, clock: Clock, settings: UsageSettings) -> None:
        self._plans = plans
        self._leases = leases
        self._clock = clock
        self._settings = settings

    async def admit(self, principal: Principal, ask: Ask, amounts_of: Callable[[Ask, Plan], Amounts]) -> Admitted:
        """Take what the request needs, after a wait if need be. Raises LimitExceeded, LimitsUnavailable."""
        wait = _Wait(ask, time.monotonic() + self._settings.settle_wait_s)
        try:
            while True:
                plan = await self._plans.plan(principal)
                now_s = time.monotonic()
                amounts = amounts_of(ask, plan)
                short = plan.short_of(amounts, now_s, queued_at=wait.at)
                if short is None:
                    plan.take(amounts, now_s)
                    return plan, amounts, ask.max_tokens
                headers = rate_headers(plan, now_s)
                if isinstance(short, Gcra):
                    wait_s = short.wait_s(amounts[short.measure], now_s)
                    raise refusal.rate_exceeded(short.limit, short.measure, wait_s, headers)
                if await self._more_comes(short, amounts[short.measure], wait, headers):
                    continue
                shortened = _shortened(plan, ask, amounts)
                now_s = time.monotonic()
                if shortened is None or plan.short_of(shortened, now_s, queued_at=short) is not None:
                    raise refusal.in_use(headers)
                plan.take(shortened, now_s)
                return plan, shortened, shortened[TOKENS] - ask.prompt_tokens
        finally:
            if wait.at is not None:
                wait.at.wake()

    async def _more_comes(self, short: Allowance, amount: int, wait: _Wait, headers: Headers) -> bool:
        """Get or wait for more. True: look again. False: nothing more will come, but a part is there. Else raises."""
        behind = bool(short.waiters) and wait.at is not short
        if short.shared and not behind and await self._leased(short, amount):
            return True
        if short.is_rate:
            raise refusal.rate_exceeded(short.limit, short.measure, short.answer.wait_s or 1.0, headers)
        bounded = short.measure in (TOKENS, MILLISECONDS)
        may_return = short.answer.idle + ((max(0, short.held) + short.answer.held) if bounded else 0)
        if short.free + short.elsewhere + may_return < (_least(short, wait.ask) if bounded else 1):
            raise refusal.exceeded(short, self._clock.now(), headers)
        now_s = time.monotonic()
        if (may_return or behind) and now_s < wait.until_s:
            await wait.settlement(short, now_s)
            return True
        if not bounded:
            raise (
                refusal.exceeded(short, self._clock.now(), headers)
                if short.measure == SLOTS
                else refusal.in_use(headers)
            )
        if short.shared and short.elsewhere:
            await self._leased(short, short.free + short.elsewhere)
        return False

    async def _leased(self, short: Allowance, amount: int) -> bool:
        """Whether there is enough now. Raises LimitsUnavailable."""
        if self._leases is None:
            return False
        try:
            await self._leases.lease(short, amount)
        except PoolAway as away:
            raise LimitsUnavailable("Limits cannot be agreed on with the other gateways.") from away
        return short.free >= min(amount, short.most)


def _least(short: Allowance, ask: Ask) -> int:
    """The smallest amount with which the request makes sense: its prompt and one token."""
    return 1 if short.measure == MILLISECONDS else least_tokens(ask)


def least_tokens(ask: Ask) -> int:
    return ask.prompt_tokens + min(1, ask.max_tokens)


def _shortened(plan: Plan, ask: Ask, amounts: Amounts) -> Amounts | None:
    """As much as every budget still has; None when that is too little."""
    tokens, milliseconds = amounts[TOKENS], amounts[MILLISECONDS]
    for allowance in plan.allowances:
        if allowance.measure == TOKENS and not allowance.is_rate:
            tokens = min(tokens, allowance.free)
        elif allowance.measure == MILLISECONDS:
            milliseconds = min(milliseconds, allowance.free)
    if tokens < least_tokens(ask) or milliseconds < min(1, amounts[MILLISECONDS]):
        return None
    return amounts[0], tokens, milliseconds, amounts[3]
