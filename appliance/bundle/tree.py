"""The files of a bundle while it is made: safe names, one mode, one time."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from appliance.bundle.checking import BLOCK, Names, Refused, safe_path
from appliance.bundle.errors import BundleUnmade

FILE_MODE, FOLDER_MODE = 0o644, 0o755
SKIPPED = {"__pycache__", ".git", ".DS_Store", "node_modules"}


class Tree:
    """A folder that is filled. What lies in it from a run before is kept when its bytes are the wanted ones."""

    def __init__(self, root: Path, epoch_s: int) -> None:
        self.root = root
        self.epoch_s = epoch_s
        self.hashes: dict[str, str] = {}
        """Path → SHA-256 of every file taken in."""
        self._names = Names()
        root.mkdir(parents=True, exist_ok=True)

    def add_bytes(self, path: str, data: bytes) -> None:
        """Raises BundleUnmade: the name cannot be in a bundle, or is there already."""
        place = self._place(path)
        place.write_bytes(data)
        self.hashes[path] = hashlib.sha256(data).hexdigest()

    def add_file(self, path: str, source: Path, *, sha256: str = "") -> str:
        """Copy a file in; its SHA-256.

        Raises:
            BundleUnmade: its hash is not the wanted one, or the name cannot be in a bundle.
        """
        place = self._place(path)
        found = copy_hashed(source, place)
        if sha256 and found != sha256:
            place.unlink()
            raise BundleUnmade(f"{source.name} is not the pinned file: its SHA-256 is {found}.")
        self.hashes[path] = found
        return found

    def add_folder(self, before: str, folder: Path) -> int:
        """Copy what lies in a folder to below `before`; how many bytes. Links are refused. Raises BundleUnmade."""
        size = 0
        for source in files_below(folder):
            self.add_file(f"{before}/{source.relative_to(folder).as_posix()}", source)
            size += source.stat().st_size
        return size

    def drop_strangers(self) -> None:
        """Remove what a run before left here and this one did not want."""
        for path in sorted(self.root.rglob("*"), reverse=True):
            if path.is_dir() and not path.is_symlink():
                if not any(path.iterdir()):
                    path.rmdir()
            elif path.relative_to(self.root).as_posix() not in self.hashes:
                path.unlink()

    def settle(self) -> None:
        """Give every file and folder the one mode and time."""
        for path in (self.root, *self.root.rglob("*")):
            path.chmod(FOLDER_MODE if path.is_dir() else FILE_MODE)
            os.utime(path, (self.epoch_s, self.epoch_s))

    def _place(self, path: str) -> Path:
        try:
            self._names.take(safe_path(path))
        except Refused as refused:
            raise BundleUnmade(f"{refused}.", remedy="Rename the file.") from refused
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        return place


def copy_hashed(source: Path, place: Path) -> str:
    """Copy, unless the same bytes are there already; the SHA-256 of the source."""
    if place.is_file() and place.stat().st_size == source.stat().st_size:
        with place.open("rb") as there, source.open("rb") as wanted:
            found = hashlib.file_digest(wanted, "sha256").hexdigest()
            if hashlib.file_digest(there, "sha256").hexdigest() == found:
                return found
    digest = hashlib.sha256()
    with source.open("rb") as reader, place.open("wb") as writer:
        while block := reader.read(BLOCK):
            digest.update(block)
            writer.write(block)
    return digest.hexdigest()


def files_below(folder: Path) -> Iterator[Path]:
    """Files, by name. Raises BundleUnmade at a link, which a bundle cannot hold."""
    for path in sorted(folder.rglob("*")):
        if SKIPPED & set(path.relative_to(folder).parts) or path.suffix == ".pyc":
            continue
        if path.is_symlink():
            raise BundleUnmade(f"{path} is a link.", remedy="A bundle has plain files only; put the file there.")
        if path.is_file():
            yield path


def remove(folder: Path) -> None:
    """Delete a folder, if it is there."""
    if folder.exists():
        shutil.rmtree(folder)
