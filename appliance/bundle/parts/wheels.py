"""Python packages as wheels, chosen for the target's own Python, each pinned by its hash."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

import uv

from appliance.bundle.errors import BundleUnmade
from appliance.bundle.manifest import Component
from appliance.bundle.parts.wheel_facts import WheelFacts, read_wheel
from appliance.bundle.plan import Progress
from appliance.bundle.running import output_of
from appliance.bundle.targets import Target
from appliance.bundle.tree import Tree

REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)==([^\s;\\]+)")
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Wheels:
    """What one environment of a target is made of."""

    name: str
    """Of the file with the pins: `wheels/<target>/<name>.txt`."""
    target: Target
    wanted: Path
    """`pyproject.toml`, or a file of requirements that names everything."""
    constraints: Path | None
    """Versions that were chosen and tested; None when `wanted` names them itself."""
    own: Path | None
    """The checkout, when the product's own wheel is one of them."""
    cache: Path
    epoch_s: int

    def fill(self, tree: Tree, progress: Progress) -> list[Component]:
        """Raises BundleUnmade: a package has no wheel for this target, or cannot be fetched."""
        progress(f"wheels of {self.name} for {self.target.id}")
        pins = self._resolve()
        files = self._fetch(pins)
        chosen = [self._choose(name, version, hashes, files) for name, version, hashes in _read_pins(pins)]
        if self.own is not None:
            chosen.append(read_wheel(self._build_own(self.own)))
        lines = [f"{wheel.name}=={wheel.version} --hash=sha256:{wheel.sha256}\n" for wheel in chosen]
        folder = f"wheels/{self.target.id}"
        tree.add_bytes(f"{folder}/{self.name}.txt", "".join(sorted(lines)).encode())
        return [component for wheel in chosen for component in _take_in(tree, folder, wheel)]

    def _resolve(self) -> Path:
        """Write the target's pins, with the hashes of all their files."""
        pins = self.cache / "pins" / f"{self.target.id}-{self.name}.txt"
        pins.parent.mkdir(parents=True, exist_ok=True)
        more = ["--no-deps"] if self.constraints is None else ["--constraint", str(self.constraints)]
        output_of(
            [
                *(uv.find_uv_bin(), "pip", "compile", "--quiet", str(self.wanted), *more),
                *("--python-version", self.target.python, "--python-platform", self.target.uv_platform),
                *("--generate-hashes", "--only-binary", ":all:", "--no-header", "--no-annotate"),
                *("--output-file", str(pins)),
            ]
        )
        return pins

    def _fetch(self, pins: Path) -> list[Path]:
        """All wheels in the cache, after those of the pins were brought there. pip keeps what has the right hash."""
        folder = self.cache / "wheels" / self.target.id
        folder.mkdir(parents=True, exist_ok=True)
        platforms = [word for tag in self.target.platforms for word in ("--platform", tag)]
        output_of(
            [
                *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"),
                *("--only-binary", ":all:", "--implementation", "cp", "--python-version", self.target.python_minor),
                *(*platforms, "--dest", str(folder), "--requirement", str(pins)),
            ]
        )
        return sorted(folder.glob("*.whl"))

    def _choose(self, name: str, version: str, hashes: set[str], files: list[Path]) -> WheelFacts:
        begin = f"{re.sub(r'[-_.]+', '_', name)}-{version}-".lower()
        found = [file for file in files if re.sub(r"[-_.]+(?=.*-\d)", "_", file.name).lower().startswith(begin)]
        for file in sorted(found, key=lambda file: (self._rank(file), file.name)):
            wheel = read_wheel(file)
            if wheel.sha256 in hashes:
                return wheel
        raise BundleUnmade(f"There is no wheel of {name} {version} for {self.target.id}.")

    def _rank(self, file: Path) -> int:
        """The newest platform that fits comes first, as for pip."""
        tags = file.stem.rsplit("-", 1)[-1].split(".")
        ranks = [self.target.platforms.index(tag) for tag in tags if tag in self.target.platforms]
        return min(ranks, default=len(self.target.platforms))

    def _build_own(self, checkout: Path) -> Path:
        """Raises BundleUnmade: the web UI is not built yet, so nobody could see the product."""
        if not (checkout / "appliance" / "webui" / "dist" / "index.html").is_file():
            raise BundleUnmade("The web UI is not built.", remedy="Run script/build_webui.py first.")
        folder = self.cache / "own" / self.target.id
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.whl"):
            old.unlink()
        output_of(
            [uv.find_uv_bin(), "build", "--quiet", "--wheel", "--out-dir", str(folder), str(checkout)],
            extra={"SOURCE_DATE_EPOCH": str(self.epoch_s)},
        )
        return next(iter(folder.glob("*.whl")))


def _read_pins(pins: Path) -> list[tuple[str, str, set[str]]]:
    """(name, version, hashes of its files), in the order of the file."""
    found: list[tuple[str, str, set[str]]] = []
    for line in pins.read_text(encoding="utf-8").splitlines():
        if match := REQUIREMENT.match(line):
            found.append((match[1], match[2], set()))
        if found:
            found[-1][2].update(HASH.findall(line))
    return found


def _take_in(tree: Tree, folder: str, wheel: WheelFacts) -> list[Component]:
    path = f"{folder}/{wheel.file.name}"
    if path in tree.hashes:  # two environments share it
        return []
    tree.add_file(path, wheel.file, sha256=wheel.sha256)
    for name, text in wheel.licence_files.items():
        place = f"licences/python/{wheel.name}-{wheel.version}/{name}"
        if place not in tree.hashes:
            tree.add_bytes(place, text)
    return [
        Component(
            name=wheel.name,
            version=wheel.version,
            kind="wheel",
            licence=wheel.licence,
            source=f"pkg:pypi/{wheel.name}@{wheel.version}",
            path=path,
            sha256=wheel.sha256,
            size=wheel.file.stat().st_size,
        )
    ]
