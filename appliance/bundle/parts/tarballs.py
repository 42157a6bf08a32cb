"""Servers that come as one archive: Keycloak, Qdrant."""

import tarfile
from dataclasses import dataclass
from pathlib import Path

from appliance.bundle.errors import BundleUnmade
from appliance.bundle.manifest import Component
from appliance.bundle.plan import Progress
from appliance.bundle.tree import Tree

LICENCE_NAMES = ("LICENSE", "LICENSE.txt", "LICENSE.md", "NOTICE", "NOTICE.txt")
MOST_LICENCE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Tarball:
    name: str
    version: str
    licence: str
    source: str
    file: Path
    sha256: str = ""
    """The pinned one; "" takes the file as it is."""

    def fill(self, tree: Tree, progress: Progress) -> list[Component]:
        """Raises BundleUnmade: it is no gzipped archive, or not the pinned one."""
        progress(f"{self.name} {self.version}: {self.file.name}")
        licences = self._licences()
        path = f"tarballs/{self.name}-{self.version}.tar.gz"
        digest = tree.add_file(path, self.file, sha256=self.sha256)
        for name, text in licences.items():
            tree.add_bytes(f"licences/tarballs/{self.name}-{self.version}/{name}", text)
        return [
            Component(
                name=self.name,
                version=self.version,
                kind="tarball",
                licence=self.licence,
                source=self.source,
                path=path,
                sha256=digest,
                size=self.file.stat().st_size,
            )
        ]

    def _licences(self) -> dict[str, bytes]:
        """Those that lie in the archive's first two levels."""
        found: dict[str, bytes] = {}
        try:
            with tarfile.open(self.file, "r:gz") as archive:
                for member in archive:
                    parts = member.name.removeprefix("./").split("/")
                    small = member.isreg() and member.size <= MOST_LICENCE_BYTES
                    if small and len(parts) <= 2 and parts[-1] in LICENCE_NAMES:
                        file = archive.extractfile(member)
                        found[parts[-1]] = file.read() if file else b""
        except (OSError, tarfile.TarError, EOFError) as error:
            raise BundleUnmade(
                f"{self.file} is no whole .tar.gz.", remedy="Fetch it again, and compare its hash."
            ) from error
        return found
