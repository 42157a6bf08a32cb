"""What a bundle says about itself. Signed as bytes, so it is written in one way only."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from appliance.bundle.targets import Target

SCHEMA = "appliance-bundle/1"


class Component(Struct, frozen=True, kw_only=True):
    """One thing that somebody else, or we, released: a wheel, a package, an archive."""

    name: str
    version: str
    kind: Literal["wheel", "deb", "tarball", "playbooks", "chart", "image", "model"]
    licence: str
    """As its own metadata states it; empty when they state none."""
    source: str
    """Package URL, as SBOMs have it."""
    path: str
    """File inside the bundle; of a folder, with a slash at the end."""
    sha256: str
    """Of the file; empty for a folder, whose files are in `checksums.txt`."""
    size: int
    """Bytes, of a folder those of all its files."""


class ModelFacts(Struct, frozen=True, kw_only=True):
    id: str
    repository: str
    revision: str
    licence: str
    dtypes: tuple[str, ...]
    """Of the tensors, as safetensors names them."""
    needed_memory_bytes: int
    """Weights alone, as they lie in the files."""


class TargetFacts(Struct, frozen=True, kw_only=True):
    id: str
    codename: str
    python: str
    glibc: str
    architecture: str = "amd64"


class Manifest(Struct, frozen=True, kw_only=True):
    schema: str = SCHEMA
    kind: Literal["product", "model"]
    version: str
    min_upgrade_from: str
    """Oldest installed version from which this one can be put on."""
    checksums_sha256: str
    targets: tuple[TargetFacts, ...] = ()
    components: tuple[Component, ...] = ()
    model: ModelFacts | None = None
    left_out: tuple[str, ...] = ()
    """Parts that a whole bundle has and this one has not."""

    def encode(self) -> bytes:
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"


@dataclass(frozen=True, slots=True)
class Bundle:
    """One that was verified, or was just made."""

    root: Path
    """Folder, or the archive that holds it."""
    version: str
    min_upgrade_from: str
    targets: tuple[Target, ...]
    components: tuple[Component, ...]
    left_out: tuple[str, ...]
    model: ModelFacts | None
    signed_by: str
    """Fingerprint of the key; empty when it is not signed."""
    files: int
    size_bytes: int
