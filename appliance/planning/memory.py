"""How much memory of each GPU a model takes, and for how many tokens the rest is enough.

    left   = memory x 0.92 - weights/t - activations - overhead
    tokens = left / (kv bytes / min(t, kv heads))

t: GPUs of one engine (tensor parallel). It must divide the attention heads, and the key-value heads or be a multiple of
them; in the second case each GPU holds a copy. All in GiB of one GPU, unless a name says otherwise.
"""

from dataclasses import dataclass
from typing import Literal

from appliance.inference.gpus import USABLE_RATIO
from appliance.planning.shapes import Shape

GIB = 2**30
Precision = Literal["published", "fp8"]

BATCHED_TOKENS = 8192
"""Tokens that the engine handles in one step at most; its activations are as large as for these."""
SEQUENCES = 256
"""Requests in one step at most; each has a row of scores over the vocabulary."""
CONTEXT_GIB = 0.6
"""Driver, libraries and code on each GPU."""
GRAPHS_GIB = 1.0
"""Recorded steps (CUDA graphs) on each GPU."""
EXCHANGE_GIB = 0.5
"""Buffers for the exchange between GPUs, on each, when there are several."""
FP8_RATIO = 0.53
"""Weights in 8 bits over weights in 16: embeddings, norms and scales stay larger."""


@dataclass(frozen=True, slots=True)
class Memory:
    weights_gib: float
    activations_gib: float
    overhead_gib: float
    left_gib: float
    """For keys and values; negative when the rest does not fit."""
    tokens: int
    """Keys and values of so many tokens fit the engine."""


def possible_parallel(shape: Shape, gpus: int) -> list[int]:
    """Numbers of GPUs that one engine can have, smallest first."""
    return [
        t
        for t in range(1, gpus + 1)
        if shape.heads % t == 0 and (shape.kv_heads % t == 0 or t % shape.kv_heads == 0) and gpus % t == 0
    ]


def activations_gib(shape: Shape, parallel: int) -> float:
    """A step's intermediate values in 2 bytes, and its scores in 4 bytes, twice (as they are and sorted)."""
    widest = 4 * shape.hidden + 3 * shape.inner * shape.experts_used / parallel
    return (BATCHED_TOKENS * widest * 2 + SEQUENCES * shape.vocabulary * 4 * 2) / GIB


def memory_on_gpu(
    shape: Shape, weights_gib: float, memory_gib: float, parallel: int, precision: Precision, factor: float = 1.0
) -> Memory:
    """`factor`: what the engine really took over what was planned, measured before on such a machine."""
    weights = weights_gib * (FP8_RATIO if precision == "fp8" else 1.0) / parallel
    activations = activations_gib(shape, parallel)
    overhead = CONTEXT_GIB + GRAPHS_GIB + (EXCHANGE_GIB if parallel > 1 else 0.0)
    left = memory_gib * USABLE_RATIO - (weights + activations + overhead) * factor
    each = shape.kv_bytes / min(parallel, shape.kv_heads)
    return Memory(weights, activations, overhead, left, max(0, int(left * GIB / each)))
