"""A bundle as one file: an uncompressed archive, the head first, then by name. What is inside is packed already."""

import os
import tarfile
from pathlib import Path

from appliance.bundle.checking import entries_of
from appliance.bundle.tree import FILE_MODE


def write_archive(folder: Path, file: Path, epoch_s: int) -> None:
    """Write the same bytes for the same files, whoever calls and whenever."""
    with tarfile.open(file, "w", format=tarfile.PAX_FORMAT) as archive, entries_of(folder) as entries:
        for entry in entries:
            member = tarfile.TarInfo(entry.path)
            member.size, member.mode, member.mtime = entry.size, FILE_MODE, epoch_s
            with entry.open() as source:
                archive.addfile(member, source)
    with file.open("rb") as written:
        os.fsync(written.fileno())
