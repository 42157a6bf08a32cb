"""What a backup says about itself."""

import hashlib
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from appliance.backup.errors import BackupRefused

SCHEMA = "appliance-backup/1"
FILE = "manifest.json"
DIGEST = "manifest.sha256"


class TableFacts(Struct, frozen=True):
    rows: int
    digest: str
    """Sum of the SHA-256 of each row: one row more, less or other, and it is another."""


class FileFacts(Struct, frozen=True):
    sha256: str
    size_bytes: int


class BackupManifest(Struct, frozen=True, kw_only=True):
    schema: str = SCHEMA
    id: str
    point: datetime
    """What was acknowledged before is in it."""
    database: str
    """`sqlite` or `postgresql`."""
    revision: str
    """Of the schema."""
    tables: dict[str, TableFacts]
    content: dict[str, FileFacts]
    """Files of this backup's own folder."""
    stored: dict[str, int]
    """Uploaded files in the pool: SHA-256 → bytes."""
    audit_seq: int
    audit_hash: str
    pause_s: float
    """For so long nobody could write to the index or add a file."""
    seconds: float
    left_out: tuple[str, ...]
    realm: dict[str, TableFacts] = {}
    """Tables of the bundled Keycloak; empty when its database is not in the backup."""

    @property
    def rows(self) -> int:
        return sum(facts.rows for facts in self.tables.values())

    @property
    def size_bytes(self) -> int:
        return sum(self.stored.values()) + sum(facts.size_bytes for facts in self.content.values())


def write_manifest(manifest: BackupManifest, folder: Path) -> None:
    data = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    (folder / FILE).write_bytes(data)
    (folder / DIGEST).write_text(f"{hashlib.sha256(data).hexdigest()}  {FILE}\n", encoding="ascii")


def read_manifest(folder: Path) -> BackupManifest:
    """Raises BackupRefused: there is none, or it was changed."""
    try:
        data = (folder / FILE).read_bytes()
        wanted = (folder / DIGEST).read_text(encoding="ascii").split()[0]
    except (OSError, IndexError, UnicodeError) as error:
        raise BackupRefused(f"{folder} is no whole backup: it has no manifest.") from error
    if hashlib.sha256(data).hexdigest() != wanted:
        raise BackupRefused(f"{folder / FILE} was changed after it was written.")
    try:
        manifest = msgspec.json.decode(data, type=BackupManifest)
    except msgspec.MsgspecError as error:
        raise BackupRefused(f"{folder / FILE} cannot be read: {error}.") from error
    if manifest.schema != SCHEMA:
        raise BackupRefused(f"{folder / FILE} is of another release ('{manifest.schema}').")
    return manifest
