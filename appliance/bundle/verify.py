"""Verify a bundle: what was signed (`checking.py`), for which versions, and that a model holds nothing that runs."""

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from appliance.bundle import checking
from appliance.bundle.errors import BundleRefused
from appliance.bundle.manifest import SCHEMA, Bundle, Manifest
from appliance.bundle.model_files import refuse_what_runs
from appliance.bundle.targets import TARGETS, Target
from appliance.bundle.versions import is_older

if TYPE_CHECKING:
    from collections.abc import Iterator


def verify(root: Path, *, allowed_signers: Path, deep: bool = True, installed: str = "") -> Bundle:
    """Check a bundle, a folder or an archive, before anything in it is used.

    Args:
        root: Where it is.
        allowed_signers: Keys to believe, in OpenSSH's form.
        deep: Hash every file; else only the signature, the names and the kinds of files.
        installed: Version that is on this machine; "" when there is none.

    Raises:
        BundleRefused: naming the file and what is wrong with it.
    """
    try:
        found = checking.check(root, allowed_signers, deep=deep)
        manifest = read_manifest(found.manifest_bytes)
        if manifest.kind == "model":
            with checking.entries_of(root) as entries:
                refuse_what_runs(entries)
    except checking.Refused as refused:
        raise BundleRefused(refused.file, refused.why) from refused
    refuse_version(manifest, installed)
    return bundle_of(root, manifest, found.signed_by, len(found.hashes), found.size_bytes)


def read_manifest(data: bytes) -> Manifest:
    """Raises BundleRefused."""
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except msgspec.MsgspecError as error:
        raise BundleRefused(checking.MANIFEST, f"cannot be read ({error})") from error
    if manifest.schema != SCHEMA:
        raise BundleRefused(
            checking.MANIFEST,
            f"is of schema '{manifest.schema}', and this appliance reads '{SCHEMA}'",
            remedy="Verify it with the 'verify.py' of a newer release.",
        )
    return manifest


def refuse_version(manifest: Manifest, installed: str) -> None:
    """Refuse a step back, and one over versions that must not be skipped. Raises BundleRefused."""
    if not installed or manifest.kind == "model":
        return
    if is_older(manifest.version, installed):
        raise BundleRefused(
            checking.MANIFEST,
            f"is version {manifest.version}, older than {installed}, which is installed",
            remedy="Go back with 'appliance rollback', which knows the way of the data.",
        )
    if is_older(installed, manifest.min_upgrade_from):
        raise BundleRefused(
            checking.MANIFEST,
            f"can be put on {manifest.min_upgrade_from} or newer, and {installed} is installed",
            remedy=f"Upgrade to {manifest.min_upgrade_from} first.",
        )


def bundle_of(root: Path, manifest: Manifest, signed_by: str, files: int, size_bytes: int) -> Bundle:
    known: Iterator[Target] = (TARGETS[facts.id] for facts in manifest.targets if facts.id in TARGETS)
    return Bundle(
        root=root,
        version=manifest.version,
        min_upgrade_from=manifest.min_upgrade_from,
        targets=tuple(known),
        components=manifest.components,
        left_out=manifest.left_out,
        model=manifest.model,
        signed_by=signed_by,
        files=files,
        size_bytes=size_bytes,
    )
