"""Small checkpoints, as a hub or a colleague would hand them over."""

import json
from pathlib import Path
from typing import Any

CHAT = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 131072,
}
EMBED = {
    "architectures": ["XLMRobertaModel"],
    "model_type": "xlm-roberta",
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 514,
}
CARD = """---
license: apache-2.0
language:
- en
- ja
tags: []
---
# Tiny
"""


def safetensors(shapes: dict[str, list[int]]) -> bytes:
    """A file with these tensors, all zeros, two bytes each."""
    head: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, shape in shapes.items():
        size = 2
        for n in shape:
            size *= n
        head[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    raw = json.dumps(head).encode()
    return len(raw).to_bytes(8, "little") + raw + bytes(at)


def write_checkpoint(folder: Path, config: dict[str, Any], *, card: str = CARD) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.safetensors").write_bytes(safetensors({"a": [1000, 64], "b": [64]}))
    (folder / "tokenizer.json").write_text("{}")
    if card:
        (folder / "README.md").write_text(card)
    return folder
