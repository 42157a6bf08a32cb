"""Look at every byte of a backup."""

from appliance.backup import postgres, sqlite
from appliance.backup.errors import BackupRefused
from appliance.backup.folder import Backups, digest_of
from appliance.backup.manifest import DIGEST, FILE, BackupManifest, read_manifest


def verify(backups: Backups, backup_id: str) -> BackupManifest:
    """Hash every file, look into the database, and hold its tables against the manifest where no server is needed.

    Raises:
        BackupRefused: naming the file and what is wrong.
    """
    folder = backups.path(backup_id)
    manifest = read_manifest(folder)
    for name, facts in manifest.content.items():
        path = folder / name
        if not path.is_file():
            raise BackupRefused(f"{path} is missing.")
        if digest_of(path) != facts.sha256:
            raise BackupRefused(f"{path} was changed after it was written.")
    for path in folder.iterdir():
        if path.name not in manifest.content and path.name not in (FILE, DIGEST):
            raise BackupRefused(f"{path} does not belong to the backup.")
    for sha256 in manifest.stored:
        path = backups.pooled(sha256)
        if not path.is_file():
            raise BackupRefused(f"{path} is missing.")
        if digest_of(path) != sha256:
            raise BackupRefused(f"{path} was changed after it was written.")
    if manifest.database == "sqlite":
        sqlite.check(folder / sqlite.FILE)
    else:
        postgres.check(folder / postgres.FILE)
    return manifest
