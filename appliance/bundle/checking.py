#!/usr/bin/env python3
"""Refuse a bundle that is not exactly what was signed. Needs Python 3.11 and OpenSSH, nothing else.

    python3 verify.py --allowed-signers FILE [FOLDER|ARCHIVE]

The same file is a module of the appliance and the stand-alone `verify.py` of each bundle. A copy that came with the
bundle is as trustworthy as the bundle: on a first host, compare its hash with the published one, or check by hand:
`ssh-keygen -Y verify -n appliance-bundle …` over `manifest.json`, then its `checksums_sha256`, then `sha256sum -c`.
"""

import argparse
import hashlib
import json
import os
import re
import stat
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

MANIFEST, SIGNATURE, CHECKSUMS = "manifest.json", "manifest.json.sig", "checksums.txt"
HEAD = (MANIFEST, SIGNATURE, CHECKSUMS)
"""Read whole, before anything else; in an archive they come first."""
NAMESPACE = "appliance-bundle"
MOST_HEAD_BYTES = 64 << 20
BLOCK = 1 << 20
NAME = re.compile(r"[A-Za-z0-9._+~%@=,-]+")
LINE = re.compile(r"([0-9a-f]{64})  (.+)")


class Refused(Exception):
    """`file` is the path inside the bundle, `why` says what is wrong with it."""

    def __init__(self, file: str, why: str) -> None:
        super().__init__(f"{file}: {why}")
        self.file = file
        self.why = why


@dataclass(frozen=True)
class Found:
    """What a check found good."""

    manifest: dict[str, Any]
    manifest_bytes: bytes
    hashes: dict[str, str]
    """Path → SHA-256 of every file but the head."""
    signed_by: str
    size_bytes: int


@dataclass(frozen=True)
class Entry:
    """One regular file of a bundle."""

    path: str
    size: int
    open: Callable[[], IO[bytes]]


def check(root: Path, allowed_signers: Path, *, deep: bool = True) -> Found:
    """Check a bundle, a folder or an archive.

    Args:
        root: Where it is.
        allowed_signers: Keys to believe, as `ssh-keygen` reads them. Must not come with the bundle.
        deep: Read and hash every file; else only the head, the names and the kinds.

    Raises:
        Refused: at the first thing that is wrong, with its name.
    """
    with entries_of(root) as entries:
        head, rest = read_head(entries)
        signed_by = check_signature(head[MANIFEST], head[SIGNATURE], allowed_signers)
        manifest, hashes = read_lists(head)
        size = check_files(rest, hashes, deep=deep)
    return Found(manifest, head[MANIFEST], hashes, signed_by, size + sum(len(text) for text in head.values()))


def read_head(entries: Iterator[Entry]) -> tuple[dict[str, bytes], Iterator[Entry]]:
    """The three files that come first, and what follows. Raises Refused."""
    head: dict[str, bytes] = {}
    for name in HEAD:
        entry = next(entries, None)
        if entry is None or entry.path != name:
            raise Refused(name, "is missing, or does not come first")
        if entry.size > MOST_HEAD_BYTES:
            raise Refused(name, f"is larger than {MOST_HEAD_BYTES >> 20} MiB")
        with entry.open() as file:
            head[name] = _whole(file, entry)
    return head, entries


def read_lists(head: dict[str, bytes]) -> tuple[dict[str, Any], dict[str, str]]:
    """The manifest, and path → SHA-256, once the signature was found good. Raises Refused."""
    try:
        manifest = json.loads(head[MANIFEST])
        wanted = manifest["checksums_sha256"]
    except (ValueError, KeyError, TypeError) as error:
        raise Refused(MANIFEST, "is no manifest of a bundle") from error
    if hashlib.sha256(head[CHECKSUMS]).hexdigest() != wanted:
        raise Refused(CHECKSUMS, "is not the one of the manifest")
    hashes: dict[str, str] = {}
    for line in head[CHECKSUMS].decode("utf-8", "replace").splitlines():
        match = LINE.fullmatch(line)
        if match is None:
            raise Refused(CHECKSUMS, "has a line that is no checksum")
        path = safe_path(match[2])
        if path in hashes or path in HEAD:
            raise Refused(path, f"is listed twice in {CHECKSUMS}")
        hashes[path] = match[1]
    for component in manifest.get("components", []):
        path, digest = component["path"], component["sha256"]
        if not path.endswith("/") and hashes.get(path) != digest:
            raise Refused(path, f"has one hash in {MANIFEST} and another in {CHECKSUMS}")
    return manifest, hashes


