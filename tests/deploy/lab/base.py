"""A tree of a fresh Debian, as an installer leaves it: SSH, Python, and nothing of ours."""

import os
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FOLDER = Path(os.environ.get("APPLIANCE_LAB_DIR", ROOT / ".appliance" / "lab"))
SOURCES = (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list"))
PACKAGES = (
    "systemd,systemd-sysv,dbus,openssh-server,python3-minimal,python3-apt,iproute2,ca-certificates,procps,apt-utils"
)
KEYS = """\
[Unit]
Description=Make this host's SSH keys
Before=ssh.service
ConditionPathExists=!/etc/ssh/ssh_host_ed25519_key

[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -A

[Install]
WantedBy=multi-user.target
"""
TIMERS = ("apt-daily.timer", "apt-daily-upgrade.timer", "e2scrub_all.timer", "dpkg-db-backup.timer")


def mirror() -> str:
    """The archive that this machine's own apt uses. Raises LookupError: it uses none."""
    for file in SOURCES:
        if file.is_file() and (found := re.search(r"(?:^URIs:|^deb)\s+(?:\[[^]]*\]\s+)?(\S+)", file.read_text(), re.M)):
            return found[1]
    raise LookupError(f"No archive of Debian is named in {' or '.join(map(str, SOURCES))}.")


def ensure_base(codename: str) -> Path:
    """The tree; made when it is not there, which takes a minute or two."""
    tree = FOLDER / f"base-{codename}"
    if (tree / ".complete").exists():
        return tree
    shutil.rmtree(tree, ignore_errors=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", codename, str(tree), mirror()]
    with (FOLDER / f"debootstrap-{codename}.log").open("wb") as log:
        subprocess.run(command, check=True, stdout=log, stderr=subprocess.STDOUT)
    finish(tree)
    return tree


def finish(tree: Path) -> None:
    """What makes it a host of its own: no identity yet, our key, no mirror, no timers of the night."""
    identity_key()
    (tree / "root" / ".ssh").mkdir(mode=0o700, exist_ok=True)
    shutil.copy(FOLDER / "id.pub", tree / "root" / ".ssh" / "authorized_keys")
    (tree / "root" / ".ssh" / "authorized_keys").chmod(0o600)
    (tree / "etc" / "machine-id").write_text("")
    (tree / "etc" / "apt" / "sources.list").write_text("")
    (tree / "etc" / "systemd" / "system" / "host-keys.service").write_text(KEYS)
    for key in (tree / "etc" / "ssh").glob("ssh_host_*"):
        key.unlink()
    for package in (tree / "var" / "cache" / "apt" / "archives").glob("*.deb"):
        package.unlink()
    chroot = ("chroot", str(tree), "systemctl", "--quiet")
    subprocess.run([*chroot, "enable", "host-keys.service"], check=True)
    subprocess.run([*chroot, "mask", *TIMERS], check=True)
    (tree / ".complete").touch()


def identity_key() -> Path:
    """The key by which the tests log in; made once."""
    key = FOLDER / "id"
    if not key.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    return key
