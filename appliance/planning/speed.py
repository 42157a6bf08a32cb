"""How fast tokens come: a roofline. What a step must read, or what it must compute, whichever takes longer.

    decode step = max(bytes / bandwidth, operations / arithmetic) + exchange between GPUs + fixed time
    first token = operations of the prompt / arithmetic + one step

The parts of peak that real engines reach stand below; a measurement on the machine itself replaces them by a factor.
"""

from dataclasses import dataclass

from appliance.planning.hardware import GpuSet
from appliance.planning.memory import FP8_RATIO, Precision
from appliance.planning.shapes import Shape

BANDWIDTH_RATIO = 0.75
"""Of the published bandwidth."""
ARITHMETIC_RATIO = 0.45
"""Of the published arithmetic."""
STEP_S = 0.0015
"""Scheduling and launching of a step."""
EXCHANGE_S = 0.000012
"""Each of the two exchanges of a layer, besides its bytes."""


@dataclass(frozen=True, slots=True)
class Engine:
    """What one engine consists of."""

    shape: Shape
    gpus: GpuSet
    parallel: int
    precision: Precision
    weights_gib: float
    """As published."""
    parameters_billion: float

    @property
    def active(self) -> float:
        """Parameters that one token passes."""
        return (self.shape.active_billion or self.parameters_billion) * 1e9


def touched_ratio(engine: Engine, batch: int) -> float:
    """Part of the weights that a step reads: with experts, those that at least one of the batch chose."""
    shape = engine.shape
    if shape.experts == 1:
        return 1.0
    active = engine.active / (engine.parameters_billion * 1e9)
    used = shape.experts_used / shape.experts
    in_experts = (1 - active) / (1 - used)
    return 1 - in_experts * (1 - used) ** batch


def step_s(engine: Engine, batch: int, context: int) -> float:
    """Seconds of one decode step: a token for each of `batch` requests, which have `context` tokens each."""
    shape, card, t = engine.shape, engine.gpus.card, engine.parallel
    weights = engine.weights_gib * 2**30 * (FP8_RATIO if engine.precision == "fp8" else 1.0)
    read = weights * touched_ratio(engine, batch) / t
    read += batch * context * shape.kv_bytes / min(t, shape.kv_heads)
    moving = read / (card.bandwidth_gbs * 1e9 * BANDWIDTH_RATIO)
    computing = 2 * engine.active * batch / t / _arithmetic(engine)
    return max(moving, computing) + _exchange(engine, batch) + STEP_S


def first_token_s(engine: Engine, prompt: int) -> float:
    """Seconds until the first token of a prompt that has the engine to itself."""
    shape = engine.shape
    attention = (
        2 * shape.layers * shape.heads * shape.head_size * prompt**2
    )  # half of the square, twice: scores, values
    operations = (2 * engine.active * prompt + attention) / engine.parallel
    return operations / _arithmetic(engine) + _exchange(engine, prompt) + step_s(engine, 1, prompt)


def _arithmetic(engine: Engine) -> float:
    card = engine.gpus.card
    peak = card.fp8_tflops if engine.precision == "fp8" else card.bf16_tflops
    return peak * 1e12 * ARITHMETIC_RATIO


def _exchange(engine: Engine, tokens: int) -> float:
    """Two exchanges of each layer between the GPUs of an engine."""
    if engine.parallel == 1:
        return 0.0
    size = tokens * engine.shape.hidden * 2 * 2 * (engine.parallel - 1) / engine.parallel
    return 2 * engine.shape.layers * (EXCHANGE_S + size / (engine.gpus.card.link_gbs * 1e9))
