"""How much a program may upload."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileSettings:
    max_bytes: int = 512 * 1024 * 1024
    """Largest file of an upload."""
    sweep_interval_s: float = 60.0
    """How often expired files are removed."""
