"""Where the audit keeps what must not be in the database."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class AuditSettings:
    folder: Path
    """Signed checkpoints, the key that signs them, and the salt of what is masked. Best on another disk."""
