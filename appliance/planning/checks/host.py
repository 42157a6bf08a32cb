"""How checks see a host: files below one root, and programs by name. Tests give another root and other programs."""

import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Optional, Sequence  # noqa: UP035 - also read by Python 3.9

TIMEOUT_S = 20

Run = Callable[[Sequence[str]], Optional[str]]  # noqa: UP045 - as above
"""A program's output; None when it is missing or failed."""


def run_program(words: Sequence[str]) -> Optional[str]:  # noqa: UP045 - as above
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)  # noqa: S603 - our own words
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode == 0 else None


@dataclass(frozen=True)
class Limits:
    """What is enough; all can be given, since a small lab is no production."""

    memory_gib: float = 16.0
    cores: int = 4
    disk_gib: float = 50.0
    inodes: int = 200_000
    open_files: int = 65_536
    map_count: int = 262_144
    backlog: int = 1024
    shared_memory_gib: float = 1.0
    driver: int = 570
    """Oldest driver of NVIDIA that the engines' CUDA takes."""
    certificate_days: int = 30
    read_mib_s: float = 200.0
    """A disk for models."""


@dataclass(frozen=True)
class Host:
    root: Path = Path("/")
    run: Run = run_program
    limits: Limits = field(default_factory=Limits)
    ports: Sequence[int] = (80, 443, 5432, 6333, 6379, 8080, 8101, 8180, 9000)
    users: "dict[str, int]" = field(
        default_factory=lambda: {"appliance": 871, "vllm": 872, "qdrant": 873, "keycloak": 874}
    )
    folders: Sequence[str] = ("/var/lib", "/opt")
    air_gapped: bool = True
    """A way out of the host is worth a warning."""
    certificate: str = ""
    key: str = ""
    bundle: str = ""
    models: str = ""
    """Folder with files of models."""
    issuer: str = ""
    authority: str = ""
    """Certificates to believe when the issuer is asked, PEM; the system's without."""
    reach: Sequence[str] = ()
    """Parts on other hosts, `host:port`."""

    def read(self, path: str) -> str:
        """A file's text; empty when it is not there."""
        try:
            return (self.root / path.lstrip("/")).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    def number(self, path: str) -> int:
        """A file with one number; 0 when it is not there."""
        text = self.read(path).split()
        return int(text[0]) if text and text[0].lstrip("-").isdigit() else 0
