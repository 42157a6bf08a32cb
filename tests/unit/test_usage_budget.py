"""A budget, on one gateway and on several: whatever happens in whatever order, it holds, and nothing is lost."""

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from appliance.foundation import SystemClock
from appliance.usage.allowance import Allowance
from appliance.usage.leases import Leases
from appliance.usage.ledger import Ledger
from appliance.usage.pool import Answer, Holding, PoolAway, divide
from appliance.usage.values import CounterKey, Limit

KEY = CounterKey("user:1", "tokens_per_day", "2026-11-25")
LIMIT = 1000


class Budget(RuleBasedStateMachine):
    """One gateway."""

    def __init__(self) -> None:
        super().__init__()
        self.limit = LIMIT
        self.budget = Allowance(KEY, LIMIT)
        self.holds: list[int] = []
        self.used = 0

    @rule(amount=st.integers(1, 400))
    def reserve(self, amount: int) -> None:
        if self.budget.free >= amount:
            self.budget.take(amount)
            self.holds.append(amount)

    @precondition(lambda self: self.holds)
    @rule(share=st.floats(0, 1), last=st.booleans())
    def settle(self, share: float, last: bool) -> None:
        amount = self.holds.pop(-1 if last else 0)
        self.budget.settle(amount, int(amount * share))
        self.used += int(amount * share)

    @rule(limit=st.integers(0, 2000))
    def change(self, limit: int) -> None:
        self.budget.change_limit(limit)
        self.limit = limit

    @invariant()
    def it_adds_up(self) -> None:
        assert self.budget.free + self.budget.held + self.budget.spent == self.limit
        assert (self.budget.held, self.budget.spent) == (sum(self.holds), self.used)


class Memory:
    """The store, as `divide` has it; an answer may be lost on its way, and so may everything it knows."""

    def __init__(self) -> None:
        self.rows: dict[str, Holding] | None = None
        self.short_by = ""
        self.lose_answer = self.lose_question = False

    def side(self, me: str) -> "Side":
        return Side(self, me)


class Side:
    def __init__(self, memory: Memory, me: str) -> None:
        self._memory = memory
        self._me = me

    def covers(self, limit: Limit) -> bool:
        return limit.is_budget

    async def declare(self, key: CounterKey, limit: int, have: Holding, need: int) -> Answer | None:
        memory = self._memory
        if memory.lose_question:
            memory.lose_question = False
            raise PoolAway("lost")
        if memory.rows is None:
            return None
        others = [row for name, row in memory.rows.items() if name != self._me]
        answer = divide(limit, have, need, others, [], scarce=bool(memory.short_by))
        memory.rows[self._me] = Holding(have.spent, have.held, have.free + answer.granted)
        wanted = memory.short_by not in ("", self._me)
        if need:
            memory.short_by = "" if answer.granted else self._me
        if memory.lose_answer:
            memory.lose_answer = False
            raise PoolAway("lost")
        return Answer(answer.granted, answer.left, answer.idle, answer.held, wanted=wanted)

    async def begin(self, key: CounterKey, spent: Mapping[UUID, int]) -> None:
        self._memory.rows = self._memory.rows or {}

    async def take_rate(self, key: CounterKey, limit: int, need: int) -> Answer:
        raise NotImplementedError

    async def sign(self) -> None:
        """Everybody lives."""

    async def close(self) -> None:
        """Nothing to close."""


async def _nothing_spent(who: str, today: object) -> dict[UUID, Any]:
    return {}