def check_files(entries: Iterator[Entry], hashes: dict[str, str], *, deep: bool) -> int:
    """Every file that is listed, and no other; how many bytes they have. Raises Refused."""
    names, size = Names(), 0
    for entry in entries:
        names.take(entry.path)
        if entry.path not in hashes:
            raise Refused(entry.path, "does not belong to the bundle")
        size += entry.size
        if deep and digest_of(entry) != hashes[entry.path]:
            raise Refused(entry.path, "is not what was signed: its bytes differ")
    for path in hashes:
        if path not in names.seen:
            raise Refused(path, "is missing")
    return size


def digest_of(entry: Entry, copy_to: Callable[[bytes], object] | None = None) -> str:
    """SHA-256 of a file, whose blocks are handed on when somebody wants them. Raises Refused when it is cut short."""
    digest, length = hashlib.sha256(), 0
    with entry.open() as file:
        while block := _read(file, entry.path):
            digest.update(block)
            length += len(block)
            if copy_to is not None:
                copy_to(block)
    if length != entry.size:
        raise Refused(entry.path, "is cut short")
    return digest.hexdigest()


def safe_path(path: str) -> str:
    """The path, when it leads to a file inside the bundle on every system. Raises Refused."""
    parts = path.split("/")
    if path.startswith("/") or ".." in parts:
        raise Refused(path, "leads out of the bundle")
    if not all(NAME.fullmatch(part) and part != "." and len(part) <= 200 for part in parts):
        raise Refused(ascii(path), "is no name that a file of a bundle may have")
    return path


