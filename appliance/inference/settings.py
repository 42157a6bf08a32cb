"""What to serve, and where the engines live."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ModelChoice:
    id: str
    """A model of the catalogue."""
    base_urls: tuple[str, ...] = ()
    """Engines that run elsewhere, as `http://host:port/v1`. Empty: one is run here."""
    engine_args: tuple[str, ...] = ()
    """More arguments for the engine, after the catalogue's."""


@dataclass(frozen=True, slots=True)
class InferenceSettings:
    engine_dir: Path
    """The engines' own Python environment; the gateway's holds neither torch nor vLLM."""
    model_dir: Path
    """One folder per model."""
    log_dir: Path
    """Each engine's output."""
    models: tuple[ModelChoice, ...] = ()
    """Empty: what fits this machine."""
    cpu_kv_cache_gib: int = 1
    """Key-value cache of each engine on a machine without GPU, GiB."""
    probe_interval_s: float = 15.0
    """How often an idle engine does a small piece of real work."""
    probe_timeout_s: float = 60.0
    """An engine that does not finish the probe in this time hangs and is restarted."""
    start_timeout_s: float = 900.0
    """Longest wait for an engine's first right answer; large models load for minutes."""
