"""Debian packages with all that they depend on, as a repository that apt reads from a folder.

apt itself resolves, with a root of its own: the target's release and no installed package, so that the closure is
complete whatever a host has. Nothing of the building machine's own apt is read but the address of its mirror.
"""

import gzip
import hashlib
import os
import re
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path

from appliance.bundle.errors import BundleUnmade
from appliance.bundle.manifest import Component
from appliance.bundle.parts.deb_facts import DebFacts, read_deb
from appliance.bundle.plan import Progress
from appliance.bundle.running import output_of
from appliance.bundle.targets import Target
from appliance.bundle.tree import Tree

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
CHOSEN = re.compile(r"^Inst (\S+) (?:\[\S+\] )?\((\S+) .*\[(\w+)\]\)", re.MULTILINE)
"""A line of apt's simulation: name, version, architecture."""


@dataclass(frozen=True, slots=True)
class DebianPackages:
    target: Target
    names: tuple[str, ...]
    cache: Path
    epoch_s: int
    mirror: str = ""
    """Address of Debian's archive; "" takes the one of this machine."""
    security_mirror: str = ""

    def fill(self, tree: Tree, progress: Progress) -> list[Component]:
        """Raises BundleUnmade: apt is missing here, or cannot find or fetch a package."""
        progress(f"Debian packages for {self.target.id}")
        private = self._private_root()
        options = self._options(private)
        output_of(["apt-get", *options, "-qq", "update"])
        names = sorted(set(self.names))
        chosen = output_of(["apt-get", *options, "-qq", "--simulate", "install", "-y", *names])
        output_of(["apt-get", *options, "-qq", "--download-only", "install", "-y", *names])
        files = sorted(_file_name(*match.groups()) for match in CHOSEN.finditer(chosen))
        archives = private / "cache" / "archives"
        debs = [read_deb(archives / file, self.cache / "licences") for file in files]
        if missing := sorted(set(names) - {deb.name for deb in debs}):
            raise BundleUnmade(f"apt chose no package '{missing[0]}' for {self.target.id}.")
        return self._take_in(tree, debs)

    def _take_in(self, tree: Tree, debs: list[DebFacts]) -> list[Component]:
        """The files, the lists that apt reads, the licences."""
        folder, stanzas, components = f"apt/{self.target.codename}", [], []
        for deb in debs:
            path = f"{folder}/{deb.file.name}"
            digest = tree.add_file(path, deb.file, sha256=deb.sha256)
            size = deb.file.stat().st_size
            stanzas.append(f"{deb.control}Filename: ./{deb.file.name}\nSize: {size}\nSHA256: {digest}\n")
            tree.add_bytes(f"licences/debian/{self.target.codename}/{deb.name}", deb.copyright)
            components.append(
                Component(
                    name=deb.name,
                    version=deb.version,
                    kind="deb",
                    licence=deb.licence,
                    source=f"pkg:deb/debian/{deb.name}@{deb.version}?arch={deb.architecture}&distro={self.target.id}",
                    path=path,
                    sha256=digest,
                    size=size,
                )
            )
        packages = "\n".join(stanzas).encode()
        lists = {"Packages": packages, "Packages.gz": gzip.compress(packages, mtime=0)}
        for name, data in lists.items():
            tree.add_bytes(f"{folder}/{name}", data)
        tree.add_bytes(f"{folder}/Release", self._release(lists))
        return components

    def _release(self, lists: dict[str, bytes]) -> bytes:
        sums = "".join(f" {hashlib.sha256(data).hexdigest()} {len(data)} {name}\n" for name, data in lists.items())
        return (
            f"Origin: appliance\nLabel: appliance\nSuite: {self.target.codename}\nCodename: {self.target.codename}\n"
            f"Architectures: amd64\nDate: {formatdate(self.epoch_s)}\nSHA256:\n{sums}"
        ).encode()

    def _private_root(self) -> Path:
        private = (self.cache / "apt" / self.target.codename).absolute()
        for folder in ("state/lists/partial", "cache/archives/partial"):
            (private / folder).mkdir(parents=True, exist_ok=True)
        (private / "status").touch()
        signed = f"[signed-by={KEYRING}]"
        main, security, code = *self._mirrors(), self.target.codename
        (private / "sources.list").write_text(
            f"deb {signed} {main} {code} main\n"
            f"deb {signed} {main} {code}-updates main\n"
            f"deb {signed} {security} {code}-security main\n",
            encoding="utf-8",
        )
        return private

    def _mirrors(self) -> tuple[str, str]:
        """Those that were given, else those of this machine. Raises BundleUnmade."""
        if self.mirror and self.security_mirror:
            return self.mirror, self.security_mirror
        lines = output_of(["apt-get", "indextargets", "--format", "$(CODENAME) $(REPO_URI)"]).split("\n")
        known = dict(line.split(" ", 1) for line in sorted(lines) if " " in line)
        main = [uri for code, uri in known.items() if not code.endswith("-security")]
        security = [uri for code, uri in known.items() if code.endswith("-security")]
        if not main or not security:
            raise BundleUnmade(
                "This machine's apt names no archive of Debian.", remedy="Give --mirror and --security-mirror."
            )
        return self.mirror or main[0], self.security_mirror or security[0]

    def _options(self, private: Path) -> list[str]:
        settings = {
            "Dir::Etc::sourcelist": private / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "Dir::State": private / "state",
            "Dir::State::status": private / "status",
            "Dir::Cache": private / "cache",
            "APT::Architecture": "amd64",
            "APT::Architectures": "amd64",
            "APT::Install-Recommends": "false",
            "APT::Default-Release": "",
            "Acquire::Languages": "none",
            "Debug::NoLocking": "true",
        }
        if os.geteuid() == 0:  # apt would become a user who may not read the cache
            settings["APT::Sandbox::User"] = "root"
        return [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]


def _file_name(name: str, version: str, architecture: str) -> str:
    """As apt calls a package's file in its cache."""
    return f"{name}_{version.replace(':', '%3a')}_{architecture}.deb"
