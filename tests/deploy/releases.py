"""Further releases made from this checkout: its files with a few lines changed, as signed bundles of their own."""

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import uv

from appliance.bundle.checking import CHECKSUMS, MANIFEST, SIGNATURE
from appliance.bundle.signing import sign
from appliance.migrations.run import newest_revision
from tests.deploy.lab.base import FOLDER, ROOT

NAME = "private_model_appliance"
BUNDLES = FOLDER / "bundles"
"""Seen by every host of the lab."""
NEXT = f"{int(newest_revision()) + 1:04d}"
ADDS = f"appliance/migrations/versions/m{NEXT}_more.py"
HEAD = f'''"""{{says}}"""

import sqlalchemy as sa
from alembic import op

revision = "{NEXT}"
down_revision = "{newest_revision()}"
branch_labels = None
depends_on = None
{{more}}

def upgrade() -> None:
'''
GROWN = {
    ADDS: HEAD.format(says="Collections may have a note.", more="")
    + '    op.add_column("collections", sa.Column("note", sa.Text(), nullable=True))\n'
}
"""A release that adds to the schema."""


def changed(file: str, old: str, new: str) -> dict[str, str]:
    """A file of the checkout with other words."""
    text = (ROOT / file).read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{file} has '{old}' {text.count(old)} times"
    return {file: text.replace(old, new)}


BROKEN = {
    "does not start": {
        **GROWN,
        **changed(
            "appliance/commands/process.py",
            "    server = _Server(server_config(build_app(parts)))\n",
            '    raise RuntimeError("this release was made to fail at its start")\n'
            "    server = _Server(server_config(build_app(parts)))\n",
        ),
    },
    "breaks the API": {
        **GROWN,
        **changed(
            "appliance/openai_api/models/routes.py",
            "        owned_by=owner,\n",
            '        owned_by="",\n        object="modell",\n',
        ),
    },
    "migration fails": {
        ADDS: HEAD.format(says="Cannot run.", more="") + '    op.execute("LOCK TABLE no_such_table")\n'
    },
    "takes away": {
        ADDS: HEAD.format(says="Drops a column.", more="contracts = True\n")
        + '    op.drop_column("collections", "query_prefix")\n'
    },
}
"""Releases that must not stay, by what is wrong with them."""


def make(base: Path, key: Path, name: str, version: str, files: Mapping[str, str]) -> Path:
    """A bundle beside `base`, with the wheel of the changed checkout; made once for the same words."""
    folder, source = BUNDLES / name, FOLDER / "sources" / name
    stamp = BUNDLES / f"{name}.stamp"
    words = json.dumps([version, (base / MANIFEST).stat().st_mtime_ns, (base / CHECKSUMS).read_text(), dict(files)])
    wanted = hashlib.sha256(words.encode()).hexdigest()
    if folder.exists() and stamp.exists() and stamp.read_text() == wanted:
        return folder
    for old in (folder, source):
        shutil.rmtree(old, ignore_errors=True)
    _copy_checkout(source, version, files)
    wheels = source / "made"
    subprocess.run([uv.find_uv_bin(), "build", "--quiet", "--wheel", "--out-dir", wheels, source], check=True)
    shutil.copytree(base, folder, copy_function=os.link)
    _exchange(folder, next(wheels.glob("*.whl")), version, source / "playbooks")
    _seal(folder, version, key)
    shutil.rmtree(source)
    stamp.write_text(wanted)
    return folder


def _copy_checkout(source: Path, version: str, files: Mapping[str, str]) -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if name.startswith(("appliance/", "playbooks/")) or "/" not in name:
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, source / name)
    shutil.copytree(ROOT / "appliance" / "webui" / "dist", source / "appliance" / "webui" / "dist")
    project = (source / "pyproject.toml").read_text(encoding="utf-8")
    project = re.sub(r'^version = ".*"$', f'version = "{version}"', project, count=1, flags=re.M)
    (source / "pyproject.toml").write_text(project, encoding="utf-8")
    for name, text in files.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).unlink(missing_ok=True)
        (source / name).write_text(text, encoding="utf-8")


def _exchange(folder: Path, wheel: Path, version: str, playbooks: Path) -> None:
    """Put the new wheel in the place of the old one for every target. Files are links to the base's: never written."""
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    for pins in folder.glob("wheels/*/requirements.txt"):
        for old in pins.parent.glob(f"{NAME}-*.whl"):
            old.unlink()
        shutil.copy(wheel, pins.parent / wheel.name)
        line = rf"^{NAME.replace('_', '[-_]')}==.*$"
        text = re.sub(line, f"private-model-appliance=={version} --hash=sha256:{digest}", pins.read_text(), flags=re.M)
        assert digest in text
        pins.unlink()
        pins.write_text(text)
    shutil.rmtree(folder / "playbooks")
    shutil.copytree(playbooks, folder / "playbooks")


def _seal(folder: Path, version: str, key: Path) -> None:
    head = {MANIFEST, SIGNATURE, CHECKSUMS}
    hashes = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = path.relative_to(folder).as_posix()
        if name not in head:
            hashes[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    lines = "".join(f"{hashes[name]}  {name}\n" for name in sorted(hashes)).encode()
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest |= {"version": version, "checksums_sha256": hashlib.sha256(lines).hexdigest()}
    for component in manifest["components"]:
        if component["name"].replace("-", "_") == NAME:
            (wheel,) = [n for n in hashes if n.startswith(f"{Path(component['path']).parent}/{NAME}-")]
            size = (folder / wheel).stat().st_size
            component |= {"version": version, "path": wheel, "sha256": hashes[wheel], "size": size}
    for first in head:
        (folder / first).unlink(missing_ok=True)
    (folder / CHECKSUMS).write_bytes(lines)
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
    sign(folder / MANIFEST, key)
