"""Plans: the arithmetic against what the docs work out by hand, and what must hold whatever the numbers are."""

import math
import re
from pathlib import Path

import msgspec
import pytest

from appliance.inference import Catalogue
from appliance.inference.gpus import LEAST_WINDOW_TOKENS, USABLE_RATIO, window_that_fits
from appliance.planning import (
    Correction,
    Corrections,
    PlanImpossible,
    Wanted,
    detected,
    known_accelerators,
    known_shapes,
    make_plan,
    parse_gpu_set,
    shape_of,
)
from appliance.planning.measured import ratio
from appliance.planning.memory import memory_on_gpu, possible_parallel
from appliance.planning.processor import Calibration, plan_processor
from appliance.planning.speed import Engine, first_token_s, step_s

CATALOGUE = Catalogue.load()
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "planning.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(?P<model>[\w.-]+)` \| (?P<gpus>\d+ x [\w ]+) \| (?P<rest>.+) \|$", re.MULTILINE)


def rows() -> list[tuple[str, str, list[str]]]:
    return [(m["model"], m["gpus"], [c.strip() for c in m["rest"].split("|")]) for m in ROW.finditer(PAGE)]


def gpu_set(text: str) -> str:
    count, _, name = text.partition(" x ")
    return f"{name}:{count}"


def test_ten_models_on_six_sets_are_worked_out() -> None:
    assert len({model for model, _, _ in rows()}) == 10
    assert len({gpus for _, gpus, _ in rows()}) == 6
    assert len(rows()) == 60


@pytest.mark.parametrize(("model", "gpus", "cells"), rows(), ids=[f"{m}-{g}" for m, g, _ in rows()])
def test_the_worked_example_is_what_is_planned(model: str, gpus: str, cells: list[str]) -> None:
    entry = CATALOGUE.get(model)
    plan = make_plan(entry, shape_of(entry), parse_gpu_set(gpu_set(gpus)), Wanted())
    if cells[0] == "does not fit":
        assert not plan.fits
        assert plan.reason
        return
    assert cells == [
        f"{plan.precision}, {plan.parallel}",
        str(plan.replicas),
        f"{plan.weights_gib:g}",
        f"{plan.needed_gib:g}",
        str(plan.cache_tokens),
        str(plan.context_tokens),
        str(plan.users),
        f"{plan.tokens_per_s:g}",
        f"{plan.tokens_per_s_each:g}",
        f"{plan.first_token_s:g}",
    ]


@pytest.mark.parametrize(("model", "gpus", "cells"), rows(), ids=[f"{m}-{g}" for m, g, _ in rows()])
def test_the_row_follows_from_the_formulas_of_the_page(model: str, gpus: str, cells: list[str]) -> None:
    """Written anew from the page, with nothing of the planner: figures of the catalogue, shapes and cards only."""
    if cells[0] == "does not fit":
        return
    entry, shape = CATALOGUE.get(model), known_shapes()[model]
    card = parse_gpu_set(gpu_set(gpus)).card
    precision, t = cells[0].split(", ")[0], int(cells[0].split(", ")[1])
    weights = entry.weights_gib * (0.53 if precision == "fp8" else 1) / t
    widest = 4 * shape.hidden + 3 * shape.inner * shape.experts_used / t
    activations = (8192 * widest * 2 + 256 * shape.vocabulary * 8) / 2**30
    needed = weights + activations + 1.6 + (0.5 if t > 1 else 0)
    assert float(cells[2]) == pytest.approx(weights, abs=0.006)
    assert float(cells[3]) == pytest.approx(needed, abs=0.006)
    kv = shape.layers * shape.kv_heads * shape.head_size * 4 / min(t, shape.kv_heads)
    tokens = (card.memory_gib * 0.92 - needed) * 2**30 / kv
    assert int(cells[4]) == pytest.approx(tokens, rel=1e-3)
    assert int(cells[5]) == min(entry.context_tokens, int(cells[4])) // 1024 * 1024
    assert int(cells[6]) <= int(cells[1]) * min(256, int(cells[4]) // 2400)
    if shape.experts == 1:  # decode reads all weights and one context
        moved = weights * 2**30 + 2400 * kv
        exchange = 0.0
        if t > 1:
            exchange = 2 * shape.layers * (12e-6 + shape.hidden * 4 * (t - 1) / t / (card.link_gbs * 1e9))
        seconds = moved / (card.bandwidth_gbs * 1e9 * 0.75) + exchange + 0.0015
        assert float(cells[7]) == pytest.approx(1 / seconds, rel=5e-3)


def test_shapes_agree_with_the_catalogue() -> None:
    for shape in known_shapes().values():
        assert shape.kv_bytes == CATALOGUE.get(shape.id).kv_bytes_per_token, shape.id


def test_every_recommended_chat_model_can_be_planned() -> None:
    for entry in CATALOGUE.all():
        if entry.recommended:
            assert shape_of(entry).layers


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("NVIDIA H100 80GB HBM3", "H100 80GB"),
        ("NVIDIA H100 PCIe", "H100 PCIe"),
        ("NVIDIA A100-SXM4-40GB", "A100 40GB"),
        ("NVIDIA A100-SXM4-80GB", "A100 80GB"),
        ("NVIDIA A10", "A10"),
        ("NVIDIA L4", "L4"),
        ("NVIDIA L40S", "L40S"),
        ("NVIDIA H200", "H200"),
        ("h200", "H200"),
    ],
)
def test_cards_are_found_by_the_names_of_the_driver(name: str, found: str) -> None:
    assert parse_gpu_set(f"{name}:2").card.name == found


