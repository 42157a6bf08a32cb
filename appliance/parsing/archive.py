"""Looks at a zip-based file before anything unpacks it: sizes, counts and names can be read without inflating."""

import zipfile
from pathlib import Path

from appliance.parsing.errors import DocumentRefused
from appliance.parsing.limits import MAX_ENTRIES, MAX_RATIO, MAX_UNPACKED_BYTES, MIB


def check_archive(path: Path) -> None:
    """Refuse what would unpack too large.

    The central directory may lie about sizes; the memory limit of the cage holds then.

    Raises:
        DocumentRefused: too many members, too large unpacked, or a member that is a bomb.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise DocumentRefused("The file is cut off or broken.") from error
    if len(members) > MAX_ENTRIES:
        raise DocumentRefused("It holds far too many parts to be a document.")
    if any(m.flag_bits & 0x1 for m in members):
        raise DocumentRefused("It is locked with a password.", remedy="Save a copy without password and upload that.")
    total = sum(m.file_size for m in members)
    if total > MAX_UNPACKED_BYTES:
        raise DocumentRefused(f"It would unpack to {total // MIB} MiB.", remedy="Split it.")
    for member in members:
        ratio = member.file_size / max(1, member.compress_size)
        if member.file_size > 20 * MIB and ratio > MAX_RATIO:
            raise DocumentRefused("A part of it would unpack to far more than its size; it looks like an attack.")
        if member.filename.startswith("/") or ".." in member.filename.split("/"):
            raise DocumentRefused("A part of it has a name that climbs out of the file.")
