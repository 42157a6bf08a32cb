"""Makes a catalogue entry from a checkpoint's own files, for models that the shipped catalogue does not know.

Everything is read, nothing is run: `config.json`, the heads of the safetensors files (name, type and shape of each
tensor), the settings of sentence-transformers, and the front matter of the model card.
"""

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from appliance.inference.catalogue import (
    Catalogue,
    ChatProbe,
    EmbedProbe,
    Entry,
    Probes,
    RerankProbe,
    Task,
)
from appliance.inference.errors import CatalogueInvalid
from appliance.inference.gpus import WEIGHTS_FACTOR, WORKSPACE_GIB

CHAT_WINDOW_TOKENS = 32_768
"""Longest window that a model gets without being asked: its cache takes memory from the other users."""

HOTEL = "How much is a night in a hotel?"
COSTS = "Hotel costs are paid up to 140 euros per night."
PUMP = "The pump must be oiled every six months."


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the person who adds a model says about it; empty means: find out."""

    model_id: str = ""
    task: Task | None = None
    licence: str = ""
    query_prefix: str = ""
    passage_prefix: str = ""


def describe(folder: Path, wishes: Wishes, *, source: str, revision: str) -> Entry:
    """An entry for a checkpoint.

    Raises:
        CatalogueInvalid: its task, licence or window cannot be told from its files; the message names the option.
    """
    config = _json(folder / "config.json")
    text = {**config, **config.get("text_config", {})}
    card = front_matter(folder / "README.md")
    task = wishes.task or _task(config, folder)
    licence = wishes.licence or str(card.get("license", ""))
    if not licence:
        raise CatalogueInvalid(
            "Nothing in its files says under which licence it may be used.", remedy="Say it with --licence."
        )
    parameters, size_bytes = weigh(folder)
    context = _context(text, folder, task)
    window = min(context, CHAT_WINDOW_TOKENS)
    cache = _cache_bytes(text) if task == "chat" else 0
    weights_gib = round(size_bytes / 2**30, 2)
    memory_gib = round(weights_gib * WEIGHTS_FACTOR + WORKSPACE_GIB + cache * window / 2**30, 1)
    runner = () if task in ("chat", "transcribe") else ("--runner", "pooling")
    return Entry(
        id=wishes.model_id or slug(source),
        name=source.rstrip("/").rsplit("/", 1)[-1],
        task=task,
        source=source,
        licence=licence,
        parameters_billion=round(parameters / 1e9, 3),
        context_tokens=context,
        card=f"https://huggingface.co/{source}" if is_hub_id(source) else "",
        probe=_probe(task, wishes),
        revision=revision,
        dimension=int(text.get("hidden_size", 0)) if task == "embed" else 0,
        query_prefix=wishes.query_prefix,
        passage_prefix=wishes.passage_prefix,
        languages=_languages(card),
        abilities=("vision",) if "vision_config" in config and task == "chat" else (),
        weights_gib=weights_gib,
        memory_gib=memory_gib,
        min_gpu_gib=math.ceil(memory_gib),
        kv_bytes_per_token=cache,
        engine_args=(*runner, "--max-model-len", str(window)),
    )


def is_hub_id(text: str) -> bool:
    """`owner/name`, as hubs call a repository."""
    return re.fullmatch(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", text) is not None


def slug(source: str) -> str:
    """An id: the last part of the source in small letters, safe as a folder's name."""
    plain = re.sub(r"[^a-z0-9.]+", "-", source.rstrip("/").rsplit("/", 1)[-1].lower()).strip("-.")
    return plain or "model"


def save_entry(entry: Entry, folder: Path) -> Path:
    """Write the entry where `Catalogue.load` finds it beside the shipped ones."""
    file = folder / f"{entry.id}.toml"
    draft = file.with_suffix(".new")
    draft.write_text(to_toml(entry), encoding="utf-8")
    Catalogue.check_file(draft)
    draft.replace(file)
    return file


def to_toml(entry: Entry) -> str:
    """The entry as a file of the catalogue; fields with their default value are left out."""
    lines = ["# Made by 'appliance models add'; edit it as you like.", "", "[[models]]"]
    defaults = {f.name: f.default for f in msgspec.structs.fields(Entry)}
    values = {k: v for k, v in msgspec.to_builtins(entry).items() if k not in ("probe", "wheel")}
    lines += [f"{k} = {_toml(v)}" for k, v in values.items() if v != _plain(defaults[k])]
    lines.append("[models.probe]")
    for kind, probe in msgspec.to_builtins(entry.probe).items():
        if probe is not None:
            lines += [f"[models.probe.{kind}]", *(f"{k} = {_toml(v)}" for k, v in probe.items())]
    return "\n".join(lines) + "\n"


