"""One file from what hosts have told: their parts, their statements, and what this machine knows of past operations."""

import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from appliance.installation import load
from appliance.operations.workspace import Workspace
from appliance.support import Redactor

PART, STATEMENT, SIGNATURE = "host.tar.gz", "egress.json", "egress.json.sig"
OPERATIONS = 50
"""So many of the newest are told."""


@dataclass(frozen=True, slots=True)
class Gathered:
    file: Path
    statements: dict[str, dict[str, Any]]
    """Host → what it answers for about connections outward."""
    missing: tuple[str, ...]
    """Hosts that told nothing, or not all."""


def gather(description: Path, folder: Path, to: Path) -> Gathered:
    """Put what `diagnose.yml` brought into a folder together, as `support-NAME-TIME.tar.gz`.

    Raises:
        OSError: the disk.
    """
    installation = load(description)
    now = datetime.now(UTC)
    file = to / f"support-{installation.name}-{now:%Y%m%dT%H%M%SZ}.tar.gz"
    statements, missing = {}, []
    file.touch(mode=0o600)
    with tarfile.open(file, "w:gz") as archive:
        for host in installation.hosts:
            here = folder / host
            for name in (STATEMENT, SIGNATURE):
                if (here / name).is_file():
                    archive.add(here / name, arcname=f"{host}/{name}")
            if (here / STATEMENT).is_file():
                statements[host] = json.loads((here / STATEMENT).read_text(encoding="utf-8"))
            if (here / PART).is_file():
                _take_over(archive, here / PART, host)
            if host not in statements or not (here / PART).is_file():
                missing.append(host)
        _add(archive, "operations.jsonl", "\n".join(_operations(description)) + "\n")
        _add(archive, "missing.txt", "\n".join(missing) + "\n")
    return Gathered(file, statements, tuple(missing))


def _operations(description: Path) -> Iterator[str]:
    installation = load(description)
    record = Workspace(description, installation.name).record
    secrets = description.absolute().parent / installation.secrets_dir
    known = [p.read_text(encoding="utf-8", errors="replace") for p in secrets.iterdir()] if secrets.is_dir() else []
    redactor = Redactor([line for text in known for line in text.splitlines()])
    for line in record.read_text(encoding="utf-8").splitlines()[-OPERATIONS:] if record.exists() else ():
        told = json.loads(line)
        told["failed"] = redactor.value(told.get("failed", "").partition(":")[0])  # the task and its host
        yield redactor.value(json.dumps(told))


def _take_over(archive: tarfile.TarFile, part: Path, host: str) -> None:
    with tarfile.open(part, "r:gz") as given:
        for member in given:
            content = given.extractfile(member) if member.isreg() else None
            if content is not None and ".." not in member.name and not member.name.startswith("/"):
                _add(archive, f"{host}/{member.name}", content.read().decode())


def _add(archive: tarfile.TarFile, name: str, text: str) -> None:
    content = text.encode()
    facts = tarfile.TarInfo(name)
    facts.size, facts.mode = len(content), 0o600
    archive.addfile(facts, io.BytesIO(content))
