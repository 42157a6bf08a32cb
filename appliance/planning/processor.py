"""The same for a machine without GPU: what its processor takes is measured in a few seconds, not looked up.

    memory   = 2 x runtime + serving + scheduling + computing + code + weights + head + cache
    a token  = a decode step of the model's shape, measured with synthetic weights

An engine is three processes: one speaks HTTP, one schedules, one computes. Each has a runtime of its own; their code is
in memory once. The head, which scores the vocabulary, is there once more, as the processor's library packs it.
"""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec import Struct

from appliance.inference import Entry
from appliance.planning import calibration
from appliance.planning.errors import PlanImpossible
from appliance.planning.measured import Correction
from appliance.planning.shapes import Shape

THINKING = 2
"""Processes that do not compute."""
SERVING_GIB = 0.14
"""Routes, the model's tokenizer and templates in the one that speaks HTTP, beyond its runtime; seen with vLLM 0.32."""
SCHEDULING_GIB = 0.07
"""Tokenizer and tables in the one that schedules; as above."""
TIMEOUT_S = 300
QUIET = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
"""What is imported asks nobody."""


class Calibration(Struct, frozen=True):
    """What `calibration.py` prints of a shape."""

    runtime_bytes: int
    """Own memory of a process that has loaded the engine's server."""
    computing_bytes: int
    """Of one that has computed besides, without its weights."""
    code_bytes: int
    """Files in memory: what all processes of an engine share."""
    decode_s: float
    prefill_s_per_token: float


@dataclass(frozen=True, slots=True)
class ProcessorPlan:
    memory_gib: float
    tokens_per_s: float
    """Of one person alone."""
    prompt_tokens_per_s: float
    context_tokens: int


def calibrate(python: Path, shapes: Sequence[Shape], threads: int) -> list[Calibration]:
    """Run the measurement in the engines' environment, one for each shape. Raises PlanImpossible."""
    given = json.dumps(msgspec.to_builtins(shapes))
    words = [str(python), str(Path(calibration.__file__)), given, str(threads)]
    environment = {"PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "PASSIVE", **QUIET}
    try:
        done = subprocess.run(  # noqa: S603 - our own script
            words, capture_output=True, text=True, check=True, timeout=TIMEOUT_S, env=environment
        )
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        return [msgspec.json.decode(line, type=Calibration) for _, line in zip(shapes, lines, strict=True)]
    except (OSError, subprocess.SubprocessError, ValueError, msgspec.DecodeError) as error:
        raise PlanImpossible(
            f"The processor could not be measured: {error}.", remedy="Run 'appliance setup', then again."
        ) from error


def plan_processor(
    entry: Entry, shape: Shape, measured: Calibration, kv_cache_gib: float, correction: Correction | None = None
) -> ProcessorPlan:
    """`kv_cache_gib`: what the engine is given for keys and values (`engines.kv_cache_gib`)."""
    factor = correction or Correction()
    processes = THINKING * measured.runtime_bytes + measured.computing_bytes + measured.code_bytes
    head = shape.hidden * shape.vocabulary * 2
    memory = (processes + head) / 2**30 + SERVING_GIB + SCHEDULING_GIB + entry.weights_gib + kv_cache_gib
    tokens = int(kv_cache_gib * 2**30 / shape.kv_bytes) // 1024 * 1024
    return ProcessorPlan(
        memory_gib=round(memory * factor.memory, 2),
        tokens_per_s=round(factor.decode / measured.decode_s, 1),
        prompt_tokens_per_s=round(factor.prefill / measured.prefill_s_per_token, 1),
        context_tokens=min(entry.window_tokens(), tokens),
    )