def test_every_card_is_found_by_its_own_name() -> None:
    for card in known_accelerators():
        assert parse_gpu_set(card.name).card == card


@pytest.mark.parametrize("text", ["H100:0", "H100:x", "H100:65", "GeForce 256:1"])
def test_what_is_no_set_of_gpus_is_refused(text: str) -> None:
    with pytest.raises(PlanImpossible):
        parse_gpu_set(text)


def test_the_largest_group_of_equal_cards_counts() -> None:
    found = detected("NVIDIA L4, 23034\nNVIDIA H100 80GB HBM3, 81559\nNVIDIA H100 80GB HBM3, 81559\n[N/A], [N/A]\n")
    assert found is not None
    assert (found.card.name, found.count) == ("H100 80GB", 2)
    assert found.card.memory_gib == pytest.approx(79.65, abs=0.01)
    assert detected("") is None


def test_tensor_parallel_divides_the_heads() -> None:
    shapes = known_shapes()
    assert possible_parallel(shapes["qwen3-8b"], 8) == [1, 2, 4, 8]
    assert possible_parallel(shapes["phi-4"], 8) == [1, 2], "10 key-value heads"
    assert possible_parallel(shapes["qwen3-30b-a3b-instruct-2507"], 8) == [1, 2, 4, 8], "4 heads, copied on 8"
    assert possible_parallel(shapes["qwen3-8b"], 6) == [1, 2]
    copied = memory_on_gpu(shapes["qwen3-30b-a3b-instruct-2507"], 56.9, 80.0, 8, "published")
    half = memory_on_gpu(shapes["qwen3-30b-a3b-instruct-2507"], 56.9, 80.0, 4, "published")
    assert copied.tokens < half.tokens * 1.3, "a copy saves nothing"


@pytest.mark.parametrize("model", sorted(known_shapes()))
def test_more_and_faster_gpus_are_never_worse(model: str) -> None:
    entry, shape = CATALOGUE.get(model), known_shapes()[model]
    plans = [make_plan(entry, shape, parse_gpu_set(f"H100 80GB:{n}"), Wanted()) for n in (1, 2, 4, 8)]
    assert [p.users for p in plans] == sorted(p.users for p in plans)
    h200 = make_plan(entry, shape, parse_gpu_set("H200:2"), Wanted())
    assert h200.users >= plans[1].users
    assert h200.context_tokens >= plans[1].context_tokens or plans[1].parallel > h200.parallel


@pytest.mark.parametrize("model", ["qwen3-8b", "gpt-oss-120b", "qwen3-32b"])
def test_longer_work_means_fewer_people(model: str) -> None:
    entry, shape = CATALOGUE.get(model), known_shapes()[model]
    gpus = parse_gpu_set("H100 80GB:1")
    users = [make_plan(entry, shape, gpus, Wanted(prompt_tokens=n)).users for n in (500, 2000, 8000)]
    assert users == sorted(users, reverse=True)
    engine = Engine(shape, gpus, 1, "published", entry.weights_gib, entry.parameters_billion)
    assert first_token_s(engine, 500) < first_token_s(engine, 2000) < first_token_s(engine, 8000)
    assert step_s(engine, 1, 1000) < step_s(engine, 64, 1000)


