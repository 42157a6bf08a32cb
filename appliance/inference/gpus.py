"""The GPUs of this machine, and which part of which one each engine gets.

vLLM takes a share of a device's whole memory (`--gpu-memory-utilization`) and fails when somebody else has it, so
engines that share a device must be told their shares. All here is arithmetic on plain values but for `read_gpus`.
"""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from appliance.inference.catalogue import Entry
from appliance.inference.errors import GpuTooSmall

USABLE_RATIO = 0.92
"""vLLM's own default; the rest is for the driver and for fragments."""

WEIGHTS_FACTOR = 1.05
"""Weights in memory over weights on disk."""

WORKSPACE_GIB = 1.5
"""Activations and CUDA graphs of one engine."""

LEAST_GPU_GIB = 6.0
"""A smaller card holds no two engines; such a machine is served by its processor."""

LEAST_WINDOW_TOKENS = 16_384
"""A chat model that would get less than this is too large for its GPU."""


@dataclass(frozen=True, slots=True)
class Gpu:
    index: int
    memory_gib: float


@dataclass(frozen=True, slots=True)
class GpuShare:
    """What one engine may use."""

    devices: tuple[int, ...]
    """Indices of the GPUs; more than one means tensor parallel."""
    utilization: float
    """Share of the memory of each of them, 0 to 1."""
    memory_gib: float
    """The same in GiB, over all devices."""


def read_gpus() -> tuple[Gpu, ...]:
    """Ask the driver. Empty on a machine without a working NVIDIA driver."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ()
    question = [tool, "--query-gpu=index,memory.total", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(question, capture_output=True, text=True, check=True, timeout=30)  # noqa: S603 - no shell
    except (OSError, subprocess.SubprocessError):
        return ()
    return parse_gpus(done.stdout)


def parse_gpus(lines: str) -> tuple[Gpu, ...]:
    """From lines of `index, MiB`; lines without numbers (a card in error) and small cards are left out."""
    found = []
    for line in lines.splitlines():
        index, _, memory = line.partition(",")
        if index.strip().isdigit() and memory.strip().isdigit() and int(memory) / 1024 >= LEAST_GPU_GIB:
            found.append(Gpu(int(index), int(memory) / 1024))
    return tuple(found)


def window_that_fits(entry: Entry, memory_gib: float) -> int:
    """Longest context, in tokens, for which weights, workspace and one full cache fit; a multiple of 1,024.

    cache = memory - weights · 1.05 - workspace; tokens = cache / bytes of keys and values per token.
    """
    left_gib = memory_gib - entry.weights_gib * WEIGHTS_FACTOR - WORKSPACE_GIB * entry.gpus
    if left_gib <= 0 or not entry.kv_bytes_per_token:
        return 0
    tokens = int(left_gib * 2**30 / entry.kv_bytes_per_token) // 1024 * 1024
    return min(tokens, entry.window_tokens())


def share_gpus(entries: Sequence[Entry], gpus: Sequence[Gpu]) -> dict[str, GpuShare]:
    """Divide the GPUs: engines that do not chat get what they need, those that do share the rest.

    Args:
        entries: What is served here, each once.
        gpus: At least one.

    Returns:
        A share for each entry's id. Chat engines are placed largest first, each on the devices with most room.

    Raises:
        GpuTooSmall: one does not fit beside the others.
    """
    room = {gpu.index: gpu.memory_gib * USABLE_RATIO for gpu in gpus}
    devices: dict[str, tuple[int, ...]] = {}
    held: dict[str, float] = {}
    by_size = sorted(entries, key=lambda e: (e.task == "chat", -e.memory_gib))
    for entry in by_size:
        least_gib = entry.memory_gib
        if entry.task == "chat":
            least_gib = entry.weights_gib * WEIGHTS_FACTOR + WORKSPACE_GIB * entry.gpus
        chosen = _devices(entry, room)
        each = least_gib / entry.gpus
        if len(chosen) < entry.gpus or any(room[d] < each for d in chosen):
            raise GpuTooSmall(
                f"'{entry.id}' needs {entry.gpus} x {each:.1f} GiB of GPU memory beside the other models.",
                remedy="Serve fewer or smaller models here, or name engines that run elsewhere (base_urls).",
            )
        for device in chosen:
            room[device] -= each
        devices[entry.id], held[entry.id] = chosen, each
    chats = [e for e in entries if e.task == "chat"]
    for entry in chats:
        held[entry.id] += min(_part(entry, device, chats, devices) * room[device] for device in devices[entry.id])
    return {e.id: _share(devices[e.id], held[e.id], gpus) for e in entries}


def _devices(entry: Entry, room: dict[int, float]) -> tuple[int, ...]:
    """Chat models take the roomiest devices; the others the last one that has room, to leave the first ones whole."""
    if entry.task == "chat":
        return tuple(sorted(sorted(room, key=lambda d: (-room[d], d))[: entry.gpus]))
    fitting = [device for device, free in room.items() if free >= entry.memory_gib]
    return (max(fitting or room),)


def _part(entry: Entry, device: int, chats: Sequence[Entry], devices: dict[str, tuple[int, ...]]) -> float:
    """Share of a device's spare room, in proportion to size."""
    weights = {e.id: e.memory_gib / e.gpus for e in chats if device in devices[e.id]}
    return weights[entry.id] / sum(weights.values())


def _share(devices: tuple[int, ...], each_gib: float, gpus: Sequence[Gpu]) -> GpuShare:
    smallest = min(gpu.memory_gib for gpu in gpus if gpu.index in devices)
    utilization = int(each_gib / smallest * 1000) / 1000  # cut off, never up: the sum must stay below the whole
    return GpuShare(devices, utilization, each_gib * len(devices))
