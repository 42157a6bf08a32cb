"""From a checkout and what was asked for to the parts of a product bundle."""

import re
import shutil
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from appliance.bundle.errors import BundleUnmade
from appliance.bundle.parts import DebianPackages, Folder, Tarball, Wheels
from appliance.bundle.plan import BuildPlan, Part
from appliance.bundle.running import output_of
from appliance.bundle.targets import Target

PACKAGES = Path(__file__).with_name("debian.toml")
PARTS = ("wheels", "packages", "keycloak", "playbooks", "chart")
"""What a bundle has unless it is left out by name."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asked for."""

    source: Path
    """The checkout."""
    cache: Path
    targets: tuple[Target, ...]
    engines: Literal["none", "cpu", "cuda"] = "none"
    without: frozenset[str] = frozenset()
    key: Path | None = None
    keycloak: Path | None = None
    """Its archive; None fetches it, where Maven is."""
    qdrant: Path | None = None
    packages: tuple[str, ...] = ()
    """Debian packages beside those of `debian.toml`."""
    mirrors: tuple[str, str] = field(default=("", ""))


def plan_product(wanted: Wanted) -> BuildPlan:
    """Raises BundleUnmade: the folder is no checkout, or a part of this name does not exist."""
    if unknown := wanted.without - set(PARTS):
        raise BundleUnmade(f"There is no part '{min(unknown)}'.", remedy=f"Parts: {', '.join(PARTS)}.")
    project = _project(wanted.source)
    version = str(project["project"]["version"])
    epoch_s = int(output_of(["git", "log", "-1", "--format=%ct"], cwd=wanted.source))
    parts: list[Part] = []
    left_out = sorted(wanted.without)
    if "wheels" not in wanted.without:
        parts += [_gateway(wanted, target, epoch_s) for target in wanted.targets]
    if wanted.engines != "none":
        parts += [_engines(wanted, target, epoch_s) for target in wanted.targets]
    else:
        left_out.append("engines")
    if "packages" not in wanted.without:
        parts += [_packages(wanted, target, epoch_s) for target in wanted.targets]
    for kind, folder in (("playbooks", "playbooks"), ("chart", "helm")):
        if kind not in wanted.without and (wanted.source / folder).is_dir():
            parts.append(Folder("chart" if kind == "chart" else "playbooks", wanted.source / folder, version))
        elif kind not in wanted.without:
            left_out.append(kind)
    tarballs, missing = _tarballs(wanted)
    return BuildPlan(
        version=version,
        min_upgrade_from=str(project["tool"]["appliance"]["min-upgrade-from"]),
        targets=wanted.targets,
        parts=(*parts, *tarballs),
        key=wanted.key,
        epoch_s=epoch_s,
        left_out=tuple(sorted([*left_out, *missing])),
    )


def _project(source: Path) -> dict[str, dict[str, dict[str, object]]]:
    try:
        return tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))
    except OSError as error:
        raise BundleUnmade(
            f"{source} is no checkout of the appliance.", remedy="Run it in one, or name one with --source."
        ) from error


def _gateway(wanted: Wanted, target: Target, epoch_s: int) -> Wheels:
    return Wheels(
        name="requirements",
        target=target,
        wanted=wanted.source / "pyproject.toml",
        constraints=wanted.source / "script" / "requirements" / "checkout.txt",
        own=wanted.source,
        cache=wanted.cache,
        epoch_s=epoch_s,
    )


def _engines(wanted: Wanted, target: Target, epoch_s: int) -> Wheels:
    file = "engine-gpu.txt" if wanted.engines == "cuda" else "engine-cpu.txt"
    pins = wanted.source / "appliance" / "inference" / "requirements" / file
    return Wheels(Path(file).stem, target, pins, None, None, wanted.cache, epoch_s)


def _packages(wanted: Wanted, target: Target, epoch_s: int) -> DebianPackages:
    table = tomllib.loads(PACKAGES.read_text(encoding="utf-8"))
    names = [name for part in ("all", target.id) for group in table[part].values() for name in group]
    return DebianPackages(target, (*names, *wanted.packages), wanted.cache, epoch_s, *wanted.mirrors)


def _tarballs(wanted: Wanted) -> tuple[list[Tarball], list[str]]:
    """Archives, and the names of those that are not to be had."""
    found: list[Tarball] = []
    missing: list[str] = []
    if "keycloak" not in wanted.without:
        archive = _keycloak(wanted)
        found += [archive] if archive else []
        missing += [] if archive else ["keycloak"]
    if wanted.qdrant is None:
        missing.append("qdrant")
    else:
        match = re.search(r"\d+\.\d+\.\d+", wanted.qdrant.name)
        version = match[0] if match else "0"
        source = f"pkg:github/qdrant/qdrant@v{version}"
        found.append(Tarball("qdrant", version, "Apache-2.0", source, wanted.qdrant))
    return found, missing


def _keycloak(wanted: Wanted) -> Tarball | None:
    """The release that the checkout pins; None where it is neither given nor to be fetched."""
    pins = (wanted.source / "script" / "setup.sh").read_text(encoding="utf-8")
    version, sha256 = (_pin(pins, name) for name in ("KEYCLOAK_VERSION", "KEYCLOAK_SHA256"))
    file = wanted.keycloak or wanted.cache / "tarballs" / f"keycloak-quarkus-dist-{version}.tar.gz"
    if not file.exists():
        if wanted.keycloak is not None or shutil.which("mvn") is None:
            return None
        artifact = f"-Dartifact=org.keycloak:keycloak-quarkus-dist:{version}:tar.gz"
        plugin = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"
        output_of(["mvn", "-q", "-B", plugin, artifact, f"-DoutputDirectory={file.parent}"])
    source = f"pkg:maven/org.keycloak/keycloak-quarkus-dist@{version}?type=tar.gz"
    return Tarball("keycloak", version, "Apache-2.0", source, file, sha256)


def _pin(text: str, name: str) -> str:
    match = re.search(rf"^{name}=(\S+)$", text, re.MULTILINE)
    if match is None:
        raise BundleUnmade(f"script/setup.sh pins no {name}.")
    return match[1]
