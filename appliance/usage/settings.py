"""Where usage is written down, and how limits behave."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class UsageSettings:
    folder: Path
    """The journal, and this gateway's id."""
    url: str = field(default="", repr=False)
    """Valkey or Redis that gateways share. Empty: PostgreSQL when the database is one, else this process alone."""
    concurrent_requests: int = 4096
    """Of one user, where nobody set a limit; 0 means no bound."""
    settle_wait_s: float = 10.0
    """Longest wait of a request for running ones to give back what they do not use of a budget."""
    flush_s: float = 1.0
    """Between two writings into the database."""
    limits_poll_s: float = 1.0
    """Between two looks at whether a limit was changed."""
    segment_bytes: int = 16 * 1024 * 1024
    journal_most_bytes: int = 1024 * 1024 * 1024
    """When the database is away for so long, requests are refused."""
    lease_report_s: float = 0.25
    """Between two looks at what other gateways need of what this one has leased."""
    lease_timeout_s: float = 60.0
    """After so long without a sign of a gateway, others may use what it had leased and not used."""
