"""The engines' environment for hosts of the lab: made once on this machine, seen read only.

Its `bin/python` is the host's own; its packages are those of this machine's environment, when both have the same minor
version of Python. Several gigabytes are not copied into each host.
"""

import os
import subprocess
from pathlib import Path

from tests.deploy.lab.base import FOLDER, ROOT, ensure_base

HERE = Path(os.environ.get("APPLIANCE_ENGINES_ENVIRONMENT_DIR", ROOT / ".appliance" / "engine"))


def engine_binds(codename: str) -> dict[str, Path]:
    """Path on the host → path here. Fails when this machine's environment is for another Python."""
    minor = python_of(ensure_base(codename))
    packages = HERE / "lib" / f"python{minor}"
    assert packages.is_dir(), f"{HERE} is not made for Python {minor}, which {codename} has"
    skeleton = FOLDER / f"engine-{minor}"
    (skeleton / "bin").mkdir(parents=True, exist_ok=True)
    (skeleton / "lib").mkdir(exist_ok=True)
    if not (skeleton / "bin" / "python").is_symlink():
        (skeleton / "bin" / "python").symlink_to("/usr/bin/python3")
    (skeleton / "pyvenv.cfg").write_text("home = /usr/bin\ninclude-system-site-packages = false\n")
    return {"/opt/engine": skeleton, "/opt/engine/lib": HERE / "lib"}


def python_of(tree: Path) -> str:
    """Minor version of a tree's Python, as `3.11`."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    return subprocess.run(
        ["chroot", str(tree), "python3", "-c", code], check=True, capture_output=True, text=True
    ).stdout.strip()
