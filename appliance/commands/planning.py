"""`appliance models plan` and `measure`."""

import os
import shutil
import subprocess
from pathlib import Path
from statistics import median
from typing import Annotated

import typer

from appliance.commands.client import connect
from appliance.commands.options import ConfigOption, JsonOption, run, settings_from
from appliance.commands.output import print_json, print_table, say
from appliance.configuration import inference_settings
from appliance.inference import Catalogue, Entry, InferenceSettings, engine_python
from appliance.planning import (
    Correction,
    Corrections,
    GpuSet,
    Plan,
    PlanImpossible,
    Wanted,
    detected,
    known_shapes,
    make_plan,
    parse_gpu_set,
    shape_of,
)
from appliance.planning.measured import machine_name, ratio
from appliance.planning.observe import Speed, engines_of, gpu_memory_gib, memory_gib, speed_of
from appliance.planning.processor import calibrate, plan_processor
from appliance.settings import Settings

PROCESSOR = "processor"
COLUMNS = ("model", "on", "way", "window", "people", "tokens/s alone", "each", "first token s", "memory GiB")


def plan(
    gpu: Annotated[
        list[str] | None, typer.Option("--gpu", help="NAME:COUNT, as 'H100 80GB:2'; repeatable. Default: this machine.")
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option("--model", help="Of the catalogue; repeatable. Default: all.")
    ] = None,
    prompt: Annotated[int, typer.Option(min=1, max=1_000_000, help="Tokens read for an answer.")] = 2000,
    answer: Annotated[int, typer.Option(min=1, max=100_000, help="Tokens of an answer.")] = 400,
    users: Annotated[int, typer.Option(min=1, max=4096, help="People at once, at least.")] = 4,
    speed: Annotated[float, typer.Option(min=0.1, max=1000, help="Tokens a second for each of them.")] = 15.0,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    settings = settings_from(config)
    inference = inference_settings(settings)
    entries = _entries(Catalogue.load(inference.model_dir), model or [])
    wanted = Wanted(prompt, answer, users, speed)
    here = _own_gpus() if not gpu else None
    sets = [parse_gpu_set(text) for text in gpu or []] or ([here] if here else [])
    kept = _corrections(settings)
    plans = [
        make_plan(e, shape_of(e, inference.model_dir / e.id), s, wanted, kept.get(machine_name(str(s)), e.id))
        for s in sets
        for e in entries
    ]
    plans = plans or _on_processor(entries, inference, kept)
    if as_json:
        print_json(plans)
    else:
        print_table(COLUMNS, [_row(p) for p in plans])


def measure(
    model: Annotated[str, typer.Argument(help="A chat model that is served on this machine.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    settings = settings_from(config)
    inference = inference_settings(settings)
    entry = Catalogue.load(inference.model_dir).get(model)
    speed = run(_speed(config, model))
    engines = engines_of(model)
    if not engines:
        raise PlanImpossible(f"No engine of '{model}' runs on this machine.", remedy="Measure where it runs.")
    gpus, kept = _own_gpus(), _corrections(settings)
    shape = shape_of(entry, inference.model_dir / model)
    if gpus is None:
        (measured,) = calibrate(engine_python(inference), [shape], os.cpu_count() or 1)
        planned = plan_processor(entry, shape, measured, inference.cpu_kv_cache_gib)
        figures = (planned.memory_gib, planned.tokens_per_s, planned.prompt_tokens_per_s)
        took = median(memory_gib(pids) for pids in engines)
    else:
        way = make_plan(entry, shape, gpus, Wanted())
        figures = (way.needed_gib, way.tokens_per_s, Wanted().prompt_tokens / way.first_token_s)
        took = (
            gpu_memory_gib(engines[0]) - way.cache_tokens * shape.kv_bytes / min(way.parallel, shape.kv_heads) / 2**30
        )
    correction = Correction(
        memory=ratio(took, figures[0]),
        decode=ratio(speed.tokens_per_s, figures[1]),
        prefill=ratio(speed.prompt_tokens_per_s, figures[2]),
    )
    kept.keep(machine_name(str(gpus) if gpus else PROCESSOR), model, correction)
    _tell(model, figures, (took, speed.tokens_per_s, speed.prompt_tokens_per_s), as_json=as_json)


def _tell(
    model: str, planned: tuple[float, float, float], measured: tuple[float, float, float], *, as_json: bool
) -> None:
    names = ("memory_gib", "tokens_per_s", "prompt_tokens_per_s")
    if as_json:
        figures = {"planned": planned, "measured": measured}
        print_json({"model": model} | {k: dict(zip(names, v, strict=True)) for k, v in figures.items()})
        return
    rows = [(n, f"{p:.2f}", f"{m:.2f}", f"{m / p:.2f}") for n, p, m in zip(names, planned, measured, strict=True)]
    print_table(("what", "planned", "measured", "factor"), rows)
    say("Kept: the next plan for this machine and model uses it.")


async def _speed(config: Path | None, model: str) -> Speed:
    async with connect(settings_from(config)) as api:

        async def ask(prompt: str, most: int) -> tuple[int, int]:
            body = {"model": model, "messages": [{"role": "user", "content": prompt}], "max_tokens": most}
            usage = (await api.call("POST", "/v1/chat/completions", body))["usage"]
            return int(usage["prompt_tokens"]), int(usage["completion_tokens"])

        return await speed_of(ask)


def _entries(catalogue: Catalogue, wanted: list[str]) -> list[Entry]:
    if wanted:
        return [catalogue.get(model_id) for model_id in wanted]
    return [e for e in catalogue.all() if e.task == "chat" and e.id in known_shapes()]


def _own_gpus() -> GpuSet | None:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return None
    question = [tool, "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(question, capture_output=True, text=True, check=True, timeout=30)  # noqa: S603 - no shell
    except (OSError, subprocess.SubprocessError):
        return None
    return detected(done.stdout)


def _corrections(settings: Settings) -> Corrections:
    return Corrections(settings.data / "planning.json")


def _on_processor(entries: list[Entry], inference: InferenceSettings, kept: Corrections) -> list[Plan]:
    """Only models small enough to be served without a GPU; each is measured by its shape for some seconds."""
    small = [e for e in entries if e.min_gpu_gib == 0]
    if not small:
        return []
    shapes = [shape_of(e, inference.model_dir / e.id) for e in small]
    calibrations = calibrate(engine_python(inference), shapes, os.cpu_count() or 1)
    found = []
    for entry, shape, calibration in zip(small, shapes, calibrations, strict=True):
        correction = kept.get(machine_name(PROCESSOR), entry.id)
        way = plan_processor(entry, shape, calibration, inference.cpu_kv_cache_gib, correction)
        found.append(
            Plan(
                model=entry.id,
                gpus=PROCESSOR,
                fits=True,
                precision="published",
                parallel=1,
                replicas=1,
                users=1,
                context_tokens=way.context_tokens,
                tokens_per_s=way.tokens_per_s,
                tokens_per_s_each=way.tokens_per_s,
                first_token_s=round(Wanted().prompt_tokens / way.prompt_tokens_per_s, 3),
                needed_gib=way.memory_gib,
                corrected=correction is not None,
            )
        )
    return found


def _row(plan: Plan) -> tuple[str, ...]:
    if not plan.fits:
        return (plan.model, plan.gpus, plan.reason, "", "", "", "", "", "")
    way = f"{plan.replicas} x {plan.parallel} GPU, {plan.precision}{', corrected' if plan.corrected else ''}"
    return (
        plan.model,
        plan.gpus,
        way,
        str(plan.context_tokens),
        str(plan.users),
        f"{plan.tokens_per_s:g}",
        f"{plan.tokens_per_s_each:g}",
        f"{plan.first_token_s:g}",
        f"{plan.needed_gib:g}",
    )
