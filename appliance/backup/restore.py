"""Put a backup into an empty place. The database comes last: without it, nothing of the rest counts."""

import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from appliance.backup import postgres, secrets, sqlite
from appliance.backup.create import ADAPTERS, AUDIT, INDEX, MODELS, REALM
from appliance.backup.errors import BackupRefused
from appliance.backup.folder import Backups, sync, take
from appliance.backup.manifest import BackupManifest
from appliance.backup.places import Places
from appliance.backup.verify import verify

Progress = Callable[[str], None]
HARMLESS = {"run", "logs", "lost+found", "appliance.toml", "engine", "models", ".restore", "files.lock", "index.lock"}
"""What may lie in a data folder that has no data yet."""


def restore(
    backups: Backups, backup_id: str, places: Places, *, identity: Path | None, progress: Progress
) -> BackupManifest:
    """Verify a backup, and put it back.

    Args:
        backups: Where it lies.
        backup_id: Which; "" is the newest.
        places: Where to: a data folder without data and, for a backup from PostgreSQL, a database without tables.
        identity: `age` key that opens the secrets; None leaves them out.
        progress: Told what is going on.

    Raises:
        BackupRefused: it is not whole, or a place is not empty. Nothing was changed then.
        BackupFailed: the key does not fit, or the database does not take it. Run it again.
    """
    folder = backups.path(backup_id)
    _refuse_used(places, folder)
    progress(f"verifying {folder.name}")
    manifest = verify(backups, folder.name)
    _refuse_other_kind(manifest, places)
    waiting = places.data / ".restore"
    shutil.rmtree(waiting, ignore_errors=True)
    waiting.mkdir(parents=True, mode=0o700)
    places.data.chmod(0o700)
    progress(f"{len(manifest.stored)} files, index, audit")
    _lay_out(backups, manifest, folder, waiting, identity)
    if manifest.database == "sqlite":
        take(folder / sqlite.FILE, waiting / "appliance.db", manifest.content[sqlite.FILE].sha256)
    _move(waiting, places, folder)
    progress("database")
    if manifest.database == "sqlite":
        (waiting / "appliance.db").replace(places.sqlite_file)
    else:
        postgres.load(folder / postgres.FILE, places.database_url)
    sync(places.data)
    shutil.rmtree(waiting)
    return manifest


def _refuse_used(places: Places, folder: Path) -> None:
    """Raises BackupRefused."""
    if places.data.is_dir():
        there = {p.name for p in places.data.iterdir()} - HARMLESS
        if there and not ((places.data / ".restore").is_dir() and not places.sqlite_file.exists()):
            raise BackupRefused(
                f"{places.data} has data already: {', '.join(sorted(there)[:4])}. Nothing is written over."
            )
    if places.database_url:
        postgres.refuse_used(places.database_url)
    if places.realm_url and (folder / REALM).is_file():
        postgres.refuse_used(places.realm_url)


def _refuse_other_kind(manifest: BackupManifest, places: Places) -> None:
    wanted = "postgresql" if places.database_url else "sqlite"
    if manifest.database != wanted:
        raise BackupRefused(
            f"The backup is of a database on {manifest.database}, and the settings name {wanted}.",
            remedy="Set 'database.url' as it was when the backup was made.",
        )


def _lay_out(backups: Backups, manifest: BackupManifest, folder: Path, waiting: Path, identity: Path | None) -> None:
    for sha256 in manifest.stored:
        take(backups.pooled(sha256), waiting / "files" / sha256[:2] / sha256[2:4] / sha256, sha256)
    for name, into in ((INDEX, "index"), (AUDIT, "."), (ADAPTERS, "adapters"), (MODELS, "models")):
        if (folder / name).is_file():
            with tarfile.open(folder / name) as archive:
                _take_out(archive, waiting / into, folder / name)
    if identity is not None and (folder / secrets.FILE).is_file():
        secrets.unseal_into(folder / secrets.FILE, identity, waiting / "secrets-of-backup")
        opened = waiting / "secrets-of-backup"
        for source, target in (
            (opened / "audit", waiting / "audit"),
            (opened / "data" / "secrets", waiting / "secrets"),
        ):
            if source.is_dir():
                shutil.copytree(source, target, dirs_exist_ok=True)
                shutil.rmtree(source)


def _take_out(archive: tarfile.TarFile, into: Path, source: Path) -> None:
    """Plain files only, below the folder: tarfile's own filter is newer than the Python of Debian 12.

    Raises:
        BackupRefused: a name leads out.
    """
    for member in archive:
        path, content = PurePosixPath(member.name), archive.extractfile(member) if member.isreg() else None
        if path.is_absolute() or ".." in path.parts or content is None:
            raise BackupRefused(f"{source} holds '{member.name}', which leads out of its place.")
        place = into / path
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with place.open("wb") as out:
            shutil.copyfileobj(content, out)
        place.chmod(member.mode & 0o700)


def _move(waiting: Path, places: Places, folder: Path) -> None:
    """Give everything but the database its place. What a cut run moved already is moved again."""
    targets = {"files": places.files, "index": places.index, "adapters": places.adapters}
    targets |= {"audit": places.audit, "secrets": places.data / "secrets"}
    targets["secrets-of-backup"] = places.data / f"secrets-of-{folder.name}"
    for name, target in targets.items():
        if (waiting / name).is_dir():
            shutil.rmtree(target, ignore_errors=True)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(waiting / name, target)
    if (waiting / "models").is_dir():
        shutil.copytree(waiting / "models", places.models, dirs_exist_ok=True)
    if places.realm_url and (folder / REALM).is_file():
        postgres.load(folder / REALM, places.realm_url)
    os.sync()
