"""What is counted is counted right, and nobody can make series without end."""

from uuid import uuid4

from prometheus_client.parser import text_string_to_metric_families

from appliance.foundation import TRAIL, Trail
from appliance.metrics import Meters
from appliance.metrics.families import MAX_SERIES, Counters
from tests.support.metrics import value_of


def written(meters: Meters) -> str:
    text = meters.text().decode()
    assert list(text_string_to_metric_families(text)), "Prometheus cannot read it"
    return text


def test_a_call_is_counted_by_model_and_end() -> None:
    meters = Meters()
    meters.know(models=["small"], assistants=["documents"])
    trail = Trail("r1")
    TRAIL.set(trail)
    call = meters.calls.begin("small", "chat/completions")
    call.came()
    call.came()
    call.ended(10, 20, "done")
    call.ended(10, 20, "cancelled")
    text = written(meters)
    assert value_of(text, "appliance_engine_calls_total", model="small", outcome="done") == 1
    assert value_of(text, "appliance_engine_calls_total", model="small", outcome="cancelled") == 0
    assert value_of(text, "appliance_tokens_total", model="small", direction="completion") == 20
    assert value_of(text, "appliance_first_token_seconds_count", model="small") == 1
    assert value_of(text, "appliance_token_gap_seconds_count", model="small") == 1
    assert (trail.model_id, trail.prompt_tokens, trail.completion_tokens) == ("small", 10, 20)


def test_names_that_nobody_knows_are_one_series() -> None:
    meters = Meters()
    meters.know(models=["small"], assistants=[])
    for number in range(50):
        meters.calls.begin(f"made up {number}", "chat/completions").ended(1, 1, "done")
        meters.turns.ended(f"made up {number}", "done", 0.0)
        meters.requests.began()
        meters.requests.ended("", f"VERB{number}", 404, 0.1)
    text = written(meters)
    assert "made up" not in text
    assert "VERB" not in text
    assert value_of(text, "appliance_tokens_total", model="other", direction="prompt") == 50
    assert value_of(text, "appliance_http_requests_total", endpoint="other", method="other", status="4xx") == 50


def test_a_caller_counts_for_the_first_listed_of_their_groups() -> None:
    first, second, unlisted = uuid4(), uuid4(), uuid4()
    meters = Meters((first, second))
    for groups in ({second, first}, {second}, {unlisted}, set()):
        meters.calls.begin("small", "embeddings", frozenset(groups)).ended(5, 0, "done")
    text = written(meters)
    assert value_of(text, "appliance_group_calls_total", group=str(first)) == 1
    assert value_of(text, "appliance_group_calls_total", group=str(second)) == 1
    assert value_of(text, "appliance_group_tokens_total", group="other", direction="prompt") == 10


def test_a_family_has_a_bound() -> None:
    family = Counters("x_total", "x", ("label",))
    for number in range(3 * MAX_SERIES):
        family.of(str(number)).value += 1
    (metric,) = family.collect()
    assert len(metric.samples) == MAX_SERIES + 1
    assert sum(s.value for s in metric.samples) == 3 * MAX_SERIES


def test_times_fall_into_the_bucket_that_holds_them() -> None:
    meters = Meters()
    for seconds in (0.005, 0.0051, 299.0, 1000.0):
        meters.requests.began()
        meters.requests.ended("/x", "GET", 200, seconds)
    text = written(meters)
    assert value_of(text, "appliance_http_request_seconds_bucket", endpoint="/x", le="0.005") == 1
    assert value_of(text, "appliance_http_request_seconds_bucket", endpoint="/x", le="0.01") == 2
    assert value_of(text, "appliance_http_request_seconds_bucket", endpoint="/x", le="300.0") == 3
    assert value_of(text, "appliance_http_request_seconds_bucket", endpoint="/x", le="+Inf") == 4
    assert value_of(text, "appliance_http_requests_in_flight") == 0