def front_matter(card: Path) -> dict[str, Any]:
    """Plain `key: value` lines and lists at the head of a model card; everything else of YAML is left alone."""
    if not card.is_file():
        return {}
    match = re.match(r"---\s*\n(.*?)\n---", card.read_text(encoding="utf-8", errors="replace"), re.DOTALL)
    found: dict[str, Any] = {}
    key = ""
    for line in (match[1] if match else "").splitlines():
        item = re.fullmatch(r"\s*-\s+([^:]+)", line)
        pair = re.fullmatch(r"(\w+):\s*(.*)", line)
        if pair:
            key = pair[1]
            found[key] = pair[2].strip("\"' ") or []
        elif item and isinstance(found.get(key), list):
            found[key].append(item[1].strip("\"' "))
    return found


def weigh(folder: Path) -> tuple[int, int]:
    """(parameters, bytes) of all safetensors files, from their heads. Raises CatalogueInvalid."""
    parameters = size_bytes = 0
    for file in folder.rglob("*.safetensors"):
        size_bytes += file.stat().st_size
        try:
            with file.open("rb") as handle:
                head = json.loads(handle.read(int.from_bytes(handle.read(8), "little")))
        except (ValueError, MemoryError, OverflowError) as error:
            raise CatalogueInvalid(f"'{file.name}' is no safetensors file.", remedy="Fetch it again.") from error
        parameters += sum(math.prod(t["shape"]) for name, t in head.items() if name != "__metadata__")
    return parameters, size_bytes


def _task(config: dict[str, Any], folder: Path) -> Task:
    names = [str(a) for a in config.get("architectures") or []]
    if (folder / "modules.json").is_file():
        return "embed"
    if any(n.startswith("Whisper") for n in names):
        return "transcribe"
    if any(n.endswith("ForSequenceClassification") for n in names):
        return "rerank"
    if any(n.endswith(("ForCausalLM", "ForConditionalGeneration")) for n in names):
        return "chat"
    raise CatalogueInvalid(
        f"Its files do not tell what it is for ({', '.join(names) or 'no architecture'}).",
        remedy="Say it with --task chat, embed, rerank or transcribe.",
    )


def _context(text: dict[str, Any], folder: Path, task: Task) -> int:
    known = text.get("max_target_positions") or text.get("max_position_embeddings") or text.get("n_positions")
    if not isinstance(known, int):
        raise CatalogueInvalid("Its config.json names no window (max_position_embeddings).", remedy="Add it there.")
    if task == "embed":
        limit = _json(folder / "sentence_bert_config.json").get("max_seq_length")
        known = min(known, limit) if isinstance(limit, int) else known
    if text.get("model_type") in ("roberta", "xlm-roberta", "camembert"):
        known = min(known, int(text["max_position_embeddings"]) - 2)  # their positions begin after the padding's
    return known


def _cache_bytes(text: dict[str, Any]) -> int:
    """Keys and values of one token in all layers: layers x key-value heads x head size x 2 x 2 bytes."""
    layers, heads = int(text.get("num_hidden_layers", 0)), int(text.get("num_attention_heads", 1))
    size = int(text.get("head_dim") or int(text.get("hidden_size", 0)) // max(1, heads))
    return layers * int(text.get("num_key_value_heads") or heads) * size * 4


def _languages(card: dict[str, Any]) -> tuple[str, ...]:
    listed = card.get("language", [])
    codes = [listed] if isinstance(listed, str) else listed
    return tuple(c for c in codes if re.fullmatch(r"[a-z]{2,3}", c)) if len(codes) < 40 else ()


def _probe(task: Task, wishes: Wishes) -> Probes:
    if task == "chat":
        return Probes(chat=ChatProbe(prompt="What is the capital of Germany?", contains="Berlin", max_tokens=256))
    if task == "embed":
        near, far = wishes.passage_prefix + COSTS, wishes.passage_prefix + PUMP
        return Probes(embed=EmbedProbe(text=wishes.query_prefix + HOTEL, near=near, far=far))
    if task == "rerank":
        return Probes(rerank=RerankProbe(query=HOTEL, relevant=COSTS, irrelevant=PUMP))
    return Probes()


def _json(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    except ValueError as error:
        raise CatalogueInvalid(f"'{file.name}' is broken: {error}.", remedy="Fetch it again.") from error
    return found if isinstance(found, dict) else {}


def _toml(value: Any) -> str:
    """A basic string of TOML has the escapes of JSON, and DEL too; numbers, booleans and lists look alike."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
