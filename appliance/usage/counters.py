"""Every counter of the process that is in use."""

from collections.abc import Callable
from datetime import date

from appliance.usage.allowance import Allowance
from appliance.usage.limits import LimitBook
from appliance.usage.plan import Amounts, Counter, Plan, label_of
from appliance.usage.values import LIMITS, CounterKey, Limit
from appliance.usage.window import Gcra


class Counters:
    """Counters by their names."""

    def __init__(self, book: LimitBook, *, is_shared: Callable[[Limit], bool]) -> None:
        self._book = book
        self._is_shared = is_shared
        self._found: dict[CounterKey, Counter] = {}

    def find(self, key: CounterKey) -> Counter | None:
        return self._found.get(key)

    def shared(self) -> list[Allowance]:
        """Those whose contents are leased."""
        return [c for c in self._found.values() if isinstance(c, Allowance) and c.shared]

    def make(self, key: CounterKey, amount: int, spent: int) -> Counter:
        """A counter that is not there yet. `spent`: in its period so far, by this gateway when it is shared."""
        rule = LIMITS[key.name]
        limit = amount * rule.scale
        made: Counter
        if rule.period == "minute" and not self._is_shared(rule):
            made = Gcra(key, limit)
        else:
            made = Allowance(key, limit, spent=spent, shared=self._is_shared(rule))
        self._found[key] = made
        return made

    def is_shared(self, name: str) -> bool:
        return self._is_shared(LIMITS[name])

    def apply_limits(self, today: date) -> None:
        """Bring what is there to the limits of the book, and forget what no limit or period has any more."""
        for key, counter in list(self._found.items()):
            amount = self._book.of(key.who).get(key.name)
            rule = LIMITS[key.name]
            if amount is None or key.label != label_of(rule, today):
                del self._found[key]
                if isinstance(counter, Allowance):
                    counter.wake()
            elif isinstance(counter, Allowance):
                counter.change_limit(amount * rule.scale)
            elif counter.limit != amount:
                self._found[key] = Gcra(key, amount)

    def charge_missed(self, plan: Plan, used: Amounts) -> None:
        """Charge a request to the budgets of its caller that were set while it ran."""
        passed = {allowance.key for allowance in plan.allowances}
        for key, counter in self._found.items():
            if key in passed or key.who not in plan.subjects or not isinstance(counter, Allowance):
                continue
            if counter.is_budget and key.label == label_of(counter.rule, plan.day):
                counter.charge(used[counter.measure])
