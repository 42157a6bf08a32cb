"""Where an appliance keeps what a backup must have."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Places:
    data: Path
    database_url: str
    """`postgresql://…`; "" for SQLite in the data folder."""
    audit: Path
    """Checkpoints of the audit, the key that signs them, the salt."""
    models: Path
    """Only manifests and own entries of the catalogue are taken: files can be fetched again."""
    settings_file: Path | None = None
    secret_files: tuple[Path, ...] = ()
    """Files with secrets that the settings name."""
    realm_url: str = ""
    """`postgresql://…` of the bundled Keycloak; "" when it is somebody else's."""

    @property
    def sqlite_file(self) -> Path:
        return self.data / "appliance.db"

    @property
    def files(self) -> Path:
        return self.data / "files"

    @property
    def index(self) -> Path:
        return self.data / "index"

    @property
    def adapters(self) -> Path:
        return self.data / "adapters"

    @property
    def scratch(self) -> Path:
        """What one run holds on to; on the disk of the data, so that a file is held without a copy of it."""
        return self.data / "run" / "backup"
