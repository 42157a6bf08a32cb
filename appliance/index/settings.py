"""Where the index lies."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class IndexSettings:
    kind: Literal["edge", "qdrant"]
    """`edge`: inside this process. `qdrant`: a server."""
    folder: Path
    """Where the embedded index lies."""
    url: str = ""
    """Address of the server."""
    api_key: str = field(default="", repr=False)
    timeout_s: float = 10.0
    """Longest wait for one call to the server, in seconds."""
