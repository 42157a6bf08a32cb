"""How long responses are kept."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class ResponseSettings:
    retention: timedelta = timedelta(days=30)
    """Then a stored response is deleted."""
    runner: str = "local"
    """Who this process is; after a crash it ends its own responses that were being written."""
    background_at_most: int = 200
    """Responses written in the background at once by this process."""
