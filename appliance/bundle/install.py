"""Unpack a bundle, verified, into a folder that is whole or not there."""

import os
from collections.abc import Iterator
from pathlib import Path

from appliance.bundle import checking
from appliance.bundle.errors import BundleRefused
from appliance.bundle.manifest import Bundle
from appliance.bundle.model_files import refuse_what_runs
from appliance.bundle.plan import Progress
from appliance.bundle.tree import FILE_MODE, FOLDER_MODE, remove
from appliance.bundle.verify import bundle_of, read_manifest, refuse_version

EVERY_BYTES = 1 << 30


def install(root: Path, into: Path, *, allowed_signers: Path, installed: str, progress: Progress) -> Bundle:
    """Copy a bundle, checking every byte on its way, so that nobody can change it between the check and the copy.

    Args:
        root: Folder or archive.
        into: Where it shall lie. Files that a cut copy left in `<into>.partial` are not copied again.
        allowed_signers: Keys to believe.
        installed: Version that runs here; "" when there is none.
        progress: Told how far it is, each GiB.

    Raises:
        BundleRefused: nothing of it lies at `into` then.
    """
    if into.exists():
        raise BundleRefused(into.name, "is there already", remedy="Remove it, or name another place.")
    staging = into.with_name(into.name + ".partial")
    staging.mkdir(parents=True, exist_ok=True)
    try:
        with checking.entries_of(root) as entries:
            head, rest = checking.read_head(entries)
            signed_by = checking.check_signature(head[checking.MANIFEST], head[checking.SIGNATURE], allowed_signers)
            manifest = read_manifest(head[checking.MANIFEST])
            _, hashes = checking.read_lists(head)
            refuse_version(manifest, installed)
            size = checking.check_files(_copied(rest, staging, hashes, progress), hashes, deep=False)
    except checking.Refused as refused:
        remove(staging)
        raise BundleRefused(refused.file, refused.why) from refused
    for name, data in head.items():
        (staging / name).write_bytes(data)
    _refuse_model(staging, manifest.kind)
    _settle(staging, set(hashes) | set(checking.HEAD))
    staging.replace(into)
    return bundle_of(into, manifest, signed_by, len(hashes), size)


def _copied(
    entries: Iterator[checking.Entry], staging: Path, hashes: dict[str, str], progress: Progress
) -> Iterator[checking.Entry]:
    """Each file, after it was copied and found to be the one of the list. Raises checking.Refused."""
    done, told = 0, 0
    for entry in entries:
        if entry.path in hashes:  # who asks refuses the others by name
            _copy(entry, staging / entry.path, hashes[entry.path])
        done += entry.size
        if done - told >= EVERY_BYTES:
            told = done
            progress(f"{done >> 30} GiB copied")
        yield entry


def _copy(entry: checking.Entry, place: Path, wanted: str) -> None:
    if _is_there(place, entry.size, wanted):
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    with place.open("xb") as file:
        found = checking.digest_of(entry, file.write)
        file.flush()
        os.fsync(file.fileno())
    if found != wanted:
        raise checking.Refused(entry.path, "is not what was signed: its bytes differ")


def _is_there(place: Path, size: int, wanted: str) -> bool:
    if not place.is_file() or place.is_symlink() or place.stat().st_size != size:
        return False
    return checking.digest_of(checking.Entry(place.name, size, lambda: place.open("rb"))) == wanted


def _refuse_model(staging: Path, kind: str) -> None:
    if kind != "model":
        return
    try:
        with checking.entries_of(staging) as entries:
            refuse_what_runs(entries)
    except checking.Refused as refused:
        remove(staging)
        raise BundleRefused(refused.file, refused.why) from refused


def _settle(staging: Path, wanted: set[str]) -> None:
    """Leave only what belongs here, under modes that do not come from the bundle."""
    for path in sorted(staging.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            path.chmod(FOLDER_MODE)
        elif path.relative_to(staging).as_posix() in wanted:
            path.chmod(FILE_MODE)
        else:
            path.unlink()
    staging.chmod(FOLDER_MODE)
