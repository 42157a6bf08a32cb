"""Where state lies."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class StorageSettings:
    database_url: str
    """`sqlite+aiosqlite:///…` or `postgresql+psycopg://…`."""
    files_dir: Path
    """Folder of the stored bytes, named by SHA-256."""
    pool_size: int = 10
    """Connections to PostgreSQL kept open."""