class Names:
    """Sees that no two names are one on any file system, and that no file is also a folder."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self._folded: dict[str, str] = {}

    def take(self, path: str) -> None:
        """Raises Refused."""
        if path in self.seen or path in HEAD:
            raise Refused(path, "is there twice")
        other = self._folded.setdefault(path.casefold(), path)
        if other != path:
            raise Refused(path, f"differs from '{other}' in upper and lower case only")
        self.seen.add(path)


def check_signature(manifest: bytes, signature: bytes, allowed_signers: Path) -> str:
    """Fingerprint of the key that signed. Raises Refused."""
    if not allowed_signers.is_file():
        raise Refused(str(allowed_signers), "is not there; it must hold the keys to believe")
    with tempfile.TemporaryDirectory(prefix="bundle-") as folder:
        file = Path(folder) / SIGNATURE
        file.write_bytes(signature)
        found = _ssh_keygen(["find-principals", "-f", str(allowed_signers), "-s", str(file)])
        if found.returncode != 0 or not found.stdout.strip():
            raise Refused(SIGNATURE, "was made with a key that is not among the allowed signers, or is no signature")
        who = found.stdout.decode().splitlines()[0]
        options = ["-f", str(allowed_signers), "-I", who, "-n", NAMESPACE, "-s", str(file)]
        done = _ssh_keygen(["verify", *options], given=manifest)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).decode("utf-8", "replace").strip().splitlines()
        raise Refused(SIGNATURE, f"does not fit {MANIFEST}, or was made for another purpose ({' '.join(said)[:200]})")
    match = re.search(r"SHA256:\S+", done.stdout.decode())
    return match[0] if match else who


@contextmanager
def entries_of(root: Path) -> Iterator[Iterator[Entry]]:
    """Regular files of a bundle, the head first, then by name. Iterating raises Refused at anything else."""
    if root.is_dir() and not root.is_symlink():
        yield _of_folder(root)
    elif root.is_file():
        with root.open("rb") as file:
            yield _of_archive(root, file)
    else:
        raise Refused(root.name, "is neither a folder nor an archive")


def _of_folder(root: Path) -> Iterator[Entry]:
    found = {}
    for path, facts in _walk(root, ""):
        if not stat.S_ISREG(facts.st_mode):
            raise Refused(path, f"is {_kind(facts.st_mode)}; a bundle has plain files only")
        found[path] = Entry(path, facts.st_size, partial(_open_plain, root / path))
    for path in [name for name in HEAD if name in found]:
        yield found.pop(path)
    yield from (found[path] for path in sorted(found))


def _walk(folder: Path, before: str) -> Iterator[tuple[str, os.stat_result]]:
    with os.scandir(folder) as scan:
        children = sorted(scan, key=lambda child: child.name)
    for child in children:
        path, facts = before + child.name, child.stat(follow_symlinks=False)
        safe_path(path)
        if stat.S_ISDIR(facts.st_mode):
            yield from _walk(Path(child.path), path + "/")
        else:
            yield path, facts


def _open_plain(path: Path) -> IO[bytes]:
    """A link that was put there after the look is not followed."""
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb")


def _of_archive(root: Path, file: IO[bytes]) -> Iterator[Entry]:
    try:
        with tarfile.open(fileobj=file, mode="r:") as archive:
            for member in archive:
                name = member.name[:-1] if member.isdir() and member.name.endswith("/") else member.name
                safe_path(name)
                if member.isdir():
                    continue
                if not member.isreg() or member.issparse():
                    raise Refused(name, f"is {_member_kind(member)}; a bundle has plain files only")
                yield Entry(name, member.size, partial(_member, archive, member))
            end = archive.offset
    except tarfile.TarError as error:
        raise Refused(root.name, f"is no whole archive ({error})") from error
    _check_end(root, file, end)


def _check_end(root: Path, file: IO[bytes], end: int) -> None:
    """An archive ends with two blocks of zeros and has nothing else behind its last file. Raises Refused."""
    file.seek(end)
    zeros = 0
    while block := file.read(BLOCK):
        if block.strip(b"\0"):
            raise Refused(root.name, "is damaged, or goes on after its end")
        zeros += len(block)
    if zeros < 2 * tarfile.BLOCKSIZE:
        raise Refused(root.name, "is cut short")


def _member(archive: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    file = archive.extractfile(member)
    if file is None:
        raise Refused(member.name, "has no content")
    return file


def _whole(file: IO[bytes], entry: Entry) -> bytes:
    text = b"".join(iter(lambda: _read(file, entry.path), b""))
    if len(text) != entry.size:
        raise Refused(entry.path, "is cut short")
    return text


def _read(file: IO[bytes], path: str) -> bytes:
    try:
        return file.read(BLOCK)
    except (tarfile.TarError, EOFError) as error:
        raise Refused(path, "is cut short") from error


def _kind(mode: int) -> str:
    names = {stat.S_IFLNK: "a link", stat.S_IFBLK: "a device", stat.S_IFCHR: "a device", stat.S_IFIFO: "a pipe"}
    return names.get(stat.S_IFMT(mode), "no file")


def _member_kind(member: tarfile.TarInfo) -> str:
    if member.islnk() or member.issym():
        return "a link"
    return "a device" if member.isdev() else "no plain file"


def _ssh_keygen(arguments: list[str], given: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    try:
        return subprocess.run(["ssh-keygen", "-Y", *arguments], input=given, capture_output=True, check=False)  # noqa: S603, S607 - no shell; the host's own
    except FileNotFoundError as error:
        raise Refused("ssh-keygen", "is not on this machine; install openssh-client") from error


def main() -> int:
    """Exit code 0 good, 1 refused."""
    parser = argparse.ArgumentParser(description="Check a bundle against the key that you were given.")
    parser.add_argument("--allowed-signers", type=Path, required=True, help="keys to believe; not from the bundle")
    parser.add_argument("bundle", type=Path, nargs="?", default=Path(__file__).parent, help="folder or archive")
    chosen = parser.parse_args()
    try:
        found = check(chosen.bundle, chosen.allowed_signers)
    except Refused as refused:
        sys.stderr.write(f"refused: {refused}\n")
        return 1
    sys.stdout.write(
        f"good: {found.manifest['kind']} {found.manifest['version']}, {len(found.hashes)} files, "
        f"{found.size_bytes} bytes, signed by {found.signed_by}\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
