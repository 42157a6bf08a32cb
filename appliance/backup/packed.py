"""A backup as one file, to be carried to another machine: its own folder, and of the pool what it needs."""

import tarfile
from pathlib import Path

from appliance.backup.errors import BackupFailed, BackupRefused
from appliance.backup.folder import PARTIAL, Backups, digest_of, sync, take
from appliance.backup.manifest import FILE, BackupManifest, read_manifest
from appliance.backup.verify import verify

POOL = "pool/"


def pack(backups: Backups, backup_id: str, file: Path) -> BackupManifest:
    """Write one backup into a file that must not be there yet.

    Args:
        backups: Where it lies.
        backup_id: Which; "" is the newest.
        file: Uncompressed tar: most of it is compressed or sealed already.

    Raises:
        BackupRefused: there is no such backup.
        BackupFailed: the file cannot be written.
    """
    folder, manifest = backups.path(backup_id), backups.manifest(backup_id)
    draft = file.with_name(f"{file.name}{PARTIAL}")
    try:
        with tarfile.open(draft, "x") as archive:
            for path in sorted(folder.iterdir()):
                archive.add(path, arcname=f"{folder.name}/{path.name}")
            for sha256 in sorted(manifest.stored):
                archive.add(backups.pooled(sha256), arcname=f"{POOL}{sha256}")
        sync(draft)
        draft.replace(file)
    except OSError as error:
        raise BackupFailed(f"{error.filename or file}: {error.strerror}.") from error
    return manifest


def unpack(file: Path, backups: Backups) -> BackupManifest:
    """Bring a packed backup into a folder of backups, and verify it there. Safe to repeat.

    Raises:
        BackupRefused: it is no packed backup, holds a name that leads out, or is not whole. Nothing has a name then.
        BackupFailed: the disk.
    """
    with backups.alone():
        try:
            with tarfile.open(file, "r:") as archive:
                return _take_out(archive, file, backups)
        except tarfile.TarError as error:
            raise BackupRefused(f"{file} is no packed backup: {error}.") from error
        except OSError as error:
            raise BackupFailed(f"{error.filename or file}: {error.strerror}.") from error


def _take_out(archive: tarfile.TarFile, file: Path, backups: Backups) -> BackupManifest:
    members = [member for member in archive if _checked(member, file)]
    names = {member.name.partition("/")[0] for member in members} - {"pool"}
    if len(names) != 1 or f"{(backup_id := names.pop())}/{FILE}" not in archive.getnames():
        raise BackupRefused(f"{file} is no packed backup.")
    staging = backups.root / f"{backup_id}{PARTIAL}"
    staging.mkdir(mode=0o700)
    for member in members:
        if not member.name.startswith(POOL):
            _copy(archive, member, staging / member.name.partition("/")[2])
    for name, facts in read_manifest(staging).content.items():
        if not (staging / name).is_file() or digest_of(staging / name) != facts.sha256:
            raise BackupRefused(f"{file}: '{name}' is not what the backup says.")
    for member in members:
        sha256 = member.name.removeprefix(POOL)
        if member.name.startswith(POOL) and not backups.pooled(sha256).is_file():
            _copy(archive, member, staging / "new")
            take(staging / "new", backups.pooled(sha256), sha256)
            (staging / "new").unlink()
    if backup_id not in backups.ids():
        backups.finish(staging)
    return verify(backups, backup_id)


def _checked(member: tarfile.TarInfo, file: Path) -> bool:
    """Two plain parts and a plain file. Raises BackupRefused."""
    folder, _, name = member.name.partition("/")
    if not member.isreg() or not name or "/" in name or {folder, name} & {"", ".", ".."}:
        raise BackupRefused(f"{file} holds '{member.name}', which no backup has.")
    return True


def _copy(archive: tarfile.TarFile, member: tarfile.TarInfo, place: Path) -> None:
    content = archive.extractfile(member)
    with place.open("wb") as out:
        while content is not None and (block := content.read(1 << 20)):
            out.write(block)