class Town(RuleBasedStateMachine):
    """Three gateways that lease from one store, die, and come back with what their journals say."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = Memory()
        ledger: Any = SimpleNamespace(spent=_nothing_spent)
        self.leases = [Leases(self.memory.side(str(n)), ledger, SystemClock()) for n in range(3)]
        self.allowances = [Allowance(KEY, LIMIT, shared=True) for _ in range(3)]
        self.holds: list[list[int]] = [[], [], []]

    @rule(at=st.integers(0, 2), amount=st.integers(1, 300))
    def reserve(self, at: int, amount: int) -> None:
        allowance, leases = self.allowances[at], self.leases[at]
        allowance.answer_s = leases._away_until_s = 0.0
        allowance.loan = 0  # what may be used without the store is another test's matter
        if allowance.free < amount:
            try:
                asyncio.run(leases.lease(allowance, amount))
            except PoolAway:
                return
        if allowance.free >= amount:
            allowance.take(amount)
            self.holds[at].append(amount)

    @rule(at=st.integers(0, 2), share=st.floats(0, 1))
    def settle(self, at: int, share: float) -> None:
        if self.holds[at]:
            amount = self.holds[at].pop()
            self.allowances[at].settle(amount, int(amount * share))

    @rule(at=st.integers(0, 2))
    def tend(self, at: int) -> None:
        asyncio.run(self.leases[at].tend([self.allowances[at]]))

    @rule(question=st.booleans())
    def something_gets_lost(self, question: bool) -> None:
        self.memory.lose_question, self.memory.lose_answer = question, not question

    @rule(at=st.integers(0, 2))
    def die_and_come_back(self, at: int) -> None:
        """What was open is charged as it was held; what was free is not said any more."""
        before = self.allowances[at]
        self.allowances[at] = Allowance(KEY, LIMIT, spent=before.spent + before.held, shared=True)
        self.holds[at] = []

    @invariant()
    def nobody_has_what_another_has(self) -> None:
        assert sum(a.spent + a.held + max(0, a.free) for a in self.allowances) <= LIMIT

    @invariant()
    def the_store_never_thinks_too_little_of_anybody(self) -> None:
        for at, allowance in enumerate(self.allowances):
            row = (self.memory.rows or {}).get(str(at), Holding(0, 0, 0))
            assert row.spent + row.held + row.free >= allowance.spent + allowance.held + allowance.free

    def teardown(self) -> None:
        """Whoever is short in the end gets all that nobody uses."""
        self.memory.lose_question = self.memory.lose_answer = False
        for at in (0, 1, 2):
            asyncio.run(self.leases[at].give_back([self.allowances[at]]))
            asyncio.run(self.leases[at].tend([self.allowances[at]]))
            asyncio.run(self.leases[at].give_back([self.allowances[at]]))
        rest = LIMIT - sum(a.spent + a.held for a in self.allowances)
        last = self.allowances[1]
        last.answer_s = self.leases[1]._away_until_s = 0.0
        if rest > 0:
            asyncio.run(self.leases[1].lease(last, rest))
        assert last.free == rest


class Slow(Side):
    """A store whose answers take until they are let go."""

    def __init__(self) -> None:
        super().__init__(Memory(), "0")
        self._memory.rows = {}
        self.asked, self.let_go = asyncio.Event(), asyncio.Event()

    async def declare(self, key: CounterKey, limit: int, have: Holding, need: int) -> Answer | None:
        answer = await super().declare(key, limit, have, need)
        self.asked.set()
        await self.let_go.wait()
        return answer


async def test_an_answer_about_the_limit_of_before_is_not_believed() -> None:
    """A limit that is raised while the store is told something counts for the very next request."""
    store, ledger = Slow(), SimpleNamespace(spent=_nothing_spent)
    leases, allowance = Leases(store, cast("Ledger", ledger), SystemClock()), Allowance(KEY, 5, shared=True)
    telling = asyncio.create_task(leases.tend([allowance]))
    await store.asked.wait()
    allowance.change_limit(LIMIT)
    store.let_go.set()
    await telling
    assert (await leases.lease(allowance, 20)).granted >= 20


Budget.TestCase.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
Town.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
test_a_budget_adds_up = Budget.TestCase
test_a_shared_budget_is_not_exceeded = Town.TestCase
