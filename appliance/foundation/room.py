"""Room on a disk, asked for before it has run out.

A store that maps its files into memory cannot be told that a disk is full: its process dies in the middle of a write.
So nothing that grows is begun on the last bytes of a disk.
"""

import os
from pathlib import Path

from appliance.foundation.errors import CapacityError

ROOM_BYTES = 128 * 1024 * 1024
RETRY_S = 60.0


class DiskFull(CapacityError):
    """A disk takes no more; nothing of the request was kept."""

    code, status = "disk_full", 507
    remedy = "An administrator must free space on the disk of the data folder; what is stored already is safe."


def require_room(folder: Path) -> None:
    """Raises DiskFull: less than `ROOM_BYTES` is left for us where the folder is, or will be."""
    place = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    seen = os.statvfs(place)
    if seen.f_bavail * seen.f_frsize < ROOM_BYTES:
        raise disk_full()


def disk_full() -> DiskFull:
    return DiskFull("The disk of the data folder is full.", retry_after_s=RETRY_S)
