"""How models are built, as far as memory and speed depend on it."""

import json
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from appliance.inference import Entry
from appliance.planning.errors import PlanImpossible

TABLE = Path(__file__).parent / "shapes.toml"


class Shape(Struct, forbid_unknown_fields=True, frozen=True):
    id: str
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_size: int
    inner: int
    """Width inside a feed-forward layer; of one expert in a mixture."""
    vocabulary: int
    active_billion: float = 0.0
    """Parameters that one token passes; 0: all."""
    experts: int = 1
    experts_used: int = 1
    four_bit: bool = False

    @property
    def kv_bytes(self) -> int:
        """Keys and values of one token, all layers, two bytes each."""
        return self.layers * self.kv_heads * self.head_size * 4


class _Table(Struct, forbid_unknown_fields=True, frozen=True):
    shapes: tuple[Shape, ...]


@cache
def known_shapes() -> dict[str, Shape]:
    table = msgspec.convert(tomllib.loads(TABLE.read_text(encoding="utf-8")), _Table)
    return {shape.id: shape for shape in table.shapes}


def shape_of(entry: Entry, folder: Path | None = None) -> Shape:
    """Of a model of the catalogue, or of a checkpoint in `folder`. Raises PlanImpossible."""
    if entry.id in known_shapes():
        return known_shapes()[entry.id]
    try:
        config: dict[str, Any] = json.loads(((folder or Path()) / "config.json").read_text(encoding="utf-8"))
        return _from_config(entry.id, {**config, **config.get("text_config", {})})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PlanImpossible(
            f"The shape of '{entry.id}' is not known.", remedy="Bring its files here first ('appliance models add')."
        ) from error


def _from_config(model_id: str, config: dict[str, Any]) -> Shape:
    heads = int(config["num_attention_heads"])
    return Shape(
        id=model_id,
        layers=int(config["num_hidden_layers"]),
        hidden=int(config["hidden_size"]),
        heads=heads,
        kv_heads=int(config.get("num_key_value_heads") or heads),
        head_size=int(config.get("head_dim") or int(config["hidden_size"]) // heads),
        inner=int(config.get("moe_intermediate_size") or config["intermediate_size"]),
        vocabulary=int(config["vocab_size"]),
        experts=int(config.get("num_local_experts") or config.get("num_experts") or 1),
        experts_used=int(config.get("num_experts_per_tok") or 1),
    )
