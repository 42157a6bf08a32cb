"""A small bundle with one file of each kind, and ways to spoil it."""

import gzip
import io
import json
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from appliance.bundle import TARGETS, BuildPlan, Component, Progress, build, make_key
from appliance.bundle.manifest import ModelFacts
from appliance.bundle.parts import Folder, ModelFolder, Tarball
from appliance.bundle.parts.models import look_into
from appliance.bundle.tree import Tree

EPOCH_S = 1_700_000_000
WHEEL = "wheels/debian-12/thing-1.0-py3-none-any.whl"
DEB = "apt/bookworm/thing_1.0_all.deb"


@dataclass(frozen=True, slots=True)
class Files:
    """A part that has its bytes already."""

    files: dict[str, bytes]

    def fill(self, tree: Tree, progress: Progress) -> list[Component]:
        progress("files")
        made = []
        for path, data in self.files.items():
            tree.add_bytes(path, data)
            if path.endswith((".whl", ".deb")):
                purl = "pkg:generic/thing@1.0"
                made.append(
                    Component(
                        name="thing",
                        version="1.0",
                        kind="wheel" if path.endswith(".whl") else "deb",
                        licence="MIT",
                        source=purl,
                        path=path,
                        sha256=tree.hashes[path],
                        size=len(data),
                    )
                )
        return made


FILES = Files(
    {
        WHEEL: b"a wheel\n" * 400,
        "wheels/debian-12/requirements.txt": b"thing==1.0\n",
        DEB: b"a package\n" * 400,
        "apt/bookworm/Packages": b"Package: thing\n",
        "apt/bookworm/Release": b"Suite: bookworm\n",
        "licences/debian/bookworm/thing": b"Free.\n",
    }
)


def tarball(path: Path) -> Path:
    """A stand-in for a server's archive."""
    text = b"Licence of the server.\n"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("server-1.2.3/LICENSE")
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text))
    path.write_bytes(gzip.compress(packed.getvalue(), mtime=0))
    return path


def product_plan(folder: Path, key: Path | None, *, version: str = "1.4.0") -> BuildPlan:
    """Inputs are made in `folder`."""
    (folder / "playbooks" / "roles").mkdir(parents=True, exist_ok=True)
    (folder / "playbooks" / "site.yml").write_text("- hosts: all\n")
    (folder / "playbooks" / "roles" / "base.yml").write_text("[]\n")
    (folder / "helm").mkdir(exist_ok=True)
    (folder / "helm" / "Chart.yaml").write_text("name: appliance\n")
    server = Tarball("keycloak", "1.2.3", "Apache-2.0", "pkg:generic/server@1.2.3", tarball(folder / "server.tar.gz"))
    chart = Folder("chart", folder / "helm", version)
    return BuildPlan(
        version=version,
        min_upgrade_from="1.2.0",
        targets=(TARGETS["debian-12"],),
        parts=(FILES, Folder("playbooks", folder / "playbooks", version), chart, server),
        key=key,
        epoch_s=EPOCH_S,
        left_out=("engines",),
    )


def safetensors(*, dtype: str = "BF16", size: int = 64) -> bytes:
    header = json.dumps({"a": {"dtype": dtype, "shape": [size // 2], "data_offsets": [0, size]}}).encode()
    return len(header).to_bytes(8, "little") + header + b"\1" * size


def model_folder(folder: Path, more: dict[str, bytes] | None = None) -> Path:
    """A checkpoint, as `appliance models add` leaves it, and further files."""
    files = {
        "config.json": b'{"model_type": "llama"}',
        "model.safetensors": safetensors(),
        "tokenizer.json": b"{}",
        "chat_template.jinja": b"{{ messages }}",
    }
    for name, data in (files | (more or {})).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def model_plan(folder: Path, key: Path | None, *, look: bool = True) -> BuildPlan:
    """`look=False` is a careless maker, who signs whatever lies there."""
    dtypes, size = look_into(folder) if look else ((), 0)
    facts = ModelFacts(
        id="tiny", repository="a/tiny", revision="abc", licence="MIT", dtypes=dtypes, needed_memory_bytes=size
    )
    return BuildPlan(
        version="1",
        min_upgrade_from="0",
        targets=(),
        parts=(ModelFolder(folder, facts),),
        key=key,
        epoch_s=EPOCH_S,
        model=facts,
    )


def silent(_: str) -> None:
    """Progress that nobody reads."""


@dataclass(frozen=True, slots=True)
class Made:
    """A signed bundle in both forms, and the keys."""

    folder: Path
    archive: Path
    key: Path
    signers: Path


def make(folder: Path) -> Made:
    key = folder / "key"
    signers, _ = make_key(key)
    plan = product_plan(folder / "inputs", key)
    build(plan, folder / "bundle", silent)
    build(plan, folder / "bundle.tar", silent)
    return Made(folder / "bundle", folder / "bundle.tar", key, signers)


def copy_of(made: Made, place: Path) -> Path:
    return Path(shutil.copytree(made.folder, place))


def rewritten(archive: Path, place: Path, change: Callable[[tarfile.TarInfo], list[tarfile.TarInfo]]) -> Path:
    """An archive with each member as `change` leaves it; members that are added get the bytes of the first."""
    with tarfile.open(archive) as old, tarfile.open(place, "w", format=tarfile.PAX_FORMAT) as new:
        for member in old:
            file = old.extractfile(member)
            data = file.read() if file else b""
            for wanted in change(member):
                new.addfile(wanted, io.BytesIO(data) if wanted.isreg() else None)
    return place
