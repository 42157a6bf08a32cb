"""Make a backup: find the point, write it out, give it its name, let go of older ones."""

import tarfile
import time
from collections.abc import Callable
from pathlib import Path

from appliance.backup import secrets
from appliance.backup.errors import BackupFailed
from appliance.backup.folder import Backups, digest_of, take
from appliance.backup.manifest import BackupManifest, FileFacts, write_manifest
from appliance.backup.moment import Moment, hold_moment
from appliance.backup.places import Places

Progress = Callable[[str], None]
PUBLIC_AUDIT = (".jsonl", ".pub", ".public")
REALM, PROOF = "realm.dump", "proof.json"
INDEX, AUDIT, ADAPTERS, MODELS = "index.tar.gz", "audit.tar.gz", "adapters.tar.gz", "models.tar.gz"


def create(
    places: Places,
    backups: Backups,
    *,
    recipients: Path | None,
    keep: int,
    progress: Progress,
    proof: Path | None = None,
) -> BackupManifest:
    """Make one, while the appliance runs or not.

    Args:
        places: What to take.
        backups: Where to.
        recipients: File with `age` recipients; None leaves secrets and the audit's key out, and the manifest says so.
        keep: So many backups stay, the newest.
        progress: Told what is going on.
        proof: What `appliance prove record` saw just before, for a look back after a restore; may be missing.

    Raises:
        BackupFailed: nothing counts of what was written, and the backups of before are as they were.
    """
    began = time.monotonic()
    with backups.alone():
        try:
            manifest = _write(places, backups, recipients, progress, began, proof)
        except OSError as error:
            raise BackupFailed(f"{error.filename or backups.root}: {error.strerror}.") from error
        gone = backups.keep_newest(keep)
    if gone:
        progress(f"removed {', '.join(gone)}")
    return manifest


def _write(
    places: Places, backups: Backups, recipients: Path | None, progress: Progress, began: float, proof: Path | None
) -> BackupManifest:
    with hold_moment(places, backups) as moment:
        progress(f"point {moment.at:%Y-%m-%d %H:%M:%S} UTC, writers paused for {moment.pause_s * 1000:.0f} ms")
        staging = backups.begin(moment.at)
        revision, (audit_seq, audit_hash) = moment.database.revision(), moment.database.audit_head()
        progress(f"database, {len(moment.files)} files")
        moment.database.write(staging)
        tables = moment.database.tables()
        for file in sorted(moment.new_files.iterdir()):
            take(file, backups.pooled(file.name), file.name)
        _pack(moment.index, staging / INDEX)
        left_out = _write_rest(places, moment, staging, recipients, proof)
        manifest = BackupManifest(
            id=staging.stem,
            point=moment.at,
            database=moment.database.kind,
            revision=revision,
            tables=tables,
            content={p.name: FileFacts(digest_of(p), p.stat().st_size) for p in sorted(staging.iterdir())},
            stored=moment.files,
            audit_seq=audit_seq,
            audit_hash=audit_hash,
            pause_s=moment.pause_s,
            seconds=time.monotonic() - began,
            left_out=left_out,
            realm=moment.realm.tables() if moment.realm else {},
        )
    write_manifest(manifest, staging)
    backups.finish(staging)
    return manifest


def _write_rest(
    places: Places, moment: Moment, staging: Path, recipients: Path | None, proof: Path | None
) -> tuple[str, ...]:
    """What is small; the names of what this backup lacks."""
    lacks = []
    if moment.realm is not None:
        moment.realm.write_as(staging / REALM)
    if proof is not None and proof.is_file():
        (staging / PROOF).write_bytes(proof.read_bytes())
    elif proof is not None:
        lacks.append("proof")
    for folder, name in ((places.adapters, ADAPTERS), (places.models, MODELS)):
        if folder.is_dir():
            _pack(folder, staging / name, only=None if name == ADAPTERS else (".json", ".toml"), deep=name == ADAPTERS)
    secret, public = _split_audit(moment.audit)
    _pack_files(public, staging / AUDIT)
    secret |= {f"files/{i}{path}": path for i, path in enumerate(places.secret_files) if path.is_file()}
    folder = places.data / "secrets"
    secret |= {f"data/{p.relative_to(places.data)}": p for p in folder.rglob("*") if p.is_file()}
    if places.settings_file is not None and places.settings_file.is_file():
        secret["appliance.toml"] = places.settings_file
    if recipients is None:
        lacks.append("secrets")
    else:
        secrets.seal(secret, recipients, staging / secrets.FILE)
    return tuple(lacks)


def _split_audit(folder: Path) -> tuple[dict[str, Path], dict[str, Path]]:
    """What must be encrypted, and what may be read by anybody, by its name in an archive."""
    secret: dict[str, Path] = {}
    public: dict[str, Path] = {}
    for file in sorted(folder.iterdir()):
        (public if file.suffix in PUBLIC_AUDIT else secret)[f"audit/{file.name}"] = file
    return secret, public


def _pack(folder: Path, place: Path, *, only: tuple[str, ...] | None = None, deep: bool = True) -> None:
    """All files below a folder, or those with one of these endings and no deeper than its folders."""
    files = folder.rglob("*") if deep else (*folder.glob("*"), *folder.glob("*/*"))
    wanted = [p for p in files if p.is_file() and (only is None or p.suffix in only)]
    _pack_files({p.relative_to(folder).as_posix(): p for p in wanted}, place)


def _pack_files(files: dict[str, Path], place: Path) -> None:
    with tarfile.open(place, "w:gz", compresslevel=1) as archive:
        for name in sorted(files):
            archive.add(files[name], arcname=name, recursive=False)
