"""Which engines run here and what each gets, who may stand in for whom, and who orders by priority."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.inference import (
    Catalogue,
    FallbackInvalid,
    Gpu,
    GpuTooSmall,
    InferenceSettings,
    ModelChoice,
    engine_command,
    local_shares,
)
from appliance.inference.client import EngineClient
from appliance.inference.plan import BATCH_ON_PROCESSOR, BATCH_RUNNING, check_fallbacks, pool_rules, threads_each
from appliance.inference.supervisor import LocalEngine

FOLDER = Path("/srv/appliance")
SETTINGS = InferenceSettings(engine_dir=FOLDER / "engine", model_dir=FOLDER / "models", log_dir=FOLDER / "logs")
CATALOGUE = Catalogue.load(Path("/nonexistent"))
CHAT, EMBED = "smollm2-135m-instruct", "multilingual-e5-small"


def test_each_replica_gets_a_share_of_its_own() -> None:
    choices = [ModelChoice("qwen3-4b-instruct-2507", replicas=2), ModelChoice(EMBED)]
    shares = local_shares(CATALOGUE, choices, [Gpu(0, 48.0), Gpu(1, 48.0)])
    assert set(shares) == {"qwen3-4b-instruct-2507", "qwen3-4b-instruct-2507-2", EMBED}
    assert {shares[name].devices for name in shares if name != EMBED} == {(0,), (1,)}
    with pytest.raises(GpuTooSmall):
        local_shares(CATALOGUE, [replace(choices[0], replicas=9)], [Gpu(0, 48.0)])


def test_threads_are_shared_by_all_engines_of_the_machine() -> None:
    cores = os.cpu_count() or 2
    assert threads_each([ModelChoice(CHAT, replicas=2)]) == max(1, cores // 2)
    assert threads_each([ModelChoice(CHAT, base_urls=("http://gpu1/v1",)), ModelChoice(EMBED)]) == cores


def test_batch_work_is_bounded_by_what_the_engine_bears() -> None:
    assert pool_rules(ModelChoice(CHAT), SETTINGS, on_processor=True).batch_running == BATCH_ON_PROCESSOR
    assert pool_rules(ModelChoice(CHAT), SETTINGS, on_processor=False).batch_running == BATCH_RUNNING
    assert pool_rules(ModelChoice(CHAT, batch_running=7), SETTINGS, on_processor=True).batch_running == 7


def test_a_silent_engine_is_waited_for_unless_another_model_stands_in() -> None:
    assert pool_rules(ModelChoice(CHAT), SETTINGS, on_processor=False).silent_wait_s == SETTINGS.max_wait_s
    stands_in = ModelChoice(CHAT, fallbacks=("qwen3-0.6b",))
    assert pool_rules(stands_in, SETTINGS, on_processor=False).silent_wait_s < SETTINGS.max_wait_s


@pytest.mark.parametrize(
    ("model", "fallback"), [(CHAT, "nobody"), (CHAT, EMBED), (EMBED, CHAT), (CHAT, CHAT), (CHAT, "qwen3-8b")]
)
def test_who_cannot_stand_in_is_named_before_the_start(model: str, fallback: str) -> None:
    choices = [
        replace(c, fallbacks=(fallback,)) if c.id == model else c for c in (ModelChoice(CHAT), ModelChoice(EMBED))
    ]
    with pytest.raises(FallbackInvalid, match=fallback):
        check_fallbacks(choices, CATALOGUE)


def test_a_chat_model_stands_in_for_another() -> None:
    check_fallbacks([ModelChoice(CHAT, fallbacks=("qwen3-8b",)), ModelChoice("qwen3-8b")], CATALOGUE)


@pytest.mark.parametrize(
    ("arguments", "orders"),
    [
        ((), True),
        (("--scheduling-policy", "fcfs"), False),
        (("--scheduling-policy=fcfs",), False),
        (("--scheduling-policy", "priority"), True),
    ],
)
def test_priorities_are_sent_only_to_engines_that_order_by_them(arguments: tuple[str, ...], orders: bool) -> None:
    choice = ModelChoice(CHAT, engine_args=arguments)
    command = engine_command(CATALOGUE.get(CHAT), choice, SETTINGS, port=9000, gpu=None, threads=1)
    assert command.takes_priority is orders


def test_every_replica_writes_a_log_of_its_own() -> None:
    def nothing(_: object = None) -> EngineClient:
        raise AssertionError

    names = [
        LocalEngine(name, CATALOGUE.get(CHAT), nothing, nothing, nothing, SETTINGS).log_file.name  # type: ignore[arg-type]
        for name in ("1", "2")
    ]
    assert names == [f"engine-{CHAT}.log", f"engine-{CHAT}-2.log"]
