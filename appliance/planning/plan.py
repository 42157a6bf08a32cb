"""From GPUs and a model to how it is best served there."""

from dataclasses import dataclass

from msgspec import Struct

from appliance.inference import Entry
from appliance.inference.gpus import LEAST_WINDOW_TOKENS
from appliance.planning.hardware import GpuSet
from appliance.planning.measured import Correction
from appliance.planning.memory import SEQUENCES, Memory, Precision, memory_on_gpu, possible_parallel
from appliance.planning.shapes import Shape
from appliance.planning.speed import Engine, first_token_s, step_s


@dataclass(frozen=True, slots=True)
class Wanted:
    """What people do with it."""

    prompt_tokens: int = 2000
    """Read for one answer: question, history, passages."""
    answer_tokens: int = 400
    least_users: int = 4
    """Answered at the same time; a plan with fewer is only taken when there is no other."""
    tokens_per_s: float = 15.0
    """For each of them; people read about eight words in that time."""

    @property
    def context(self) -> int:
        return self.prompt_tokens + self.answer_tokens


class Plan(Struct, frozen=True):
    model: str
    gpus: str
    fits: bool
    precision: str = ""
    """`published` or `fp8`."""
    parallel: int = 0
    """GPUs of one engine."""
    replicas: int = 0
    context_tokens: int = 0
    users: int = 0
    """Answered at the same time, by all engines together, each at the wanted speed."""
    tokens_per_s: float = 0.0
    """Of one person alone."""
    tokens_per_s_each: float = 0.0
    """With so many users."""
    first_token_s: float = 0.0
    """Of a prompt of the wanted length, alone."""
    weights_gib: float = 0.0
    """On each GPU."""
    needed_gib: float = 0.0
    """Weights, activations and overhead, on each GPU."""
    cache_tokens: int = 0
    """Keys and values of so many tokens, in each engine."""
    corrected: bool = False
    """A measurement on this machine went into it."""
    engine_args: tuple[str, ...] = ()
    reason: str = ""
    """Why it does not fit."""


@dataclass(frozen=True, slots=True)
class _Way:
    engine: Engine
    memory: Memory
    replicas: int
    users: int
    context: int


def make_plan(entry: Entry, shape: Shape, gpus: GpuSet, wanted: Wanted, correction: Correction | None = None) -> Plan:
    """The first way that serves enough people: weights as published before 8 bits, few GPUs an engine before many.

    Otherwise the way that serves most; `fits` is false when there is none, and `reason` says what is missing.
    """
    factor = correction or Correction()
    ways = [way for way in _ways(entry, shape, gpus, wanted, factor) if way.users > 0]
    if not ways:
        return Plan(entry.id, str(gpus), fits=False, reason=_missing(entry, shape, gpus))
    best = next((w for w in ways if w.users >= wanted.least_users), max(ways, key=_users))
    return _told(entry, best, wanted, factor, corrected=correction is not None)


def _users(way: _Way) -> int:
    return way.users


def _ways(entry: Entry, shape: Shape, gpus: GpuSet, wanted: Wanted, factor: Correction) -> list[_Way]:
    precisions: list[Precision] = ["published"]
    if gpus.card.fp8_tflops and not shape.four_bit:
        precisions.append("fp8")
    found = []
    for precision in precisions:
        for parallel in possible_parallel(shape, gpus.count):
            memory = memory_on_gpu(shape, entry.weights_gib, gpus.card.memory_gib, parallel, precision, factor.memory)
            engine = Engine(shape, gpus, parallel, precision, entry.weights_gib, entry.parameters_billion)
            context = min(entry.context_tokens, memory.tokens) // 1024 * 1024
            if context < min(LEAST_WINDOW_TOKENS, entry.context_tokens):
                continue
            replicas = gpus.count // parallel
            users = _most_users(engine, memory.tokens, wanted, factor) * replicas
            found.append(_Way(engine, memory, replicas, users, context))
    return found


def _most_users(engine: Engine, tokens: int, wanted: Wanted, factor: Correction) -> int:
    """As many as the cache holds and the speed allows; found by halving, since a larger batch is never faster."""
    low, high = 0, min(SEQUENCES, tokens // wanted.context)
    while low < high:
        middle = (low + high + 1) // 2
        if factor.decode / step_s(engine, middle, wanted.context) >= wanted.tokens_per_s:
            low = middle
        else:
            high = middle - 1
    return low


def _told(entry: Entry, way: _Way, wanted: Wanted, factor: Correction, *, corrected: bool) -> Plan:
    engine, memory = way.engine, way.memory
    args = ["--max-model-len", str(way.context)]
    if engine.parallel > 1:
        args += ["--tensor-parallel-size", str(engine.parallel)]
    if engine.precision == "fp8":
        args += ["--quantization", "fp8"]
    return Plan(
        model=entry.id,
        gpus=str(engine.gpus),
        fits=True,
        precision=engine.precision,
        parallel=engine.parallel,
        replicas=way.replicas,
        context_tokens=way.context,
        users=way.users,
        tokens_per_s=round(factor.decode / step_s(engine, 1, wanted.context), 1),
        tokens_per_s_each=round(factor.decode / step_s(engine, way.users // way.replicas, wanted.context), 1),
        first_token_s=round(first_token_s(engine, wanted.prompt_tokens) / factor.prefill, 3),
        weights_gib=round(memory.weights_gib, 2),
        needed_gib=round((memory.weights_gib + memory.activations_gib + memory.overhead_gib) * factor.memory, 2),
        cache_tokens=memory.tokens,
        corrected=corrected,
        engine_args=tuple(args),
    )


def _missing(entry: Entry, shape: Shape, gpus: GpuSet) -> str:
    parallel = possible_parallel(shape, gpus.count)[-1]
    memory = memory_on_gpu(shape, entry.weights_gib, gpus.card.memory_gib, parallel, "published")
    need = memory.weights_gib + memory.activations_gib + memory.overhead_gib
    window = min(LEAST_WINDOW_TOKENS, entry.context_tokens)
    need += window * shape.kv_bytes / min(parallel, shape.kv_heads) / 2**30
    return f"needs {need:.1f} GiB on each of {parallel} GPU(s) with a window of {window} tokens, or too slow"
