"""Runs in the engines' Python: how long this machine's processor takes for a token of a model of a given shape.

A synthetic model of that shape does the arithmetic of a decode step, layer by layer, with weights of its own in each
layer, so that they come from memory as they do in an engine. A large model is measured by its first layers. What a
process takes before it has a model is what the import of the engine's server takes; one that computes takes in addition
what is left in it after a step as large as engines try at their start.

usage: python calibration.py SHAPES THREADS      (SHAPES: JSON list; prints a line of JSON for each)
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

MOST_BYTES = 1_500_000_000
"""Of synthetic weights."""
LARGEST_STEP = 2048
"""Rows; what an engine without GPU tries before it serves."""
SECONDS = 2.0
"""Of measuring, for each of the two numbers."""


def memory_bytes(kind: str) -> int:
    """Of this process: `RssAnon`, which is its own, or `RssFile`, which it shares with all that have the same code."""
    text = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith(f"{kind}:"))


def layers_of(shape: dict[str, Any], torch: Any) -> list[list[Any]]:
    hidden, inner = shape["hidden"], shape["inner"] * shape["experts_used"]
    queries, keys = shape["heads"] * shape["head_size"], shape["kv_heads"] * shape["head_size"]
    sizes = [(queries + 2 * keys, hidden), (hidden, queries), (2 * inner, hidden), (hidden, inner)]
    each = sum(a * b for a, b in sizes) * 2
    count = max(1, min(shape["layers"], MOST_BYTES // each))
    return [[torch.randn(size, dtype=torch.bfloat16) for size in sizes] for _ in range(count)]


def step(layers: list[list[Any]], head: Any, rows: Any, shape: dict[str, Any], torch: Any) -> None:
    """A forward pass of `rows`, without attention over what was read before."""
    linear, inner = torch.nn.functional.linear, shape["inner"] * shape["experts_used"]
    queries = shape["heads"] * shape["head_size"]
    state = rows
    for mixed, out, wide, narrow in layers:
        normed = torch.nn.functional.rms_norm(state, (state.shape[-1],))
        state = state + linear(linear(normed, mixed)[:, :queries], out)
        normed = torch.nn.functional.rms_norm(state, (state.shape[-1],))
        both = linear(normed, wide)
        state = state + linear(torch.nn.functional.silu(both[:, :inner]) * both[:, inner:], narrow)
    linear(state[-1:], head).argmax()


def seconds_each(work: Callable[[], Any]) -> float:
    """The middle of many, after some to warm up."""
    for _ in range(3):
        work()
    taken: list[float] = []
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end or len(taken) < 3:
        begin = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begin)
    return sorted(taken)[len(taken) // 2]


def measured(shape: dict[str, Any], torch: Any, before: int) -> dict[str, float]:
    """`before`: bytes of a process that has not computed yet."""
    layers = layers_of(shape, torch)
    head = torch.randn((shape["vocabulary"], shape["hidden"]), dtype=torch.bfloat16)
    one, many = (torch.randn((n, shape["hidden"]), dtype=torch.bfloat16) for n in (1, 256))
    top = seconds_each(lambda: torch.nn.functional.linear(one, head).argmax())
    decode = seconds_each(lambda: step(layers, head, one, shape, torch)) - top
    prefill = seconds_each(lambda: step(layers, head, many, shape, torch)) - top
    step(layers, head, torch.randn((LARGEST_STEP, shape["hidden"]), dtype=torch.bfloat16), shape, torch)
    synthetic = sum(part.numel() * part.element_size() for part in [head, *(p for layer in layers for p in layer)])
    more = shape["layers"] / len(layers)
    return {
        "runtime_bytes": before,
        "computing_bytes": max(before, memory_bytes("RssAnon") - synthetic),
        "code_bytes": memory_bytes("RssFile"),
        "decode_s": decode * more + top,
        "prefill_s_per_token": (prefill * more + top) / 256,
    }


def main(shapes: list[dict[str, Any]], threads: int) -> None:
    import torch
    import vllm.entrypoints.openai.api_server  # noqa: F401 - for what it takes

    before = memory_bytes("RssAnon")
    torch.set_num_threads(threads)
    with torch.inference_mode():
        for shape in shapes:
            sys.stdout.write(json.dumps(measured(shape, torch, before)) + "\n")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), int(sys.argv[2]))
