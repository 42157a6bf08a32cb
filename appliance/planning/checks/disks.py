"""Room on the disks, and what kind they are."""

import os
from typing import Iterator, Tuple  # noqa: UP035 - also read by Python 3.9

from appliance.planning.checks.finding import WARNING, Finding, fail, judge
from appliance.planning.checks.host import Host

NETWORK = {"nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "9p"}


def disks(host: Host) -> Iterator[Finding]:
    for folder in host.folders:
        place = host.root / folder.lstrip("/")
        name = folder.strip("/").replace("/", "-") or "root"
        try:
            facts = os.statvfs(place)
        except OSError as error:
            yield fail(f"disk-{name}", f"{folder}: {error.strerror}", "Make the folder, or mount its disk.")
            continue
        free = facts.f_bavail * facts.f_frsize / 2**30
        remedy = f"Free at least {host.limits.disk_gib:g} GiB in {folder}, or mount a larger disk there."
        yield judge(f"disk-{name}", free >= host.limits.disk_gib, f"{free:.0f} GiB free in {folder}", remedy, WARNING)
        few = facts.f_files > 0 and facts.f_favail < host.limits.inodes
        remedy = f"{folder} has room but few entries left for files: delete many small ones, or make the disk anew."
        yield judge(f"inodes-{name}", not few, f"{facts.f_favail} free in {folder}", remedy, WARNING)
        kind, options = mount_of(host, folder)
        remedy = f"Keep {folder} on a disk of the host: a database on a network folder loses data."
        yield judge(f"disk-kind-{name}", kind not in NETWORK, f"{folder} is {kind or 'unknown'}", remedy)
        remedy = f"Mount {folder} without noexec: programs of the appliance lie there."
        yield judge(f"noexec-{name}", "noexec" not in options, ",".join(options) or "unknown", remedy)


def mount_of(host: Host, folder: str) -> Tuple[str, Tuple[str, ...]]:  # noqa: UP006 - also read by Python 3.9
    """(kind, options) of the mount on which a folder lies: the longest one that it begins with."""
    best: Tuple[str, str, Tuple[str, ...]] = ("", "", ())  # noqa: UP006 - as above
    for line in host.read("/proc/mounts").splitlines():
        words = line.split()
        if len(words) < 4:
            continue
        at = words[1].rstrip("/")
        if (folder == at or folder.startswith(at + "/")) and len(at) >= len(best[0]):
            best = (at, words[2], tuple(words[3].split(",")))
    return best[1], best[2]


def temporary(host: Host) -> Iterator[Finding]:
    _, options = mount_of(host, "/tmp")  # noqa: S108 - looked at, not written to
    remedy = "Mount /tmp without noexec, or set TMPDIR for the installation."
    yield judge("noexec-tmp", "noexec" not in options, ",".join(options) or "unknown", remedy, WARNING)
