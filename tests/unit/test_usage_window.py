"""Rates: never more than they say, and never less than they must."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from appliance.usage.headers import duration
from appliance.usage.values import CounterKey
from appliance.usage.window import PERIOD_S, Gcra

TOKENS = CounterKey("user:1", "tokens_per_minute")


class Rate(RuleBasedStateMachine):
    """Against a bucket that is filled drop by drop."""

    def __init__(self) -> None:
        super().__init__()
        self.limit = 60
        self.rate = Gcra(TOKENS, self.limit)
        self.now_s = 1000.0
        self.level = float(self.limit)
        self.held: list[int] = []

    @rule(amount=st.integers(1, 80))
    def ask(self, amount: int) -> None:
        charged = min(amount, self.limit)
        wait_s = self.rate.wait_s(amount, self.now_s)
        assert (wait_s == 0) == (charged <= self.level + 1e-3)
        if wait_s == 0:
            self.rate.take(amount, self.now_s)
            self.level -= charged
            self.held.append(amount)
        else:
            assert abs(wait_s - (charged - self.level) * PERIOD_S / self.limit) < 1e-3

    @precondition(lambda self: self.held)
    @rule(share=st.floats(0, 1))
    def settle(self, share: float) -> None:
        amount = self.held.pop()
        used = int(min(amount, self.limit) * share)
        self.rate.settle(amount, used)
        self.level = min(self.limit, self.level + min(amount, self.limit) - used)

    @rule(passed_s=st.integers(0, 90))
    def wait(self, passed_s: int) -> None:
        self.now_s += passed_s
        self.level = min(self.limit, self.level + passed_s * self.limit / PERIOD_S)

    @invariant()
    def what_is_said_is_so(self) -> None:
        assert abs(self.rate.remaining(self.now_s) - self.level) < 1.001
        assert 0 <= self.rate.reset_s(self.now_s) <= PERIOD_S + 1e-3


Rate.TestCase.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
test_a_rate_is_a_bucket = Rate.TestCase


@given(limit=st.integers(1, 5000), every_s=st.floats(0.001, 5), seconds=st.integers(1, 200))
@settings(max_examples=100, deadline=None)
def test_no_stretch_of_time_lets_more_through(limit: int, every_s: float, seconds: int) -> None:
    rate, passed = Gcra(TOKENS, limit), 0
    for step in range(min(5000, int(seconds / every_s))):
        now_s = 50.0 + step * every_s
        if not rate.wait_s(1, now_s):
            rate.take(1, now_s)
            passed += 1
    assert passed <= limit + limit * seconds / PERIOD_S + 1


def test_exactly_the_limit_passes_at_once() -> None:
    for limit in (1, 3, 7, 100, 999, 12345):
        rate = Gcra(TOKENS, limit)
        passed = 0
        while not rate.wait_s(1, 77.7):
            rate.take(1, 77.7)
            passed += 1
        assert passed == limit
        assert rate.remaining(77.7) == 0


def test_nothing_passes_a_limit_of_nothing() -> None:
    assert Gcra(TOKENS, 0).wait_s(1, 5.0) == PERIOD_S
    assert Gcra(TOKENS, 0).remaining(5.0) == 0


def test_durations_are_written_as_openai_writes_them() -> None:
    written = {0: b"0ms", 0.017: b"17ms", 1: b"1s", 8.64: b"8.64s", 360: b"6m0s", 3600: b"1h0m0s", 59.9996: b"1m0s"}
    assert {s: duration(s) for s in written} == written
