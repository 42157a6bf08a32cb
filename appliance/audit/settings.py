"""Where the audit keeps what must not be in the database, and for how long it keeps events."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path


@dataclass(frozen=True, slots=True)
class AuditSettings:
    folder: Path
    """Signed checkpoints, the key that signs them, and the salt of what is masked. Best on another disk."""
    checkpoint_events: int = 1000
    """A checkpoint is made after so many events…"""
    checkpoint_s: float = 60.0
    """…or so many seconds after the first event that none covers."""
    look_s: float = 1.0
    """Between two looks at how far the chain is."""
    retention: timedelta | None = None
    """Events older than this are removed, up to a checkpoint. None: they are kept for ever."""
