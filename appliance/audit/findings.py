"""What `verify` says, each in one sentence."""

from dataclasses import dataclass
from typing import Literal

FindingKind = Literal[
    "edited",
    "reordered",
    "missing_middle",
    "missing_tail",
    "missing_beginning",
    "rewritten",
    "other_database",
    "went_back",
    "checkpoint_invalid",
    "no_checkpoints",
    "unprotected",
]

MOST = 20
"""Findings of one kind that are told; one that was bent everywhere need not be told a million times."""


@dataclass(frozen=True, slots=True)
class Finding:
    kind: FindingKind
    sentence: str
    first_seq: int = 0
    last_seq: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """All that a look at a chain found."""

    findings: tuple[Finding, ...]
    events: int
    first_seq: int
    last_seq: int
    head: str
    """Hash of the last event, hexadecimal."""
    checkpoints: int
    covered_through: int
    """The last event that a checkpoint vouches for; those after it are only chained."""
    accepted: tuple[str, ...]
    """When somebody answered for a chain that went back; what was signed before does not count any more."""
    public_keys: tuple[str, ...]
    """That the checkpoints were held against. Compare them with what you noted at the first start."""
    seconds: float

    @property
    def is_whole(self) -> bool:
        return not self.findings


class Findings:
    """Collects them; of each kind the first few."""

    def __init__(self) -> None:
        self._found: list[Finding] = []
        self._counts: dict[FindingKind, int] = {}

    def add(self, kind: FindingKind, sentence: str, first_seq: int = 0, last_seq: int = 0) -> None:
        self._counts[kind] = self._counts.get(kind, 0) + 1
        if self._counts[kind] <= MOST:
            self._found.append(Finding(kind, sentence, first_seq, last_seq or first_seq))

    def all(self) -> tuple[Finding, ...]:
        """In the order of the chain, with a last one for what was not told one by one."""
        more = [
            Finding(kind, f"{count - MOST} more of this kind were found.")
            for kind, count in self._counts.items()
            if count > MOST
        ]
        return (*sorted(self._found, key=lambda finding: finding.first_seq), *more)
