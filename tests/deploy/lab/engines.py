"""The engines' environments for hosts of the lab: made once on this machine, seen read only.

`bin/python` is the host's own. Its packages are those of this machine's environment, when both have the same minor
version of Python; for another they are installed beside it from the same pins. Several gigabytes are not copied into
each host.
"""

import hashlib
import os
import shutil
import subprocess
import time
from pathlib import Path

import uv

from tests.deploy.lab.base import FOLDER, ROOT, ensure_base

HERE = Path(os.environ.get("APPLIANCE_ENGINES_ENVIRONMENT_DIR", ROOT / ".appliance" / "engine"))
PINS = ROOT / "appliance" / "inference" / "requirements" / "engine-cpu.txt"
PLATFORM = "x86_64-manylinux_2_36"
"""Wheels for the older of the two Debians load on both."""
STAMP = ".pins-sha256"


def engine_binds(codename: str) -> dict[str, Path]:
    """Path on the host → path here."""
    minor = python_of(ensure_base(codename))
    skeleton = FOLDER / f"engine-{minor}"
    packages = f"lib/python{minor}/site-packages"
    (skeleton / "bin").mkdir(parents=True, exist_ok=True)
    (skeleton / packages).mkdir(parents=True, exist_ok=True)
    if not (skeleton / "bin" / "python").is_symlink():
        (skeleton / "bin" / "python").symlink_to("/usr/bin/python3")
    (skeleton / "pyvenv.cfg").write_text("home = /usr/bin\ninclude-system-site-packages = false\n")
    here = HERE / packages
    return {"/opt/engine": skeleton, f"/opt/engine/{packages}": here if here.is_dir() else _other(codename, minor)}


def _other(codename: str, minor: str) -> Path:
    """Packages for a Python that this machine has not; made unless they are there, which takes a minute or two."""
    folder, digest = FOLDER / f"packages-{minor}", hashlib.sha256(PINS.read_bytes()).hexdigest()
    if (folder / STAMP).exists() and (folder / STAMP).read_text() == digest:
        return folder
    began = time.monotonic()
    shutil.rmtree(folder, ignore_errors=True)
    pinned = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", str(PINS)]
    target = ["--target", str(folder), "--python-version", minor, "--python-platform", PLATFORM]
    subprocess.run([uv.find_uv_bin(), "pip", "install", "--quiet", *target, *pinned], check=True)
    _compile(codename, folder, f"/opt/engine/lib/python{minor}/site-packages")
    (folder / STAMP).write_text(digest)
    print(f"packages of the engines for Python {minor} made in {time.monotonic() - began:.0f} s")
    return folder


def _compile(codename: str, folder: Path, there: str) -> None:
    """Bytecode by the host's Python, which sees the packages read only: else every start would compile all of them."""
    tree = ensure_base(codename)
    command = f"python3 -m compileall -q -j 0 -s /mnt -p {there} /mnt"
    script = f"mount --bind {folder} {tree}/mnt && exec chroot {tree} {command}"
    # templates among them are no Python, and the exit code tells of them
    subprocess.run(["unshare", "--mount", "bash", "-c", script], check=False, stdout=subprocess.DEVNULL)


def python_of(tree: Path) -> str:
    """Minor version of a tree's Python, as `3.11`."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    return subprocess.run(
        ["chroot", str(tree), "python3", "-c", code], check=True, capture_output=True, text=True
    ).stdout.strip()
