"""Which model a GPU machine serves by itself, and how engines share its GPUs."""

from pathlib import Path

import pytest

from appliance.inference import (
    Catalogue,
    Gpu,
    GpuTooSmall,
    InferenceSettings,
    ModelChoice,
    default_choices,
    engine_command,
    local_shares,
)
from appliance.inference.gpus import LEAST_WINDOW_TOKENS, USABLE_RATIO, parse_gpus, share_gpus, window_that_fits

CATALOGUE = Catalogue.load(Path("/nonexistent"))
FOLDER = Path("/srv/appliance")
SETTINGS = InferenceSettings(engine_dir=FOLDER / "engine", model_dir=FOLDER / "models", log_dir=FOLDER / "logs")


def test_the_driver_s_lines_are_read_and_a_card_in_error_is_left_out() -> None:
    assert parse_gpus("0, 24564\n1, [N/A]\n2, 81559\n3, 4096\n") == (Gpu(0, 24564 / 1024), Gpu(2, 81559 / 1024))
    assert parse_gpus("NVIDIA-SMI has failed\n") == ()


def test_without_a_gpu_the_models_that_run_everywhere_are_served() -> None:
    assert [c.id for c in default_choices(CATALOGUE, ())] == ["smollm2-135m-instruct", "multilingual-e5-small"]


@pytest.mark.parametrize(
    ("memory_gib", "wanted"),
    [(6, "smollm2-135m-instruct"), (8, "qwen3-0.6b"), (16, "qwen3-4b-instruct-2507"), (24, "qwen3-8b"),
     (48, "qwen3-14b"), (80, "qwen3-32b"), (141, "qwen3-32b")],
)  # fmt: skip
def test_the_largest_recommended_model_that_fits_is_chosen(memory_gib: float, wanted: str) -> None:
    gpus = (Gpu(0, memory_gib),)
    chat, embed = default_choices(CATALOGUE, gpus)
    assert (chat.id, embed.id) == (wanted, "multilingual-e5-small")
    entry = CATALOGUE.get(chat.id)
    share = local_shares(CATALOGUE, (chat, embed), gpus)[chat.id]
    assert entry.window_tokens(chat.engine_args) <= window_that_fits(entry, share.memory_gib)


@pytest.mark.parametrize("memory_gib", [8, 16, 24, 48, 80, 141])
@pytest.mark.parametrize("count", [1, 2, 4])
def test_no_gpu_is_promised_twice(memory_gib: float, count: int) -> None:
    gpus = tuple(Gpu(i, memory_gib) for i in range(count))
    shares = local_shares(CATALOGUE, default_choices(CATALOGUE, gpus), gpus)
    for gpu in gpus:
        promised = sum(s.utilization for s in shares.values() if gpu.index in s.devices)
        assert promised <= USABLE_RATIO + 1e-9


def test_two_chat_models_share_what_the_embedding_model_leaves() -> None:
    gpus = (Gpu(0, 80.0),)
    entries = [CATALOGUE.get(i) for i in ("qwen3-8b", "qwen3-4b-instruct-2507", "multilingual-e5-small")]
    shares = share_gpus(entries, gpus)
    assert shares["qwen3-8b"].utilization > shares["qwen3-4b-instruct-2507"].utilization
    assert sum(s.utilization for s in shares.values()) == pytest.approx(USABLE_RATIO, abs=0.005)


def test_with_two_gpus_the_embedding_model_leaves_the_first_one_whole() -> None:
    gpus = (Gpu(0, 24.0), Gpu(1, 24.0))
    chat, embed = default_choices(CATALOGUE, gpus)
    shares = local_shares(CATALOGUE, (chat, embed), gpus)
    assert shares[chat.id].devices == (0,)
    assert shares[embed.id].devices == (1,)
    command = engine_command(CATALOGUE.get(chat.id), chat, SETTINGS, port=9000, gpu=shares[chat.id], threads=8)
    assert command.environment["CUDA_VISIBLE_DEVICES"] == "0"
    assert "--gpu-memory-utilization" in command.argv


def test_what_does_not_fit_is_refused_with_the_way_out() -> None:
    with pytest.raises(GpuTooSmall, match=r"qwen3-32b.*GiB") as refused:
        local_shares(CATALOGUE, (ModelChoice("qwen3-32b"),), (Gpu(0, 24.0),))
    assert "base_urls" in refused.value.sentence()


def test_the_window_is_what_the_engine_reads_not_what_the_card_says() -> None:
    entry = CATALOGUE.get("qwen3-4b-instruct-2507")
    assert entry.context_tokens == 262144
    assert entry.window_tokens() == 32768
    assert entry.window_tokens(("--max-model-len", "20480")) == 20480
    assert entry.window_tokens() >= LEAST_WINDOW_TOKENS
