"""Accelerators: what makers publish, found by name."""

import re
import tomllib
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct

from appliance.planning.errors import PlanImpossible

TABLE = Path(__file__).parent / "accelerators.toml"


class Accelerator(Struct, forbid_unknown_fields=True, frozen=True):
    name: str
    match: tuple[str, ...]
    """Words that are all in its name as the driver prints it; the first row that fits counts."""
    memory_gib: float
    bandwidth_gbs: float
    """Of its memory, GB/s."""
    bf16_tflops: float
    """Dense."""
    fp8_tflops: float
    """Dense; 0: it cannot."""
    link_gbs: float
    """To another card of the server, GB/s each way."""


class GpuSet(Struct, frozen=True):
    """Equal cards in one server."""

    card: Accelerator
    count: int

    def __str__(self) -> str:
        return f"{self.count} x {self.card.name}"


class _Table(Struct, forbid_unknown_fields=True, frozen=True):
    accelerators: tuple[Accelerator, ...]


@cache
def known_accelerators() -> tuple[Accelerator, ...]:
    return msgspec.convert(tomllib.loads(TABLE.read_text(encoding="utf-8")), _Table).accelerators


def find(name: str) -> Accelerator:
    """By a name as people or the driver write it. Raises PlanImpossible."""
    words = set(re.findall(r"[a-z0-9]+", name.lower()))
    for card in known_accelerators():
        if all(part in words for part in card.match):
            return card
    raise PlanImpossible(
        f"No accelerator '{name}' is known.",
        remedy=f"Known are {', '.join(sorted(c.name for c in known_accelerators()))}.",
    )


def parse_gpu_set(text: str) -> GpuSet:
    """`NAME:COUNT`, as `H100 80GB:2`; without a count one. Raises PlanImpossible."""
    name, _, count = text.partition(":")
    if count and (not count.strip().isdigit() or not 1 <= int(count) <= 64):
        raise PlanImpossible(f"'{text}': behind the colon stands how many there are, 1 to 64.")
    return GpuSet(find(name), int(count or 1))


def detected(lines: str) -> GpuSet | None:
    """From lines of `name, MiB` of the driver's tool: the largest group of equal cards. None without any.

    Raises PlanImpossible: a card is not in the table.
    """
    found: dict[tuple[str, float], int] = {}
    for line in lines.splitlines():
        name, _, memory = line.rpartition(",")
        if name.strip() and memory.strip().isdigit():
            key = (name.strip(), int(memory) / 1024)
            found[key] = found.get(key, 0) + 1
    if not found:
        return None
    (name, memory_gib), count = max(found.items(), key=_size)
    return GpuSet(msgspec.structs.replace(find(name), memory_gib=memory_gib), count)


def _size(group: tuple[tuple[str, float], int]) -> float:
    (_, memory_gib), count = group
    return memory_gib * count
