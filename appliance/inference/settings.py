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
    replicas: int = 1
    """Engines of this model on this machine; without meaning with `base_urls`."""
    router: bool = False
    """The base URLs are routers in front of several engines; they are asked for their health, not for a token."""
    fallbacks: tuple[str, ...] = ()
    """Models that answer, the first that can, when no replica of this one takes requests."""
    max_running: int = 1024
    """Most requests at once on a replica."""
    max_waiting: int = 1024
    """Most requests that wait for a replica, in each lane."""
    batch_running: int = 0
    """Most batch requests at once on a replica; 0: 64, or 4 on an engine of this machine without GPU."""


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
    watch_interval_s: float = 2.5
    """A replica that was silent for so long is asked for one token."""
    watch_deadline_s: float = 5.0
    """It gets no requests when the token has not come in this time, until it comes again."""
    silence_s: float = 120.0
    """An engine that is waited for and sends nothing for so long is given up."""
    max_wait_s: float = 30.0
    """Longest wait of an interactive request for a replica that is not full."""
