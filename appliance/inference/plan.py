"""What is served, and which part of this machine each engine gets."""

import os
from collections.abc import Sequence

from msgspec.structs import replace

from appliance.inference.catalogue import Catalogue, Entry
from appliance.inference.errors import FallbackInvalid, GpuTooSmall
from appliance.inference.gpus import LEAST_WINDOW_TOKENS, Gpu, GpuShare, share_gpus, window_that_fits
from appliance.inference.pool import PoolRules
from appliance.inference.settings import InferenceSettings, ModelChoice

DEFAULT_MODELS = ("smollm2-135m-instruct", "multilingual-e5-small")

BATCH_RUNNING, BATCH_ON_PROCESSOR = 64, 4
"""Most batch requests at once: an engine without GPU slows down with each."""


def default_choices(catalogue: Catalogue, gpus: Sequence[Gpu]) -> tuple[ModelChoice, ...]:
    """What is served when the settings name nothing: the largest recommended chat model that fits the GPUs beside the
    embedding model, with the window that its memory allows; without a GPU, what runs on every machine.
    """
    chat, embed = DEFAULT_MODELS
    recommended = [e for e in catalogue.all() if e.recommended]
    for entry in sorted(recommended, key=lambda e: e.parameters_billion, reverse=True) if gpus else ():
        try:
            share = share_gpus([entry, catalogue.get(embed)], gpus)[entry.id]
        except GpuTooSmall:
            continue
        tokens = window_that_fits(entry, share.memory_gib)
        if tokens >= LEAST_WINDOW_TOKENS:
            return ModelChoice(entry.id, engine_args=("--max-model-len", str(tokens))), ModelChoice(embed)
    return ModelChoice(chat), ModelChoice(embed)


def local_shares(catalogue: Catalogue, choices: Sequence[ModelChoice], gpus: Sequence[Gpu]) -> dict[str, GpuShare]:
    """What each engine of this machine may use of its GPUs, by `engine_name`; empty without any.

    Raises:
        ModelUnknown: the catalogue has no such model.
        GpuTooSmall: one does not fit beside the others.
    """
    entries = [
        replace(catalogue.get(c.id), id=engine_name(c.id, number))
        for c in choices
        for number in range(1, c.replicas + 1)
        if not c.base_urls
    ]
    return share_gpus(entries, gpus) if gpus and entries else {}


def engine_name(model_id: str, number: int) -> str:
    """Of the replicas of a model on this machine, counted from 1."""
    return model_id if number == 1 else f"{model_id}-{number}"


def threads_each(choices: Sequence[ModelChoice]) -> int:
    """Processor threads of one engine when all of this machine share it."""
    engines = sum(c.replicas for c in choices if not c.base_urls)
    return max(1, (os.cpu_count() or 2) // max(1, engines))


def pool_rules(choice: ModelChoice, settings: InferenceSettings, *, on_processor: bool) -> PoolRules:
    """How a model's replicas are shared. `on_processor`: they are engines of this machine without GPU.

    With fallbacks nobody waits for a silent engine: another model answers sooner.
    """
    return PoolRules(
        max_running=choice.max_running,
        batch_running=choice.batch_running or (BATCH_ON_PROCESSOR if on_processor else BATCH_RUNNING),
        max_waiting=choice.max_waiting,
        max_wait_s=settings.max_wait_s,
        silent_wait_s=0.0 if choice.fallbacks else settings.max_wait_s,
    )


def check_fallbacks(choices: Sequence[ModelChoice], catalogue: Catalogue) -> None:
    """Raises FallbackInvalid: vectors of another model, for one, would be compared with what they do not fit."""
    served = {c.id: catalogue.get(c.id) for c in choices}
    for choice in choices:
        for other in choice.fallbacks:
            entry: Entry | None = served.get(other)
            if entry is None or entry.task != "chat" or served[choice.id].task != "chat" or other == choice.id:
                raise FallbackInvalid(f"'{other}' cannot stand in for '{choice.id}'.")
