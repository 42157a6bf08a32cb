"""How documents are taken in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DocumentSettings:
    jobs_database_url: str
    """Where the durable jobs keep their state: `sqlite:///…` or `postgresql://…`."""
    max_file_bytes: int = 256 * 1024 * 1024
    """Largest file that an upload may have."""
    parallel: int = 2
    """Documents in work at once in this process; 0: none, workers elsewhere take them."""
    passage_characters: int = 1000
    """Aim for the length of a passage."""
    embed_batch_count: int = 32
    """Passages embedded and written to the index per step; a restart repeats at most this many."""
    attempts: int = 5
    """Runs of a document's workflow before it is given up."""
    sweep_interval_s: float = 15.0
    """How often lost work is picked up and dead points are removed."""
    worker_name: str = "local"
    """Names this worker in the job store; after a crash it takes up its own unfinished work."""

    @property
    def takes_from_others(self) -> bool:
        """Other processes may hand documents to this one: they share its job store."""
        return self.parallel > 0 and not self.jobs_database_url.startswith("sqlite")
