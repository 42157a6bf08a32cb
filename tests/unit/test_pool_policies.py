"""Which replica, whether to try again, when a breaker opens, when batch work may run: pure, so tried with anything."""

from hypothesis import given
from hypothesis import strategies as st

from appliance.inference.pool.breaker import CLOSED, FAILURES, LONGEST_S, TRIAL_S, Breaker
from appliance.inference.pool.lanes import AGE_S, CALM_S, LaneLoad, batch_may_enter
from appliance.inference.pool.policy import (
    AFFINITY_FACTOR,
    AFFINITY_SLACK_TOKENS,
    Choice,
    LeastTokens,
    ReplicaLoad,
    weight,
)
from appliance.inference.pool.retry import ATTEMPTS, WITHIN_S, Attempts, next_step

POLICY = LeastTokens()
COUNTS = st.integers(0, 300)
NAMES = st.integers(0, 20).map(lambda n: f"gpu{n}:8000")
LOADS = st.lists(
    st.builds(
        ReplicaLoad,
        name=NAMES,
        requests=COUNTS,
        tokens=st.integers(0, 1_000_000),
        limit=st.integers(1, 256),
        out=st.sampled_from(["", "", "", "does no work"]),
    ),
    max_size=8,
    unique_by=lambda load: load.name,
)


def load(name: str, tokens: int, requests: int = 0, limit: int = 10, out: str = "") -> ReplicaLoad:
    return ReplicaLoad(name, requests, tokens, limit, out)


@given(LOADS, st.binary(max_size=16), st.sets(NAMES, max_size=4))
def test_a_choice_names_one_that_takes_requests_and_says_why_not_each_other(
    loads: list[ReplicaLoad], affinity: bytes, tried: set[str]
) -> None:
    choice = POLICY.choose(loads, affinity, tried)
    fit = [each for each in loads if not each.out and each.name not in tried and each.requests < each.limit]
    assert (choice.load is None) == (not fit)
    assert choice.reason
    named = {r.name for r in choice.rejected} | ({choice.load.name} if choice.load else set())
    assert named == {each.name for each in loads}
    assert all(r.reason for r in choice.rejected)
    if choice.load is not None:
        assert choice.load in fit
        least = min(each.tokens for each in fit)
        assert choice.load.tokens <= max(least, AFFINITY_FACTOR * least + AFFINITY_SLACK_TOKENS)
        if not affinity:
            assert choice.load.tokens == least


@given(st.binary(min_size=1, max_size=16), st.permutations([f"gpu{n}" for n in range(5)]))
def test_equal_beginnings_go_to_one_home_whatever_the_order(affinity: bytes, names: list[str]) -> None:
    homes = {choice.load.name for choice in (_idle(names, affinity), _idle(sorted(names), affinity)) if choice.load}
    assert len(homes) == 1
    home = homes.pop()
    for gone in set(names) - {home}:
        left = _idle([n for n in names if n != gone], affinity)
        assert left.load is not None
        assert left.load.name == home  # only the values of the one that is gone move


def _idle(names: list[str], affinity: bytes) -> Choice:
    return POLICY.choose([load(name, 0) for name in names], affinity, ())


def test_homes_are_spread_evenly() -> None:
    names = [f"10.0.0.{n}:8000" for n in range(3)]
    counts = dict.fromkeys(names, 0)
    for value in range(3000):
        counts[max(names, key=lambda n: weight(value.to_bytes(4, "big"), n))] += 1
    assert all(850 < count < 1150 for count in counts.values()), counts


def test_a_home_that_is_clearly_busier_is_passed_over() -> None:
    affinity = b"system prompt"
    home, other = sorted(("a", "b"), key=lambda n: weight(affinity, n), reverse=True)
    near = POLICY.choose([load(home, 5000), load(other, 1000)], affinity, ())
    far = POLICY.choose([load(home, 50_000), load(other, 1000)], affinity, ())
    full = POLICY.choose([load(home, 0, requests=10), load(other, 1000)], affinity, ())
    assert [c.load.name for c in (near, far, full) if c.load] == [home, other, other]
    assert "clearly more" in far.reason
    assert full.rejected[0].reason == "full"


@given(st.lists(st.booleans(), max_size=40), st.floats(-1, 1))
def test_a_breaker_opens_after_failures_in_a_row_and_waits_ever_longer(results: list[bool], jitter: float) -> None:
    now, breaker, in_a_row, pauses = 0.0, CLOSED, 0, []
    for good in results:
        now = max(now, breaker.until) if breaker.state != "closed" else now
        assert breaker.allows(now)
        breaker = breaker.tried(now)
        breaker = breaker.succeeded() if good else breaker.failed(now, jitter)
        in_a_row = 0 if good else in_a_row + 1
        assert (breaker.state == "open") == (in_a_row >= FAILURES)
        if breaker.state == "open":
            pauses.append(breaker.until - now)
            assert not breaker.allows(now + 0.7)
            assert breaker.until - now <= LONGEST_S * 1.2 + 1e-6
        else:
            pauses.clear()
        assert pauses == sorted(pauses) or pauses[-1] > LONGEST_S * 0.7


def test_an_open_breaker_lets_one_trial_through() -> None:
    opened = Breaker("open", 3, until=10.0)
    assert not opened.allows(9.9)
    trial = opened.tried(10.0)
    assert trial.state == "half_open"
    assert not trial.allows(10.0)
    assert trial.allows(10.0 + TRIAL_S)  # a trial that never reports is not waited for
    assert trial.undecided(12.0).allows(12.0)
    assert trial.succeeded().state == "closed"
    assert trial.failed(12.0, 0.0).until > 12.0
    assert CLOSED.undecided(1.0) is CLOSED


@given(st.integers(1, 20), st.floats(0, 100), st.sampled_from(["lost", "status", "frozen"]), st.booleans())
def test_trying_again_is_bounded_in_number_and_time(count: int, elapsed: float, cause: str, others: bool) -> None:
    step = next_step(Attempts(count, elapsed, cause, others))  # type: ignore[arg-type]
    if count >= ATTEMPTS or elapsed > WITHIN_S:
        assert step == "give_up"
    elif others:
        assert step == "other"
    else:
        assert step == ("same" if cause != "frozen" and count == 1 else "give_up")


LANE_LOADS = st.builds(
    LaneLoad,
    slots=COUNTS,
    running=COUNTS,
    batch_running=COUNTS,
    batch_limit=COUNTS,
    interactive_waiting=st.integers(0, 3),
    quiet_s=st.floats(0, 60),
    waited_s=st.floats(0, 120),
)


@given(LANE_LOADS)
def test_batch_work_never_takes_the_last_slots_unless_it_has_aged(load: LaneLoad) -> None:
    verdict = batch_may_enter(load)
    assert verdict.reason
    if not verdict.enters:
        return
    assert load.running < load.slots
    if not (load.batch_running == 0 and load.waited_s >= AGE_S):
        assert load.interactive_waiting == 0
        assert load.running < load.slots - int(load.slots * 0.25)
        assert load.batch_running < max(1, load.batch_limit)
        if load.quiet_s < CALM_S:
            assert load.batch_running < max(1, load.batch_limit // 4)


@given(LANE_LOADS)
def test_batch_work_never_starves_while_there_is_a_slot(load: LaneLoad) -> None:
    if load.batch_running == 0 and load.running < load.slots and load.waited_s >= AGE_S:
        assert batch_may_enter(load).enters
