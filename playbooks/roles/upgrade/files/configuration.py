#!/usr/bin/python3
"""Keep what a release is configured by, and put it back.

    configuration.py keep RELEASE_FOLDER
    configuration.py put-back RELEASE_FOLDER

`keep` writes `configuration.tar` into the folder, whole or not at all; that belongs before anything is changed.
`put-back` makes the files what they were, removes those that came later, and prints the path of each that it touched.
Files of what keeps state (database, cache, Keycloak) are left out: they are not older or newer with the gateway.
"""

import grp
import os
import pwd
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(os.environ.get("CONFIGURATION_ROOT", "/"))
GLOBS = (
    "etc/appliance/*.toml",
    "etc/appliance/*.pem",
    "etc/appliance/backup-*",
    "etc/appliance/engines/*",
    "etc/appliance/secrets/*",
    "etc/systemd/system/appliance-*",
    "etc/systemd/system/vllm@.service",
    "etc/systemd/system/nginx.service.d/*",
    "etc/nginx/conf.d/appliance*",
    "etc/prometheus/appliance*",
    "usr/local/lib/appliance/*",
)
ARCHIVE = "configuration.tar"


def managed() -> Iterator[Path]:
    for pattern in GLOBS:
        yield from (path for path in sorted(ROOT.glob(pattern)) if path.is_file() and not path.is_symlink())


def keep(release: Path) -> None:
    archive, draft = release / ARCHIVE, release / f".{ARCHIVE}.new"
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        with tarfile.open(fileobj=out, mode="w") as tar:
            for path in managed():
                tar.add(path, arcname=path.relative_to(ROOT).as_posix(), recursive=False)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(archive)


def put_back(release: Path) -> list[str]:
    """Paths that were touched. Raises OSError: there is no archive, or a file cannot be written."""
    touched = []
    with tarfile.open(release / ARCHIVE) as tar:
        members = [m for m in tar.getmembers() if m.isfile()]
        for member in members:
            file = tar.extractfile(member)
            assert file is not None  # noqa: S101 - it is a regular one
            if write(ROOT / member.name, file.read(), member):
                touched.append(f"/{member.name}")
    kept = {ROOT / member.name for member in members}
    for path in list(managed()):
        if path not in kept:
            path.unlink()
            touched.append(f"/{path.relative_to(ROOT)}")
    return touched


def write(path: Path, data: bytes, member: tarfile.TarInfo) -> bool:
    """Whether it was another one. The file has its new content in one step."""
    mode, owner = member.mode & 0o7777, (user_of(member), group_of(member))
    if path.is_file():
        there = path.stat()
        if path.read_bytes() == data and (there.st_mode & 0o7777, (there.st_uid, there.st_gid)) == (mode, owner):
            return False
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.back")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(data)
        os.fchown(out.fileno(), *owner)
        os.fchmod(out.fileno(), mode)
    draft.replace(path)
    return True


def user_of(member: tarfile.TarInfo) -> int:
    try:
        return pwd.getpwnam(member.uname).pw_uid
    except KeyError:
        return member.uid


def group_of(member: tarfile.TarInfo) -> int:
    try:
        return grp.getgrnam(member.gname).gr_gid
    except KeyError:
        return member.gid


def main() -> int:
    word, release = sys.argv[1], Path(sys.argv[2])
    if word == "keep":
        keep(release)
    else:
        print("\n".join(put_back(release)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
