"""How batches are run."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BatchSettings:
    runner: str = "local"
    """Names this process; after a crash it takes up its own batches at once."""
    parallel: int = 8
    """Lines in work at once in this process; 0: none, other gateways run the batches."""
    at_once: int = 4
    """Batches in work at once in this process."""
    max_requests: int = 50_000
    """Most lines of an input."""
    max_file_bytes: int = 200 * 1024 * 1024
    """Largest input."""
    lease_s: float = 60.0
    """How long a batch waits for a process that has fallen silent before another takes it."""
    poll_s: float = 5.0
    """How often work of other gateways' clients is looked for; of this one's it is heard at once."""
