"""The plans of those who called lately."""

import time
from collections.abc import Iterable

from appliance.foundation import Clock
from appliance.identity import Principal
from appliance.usage.counters import Counters
from appliance.usage.ledger import Ledger, SpentByGateway
from appliance.usage.limits import LimitBook
from appliance.usage.plan import Plan, make_plan, wanted_counters
from appliance.usage.values import LIMITS, CounterKey


class Plans:
    """Caller → plan. A plan is made when it is first needed, and again when limits, groups or the day change."""

    def __init__(self, book: LimitBook, counters: Counters, ledger: Ledger, clock: Clock) -> None:
        self._book = book
        self._counters = counters
        self._ledger = ledger
        self._clock = clock
        self._kept: dict[object, Plan] = {}

    def kept(self, principal: Principal, now_s: float) -> Plan | None:
        """The plan that is there, when it is still right."""
        plan = self._kept.get(principal.key_id or principal.user_id)
        if plan is None or plan.good_until_s <= now_s or plan.principal.group_ids != principal.group_ids:
            return None
        return plan

    async def plan(self, principal: Principal) -> Plan:
        """Make or find it; what was used before is asked of the database for counters that are new."""
        now_s = time.monotonic()
        plan = self.kept(principal, now_s)
        while plan is None:
            wanted = wanted_counters(principal, self._book, self._clock.now().date())
            await self._make_missing(wanted)
            found = [
                self._counters.find(key) for key in wanted_counters(principal, self._book, self._clock.now().date())
            ]
            if None not in found:  # unless a limit or the day has changed meanwhile
                plan = make_plan(principal, [c for c in found if c is not None], clock=self._clock, now_s=now_s)
                self._kept[principal.key_id or principal.user_id] = plan
        return plan

    def forget(self) -> None:
        """Limits have changed."""
        self._kept.clear()

    def forget_old(self, now_s: float) -> None:
        """Of callers who have gone, and of yesterday."""
        for name, plan in list(self._kept.items()):
            if plan.good_until_s <= now_s:
                del self._kept[name]

    def is_kept(self, plan: Plan) -> bool:
        """Whether it is what the next request of its caller would pass."""
        return self._kept.get(plan.principal.key_id or plan.principal.user_id) is plan

    async def _make_missing(self, wanted: Iterable[CounterKey]) -> None:
        today = self._clock.now().date()
        missing = [key for key in wanted if self._counters.find(key) is None]
        for who in {key.who: None for key in missing}:
            budgets = any(LIMITS[key.name].is_budget for key in missing if key.who == who)
            spent = await self._ledger.spent(who, today) if budgets else {}
            # No await from here on: what is used from now on is charged to the counter itself.
            for key in missing:
                amount = self._book.of(who).get(key.name)
                if key.who == who and amount is not None and self._counters.find(key) is None:
                    self._counters.make(key, amount, self._spent_on(key, spent))

    def _spent_on(self, key: CounterKey, spent: SpentByGateway) -> int:
        rule = LIMITS[key.name]
        if not rule.is_budget:
            return 0
        counting = {self._ledger.gateway_id} if self._counters.is_shared(key.name) else set(spent)
        return sum(spent[gateway][rule.period][rule.measure] for gateway in counting)