def test_a_plan_is_corrected_by_what_was_measured() -> None:
    entry, shape, gpus = CATALOGUE.get("qwen3-8b"), known_shapes()["qwen3-8b"], parse_gpu_set("H100 80GB:1")
    planned = make_plan(entry, shape, gpus, Wanted())
    corrected = make_plan(entry, shape, gpus, Wanted(), Correction(memory=1.2, decode=0.8, prefill=0.5))
    assert corrected.corrected
    assert corrected.needed_gib == pytest.approx(planned.needed_gib * 1.2, rel=1e-3)
    assert corrected.tokens_per_s == pytest.approx(planned.tokens_per_s * 0.8, rel=1e-3)
    assert corrected.first_token_s == pytest.approx(planned.first_token_s * 2, rel=2e-2)
    assert corrected.cache_tokens < planned.cache_tokens
    assert corrected.users < planned.users


def test_corrections_are_kept_per_machine_and_model(tmp_path: Path) -> None:
    kept = Corrections(tmp_path / "planning.json")
    assert kept.get("m", "qwen3-8b") is None
    kept.keep("m", "qwen3-8b", Correction(decode=0.9))
    kept.keep("m", "phi-4", Correction(memory=1.1))
    assert Corrections(tmp_path / "planning.json").get("m", "qwen3-8b") == Correction(decode=0.9)
    assert kept.get("other", "qwen3-8b") is None
    (tmp_path / "planning.json").write_text("{", encoding="utf-8")
    with pytest.raises(PlanImpossible):
        kept.get("m", "qwen3-8b")


@pytest.mark.parametrize(("measured", "planned"), [(0.0, 1.0), (1.0, 0.0), (100.0, 1.0), (-1.0, 1.0)])
def test_nonsense_is_no_correction(measured: float, planned: float) -> None:
    with pytest.raises(PlanImpossible):
        ratio(measured, planned)


def test_a_processor_is_planned_by_its_measurement() -> None:
    entry, shape = CATALOGUE.get("smollm2-135m-instruct"), known_shapes()["smollm2-135m-instruct"]
    plan = plan_processor(entry, shape, Calibration(2**29, 2**30, 2**28, 0.04, 0.001), 1)
    parts = 2 * 0.5 + 1 + 0.25 + 0.14 + 0.07 + entry.weights_gib + 576 * 49152 * 2 / 2**30 + 1
    assert plan.memory_gib == pytest.approx(parts, abs=0.006)
    assert plan.tokens_per_s == 25.0
    assert plan.context_tokens == 4096
    corrected = plan_processor(
        entry, shape, Calibration(2**29, 2**30, 2**28, 0.04, 0.001), 1, Correction(memory=2.0, decode=0.5)
    )
    assert corrected.tokens_per_s == 12.5
    assert corrected.memory_gib == pytest.approx(2 * plan.memory_gib, abs=0.02)


def test_a_model_without_known_shape_is_read_from_its_files(tmp_path: Path) -> None:
    entry = msgspec.structs.replace(CATALOGUE.get("qwen3-8b"), id="our-model")
    with pytest.raises(PlanImpossible):
        shape_of(entry, tmp_path)
    (tmp_path / "config.json").write_text(
        '{"num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2, '
        '"intermediate_size": 128, "vocab_size": 1000}',
        encoding="utf-8",
    )
    shape = shape_of(entry, tmp_path)
    assert shape.kv_bytes == 2 * 2 * 16 * 4
    assert math.isclose(shape.head_size, 16)


@pytest.mark.parametrize("card", ["L4", "L40S", "A100 40GB", "H100 80GB", "H200"])
def test_what_is_planned_is_what_an_appliance_then_serves(card: str) -> None:
    """Two sums, one from shapes and one from what the catalogue says: neither promises what the other refuses."""
    gpus, compared = parse_gpu_set(f"{card}:1"), 0
    for model_id, shape in known_shapes().items():
        entry = CATALOGUE.get(model_id)
        if entry.task != "chat" or entry.gpus != 1:
            continue
        plan = make_plan(entry, shape, gpus, Wanted())
        least = min(LEAST_WINDOW_TOKENS, entry.window_tokens())
        served = window_that_fits(entry, gpus.card.memory_gib * USABLE_RATIO) >= least
        if served:
            assert plan.fits, model_id
        if plan.fits and plan.precision == "published":
            assert served, model_id
        compared += 1
    assert compared >= 10
