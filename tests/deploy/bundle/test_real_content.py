"""A bundle of real wheels and Debian packages: equal twice, verified, and enough for a host without a network.

What is fetched stays in `.appliance/bundle-cache`; the first run takes minutes, later ones about one.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.bundle import TARGETS, BundleUnmade, Progress, build, make_key, verify
from appliance.bundle.recipe import Wanted, plan_product

ROOT = Path(__file__).resolve().parents[3]
CACHE = ROOT / ".appliance" / "bundle-cache"
TREE = Path(os.environ.get("APPLIANCE_LAB_DIR", ROOT / ".appliance" / "lab")) / "base-bookworm"
PACKAGES = ["python3-venv", "python3-apt", "acl", "age", "nginx", "redis-server", "libgomp1"]
LONG_S = 900

pytestmark = pytest.mark.timeout(1800)


@dataclass(frozen=True, slots=True)
class Real:
    folder: Path
    signers: Path
    wanted: Wanted


def silent(_: str) -> None:
    """Progress that nobody reads."""


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Real:
    for tool in ("apt-get", "dpkg-deb", "git"):
        if shutil.which(tool) is None:
            pytest.skip(f"SKIPPED: {tool} is missing")
    folder = tmp_path_factory.mktemp("real")
    signers, _ = make_key(folder / "key")
    wanted = Wanted(
        source=ROOT,
        cache=CACHE,
        targets=(TARGETS["debian-12"],),
        without=frozenset({"keycloak"}),
        key=folder / "key",
    )
    build(plan_product(wanted), folder / "bundle", progress(folder))
    return Real(folder / "bundle", signers, wanted)


def progress(folder: Path) -> Progress:
    """Into a file, for whoever looks why it takes so long."""

    def say(line: str) -> None:
        with (folder / "progress").open("a") as file:
            file.write(line + "\n")

    return say


def test_two_builds_of_real_content_are_equal(real: Real, tmp_path: Path) -> None:
    build(plan_product(real.wanted), tmp_path / "again", silent)
    for name in ("checksums.txt", "manifest.json", "manifest.json.sig"):
        assert (tmp_path / "again" / name).read_bytes() == (real.folder / name).read_bytes(), name
    diff = subprocess.run(["diff", "-r", str(real.folder), str(tmp_path / "again")], capture_output=True, check=False)
    assert diff.returncode == 0, diff.stdout[:2000]


def test_it_verifies_and_says_what_it_lacks(real: Real) -> None:
    found = verify(real.folder, allowed_signers=real.signers)
    assert {"engines", "keycloak", "qdrant"} <= set(found.left_out)
    kinds = [component.kind for component in found.components]
    assert kinds.count("wheel") > 100
    assert kinds.count("deb") > 150
    assert [c.name for c in found.components if c.kind == "wheel" and not c.licence] in ([], ["rich-click"])
    own = next(c for c in found.components if c.name == "private-model-appliance")
    assert own.version == found.version
    bill = json.loads((real.folder / "sbom" / "bundle.cdx.json").read_text())
    assert len(bill["components"]) == len(found.components)


@pytest.mark.parametrize(
    "pattern", ["apt/bookworm/nginx_*.deb", "wheels/debian-12/litestar-*.whl", "apt/*/Packages.gz"]
)
def test_a_flipped_byte_of_real_content_is_refused_by_the_checker_alone(
    real: Real, tmp_path: Path, pattern: str
) -> None:
    spoiled = tmp_path / "bundle"
    shutil.copytree(real.folder, spoiled, copy_function=os.link)
    file = next(spoiled.glob(pattern))
    data = bytearray(file.read_bytes())
    data[len(data) // 3] ^= 0x10
    file.unlink()
    file.write_bytes(data)
    command = [sys.executable, "-I", "-S", str(spoiled / "verify.py"), "--allowed-signers", str(real.signers)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert file.relative_to(spoiled).as_posix() in done.stderr


def test_a_target_that_no_wheel_fits_is_refused(real: Real, tmp_path: Path) -> None:
    """Not a wheel of another Python instead."""
    other = tmp_path / "checkout"
    shutil.copytree(ROOT / "script", other / "script")
    (other / "pyproject.toml").write_text(
        '[project]\nname = "x"\nversion = "1"\ndependencies = ["uv<0.0.1"]\n[tool.appliance]\nmin-upgrade-from = "0"\n'
    )
    subprocess.run(["git", "init", "-q", str(other)], check=True)
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    subprocess.run(["git", "-C", str(other), *identity, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    wanted = Wanted(other, CACHE, (TARGETS["debian-12"],), without=frozenset({"keycloak", "packages"}))
    with pytest.raises(BundleUnmade):
        build(plan_product(wanted), tmp_path / "bundle", silent)
    assert not (tmp_path / "bundle").exists()


@contextmanager
def host(folder: Path, bundle: Path) -> Iterator[list[str]]:
    """A fresh Debian without any network, the bundle in it read-only; what runs a command there."""
    root = folder / "root"
    for name in ("up", "work", "root"):
        (folder / name).mkdir()
    layers = f"lowerdir={TREE},upperdir={folder}/up,workdir={folder}/work"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, str(root)], check=True)
    try:
        (root / "opt" / "bundle").mkdir(parents=True)
        subprocess.run(["mount", "--bind", "-o", "ro", str(bundle), str(root / "opt" / "bundle")], check=True)
        try:
            clean = ("env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8")
            yield ["unshare", "--net", "--pid", "--fork", "chroot", str(root), *clean]
        finally:
            subprocess.run(["umount", str(root / "opt" / "bundle")], check=True)
    finally:
        subprocess.run(["umount", str(root)], check=True)


def test_a_host_without_a_network_installs_from_it_alone(real: Real, tmp_path: Path) -> None:
    if os.geteuid() != 0 or not (TREE / "usr" / "bin" / "apt-get").exists():
        pytest.skip("SKIPPED: needs root and the tree of a fresh Debian that tests/deploy/lab makes")

    with host(tmp_path, real.folder) as inside:

        def run(*command: str) -> str:
            done = subprocess.run([*inside, *command], capture_output=True, text=True, check=False, timeout=LONG_S)
            assert done.returncode == 0, done.stdout[-1500:] + done.stderr[-1500:]
            return done.stdout

        sources = tmp_path / "root" / "etc" / "apt" / "sources.list"
        sources.write_text("deb [trusted=yes] file:/opt/bundle/apt/bookworm ./\n")
        run("apt-get", "-qq", "update")
        run("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "install", "--no-install-recommends", *PACKAGES)
        assert run("python3", "--version").strip() == f"Python {TARGETS['debian-12'].python}"
        run("python3", "-m", "venv", "/opt/gateway")
        wheels = "/opt/bundle/wheels/debian-12"
        options = ("--no-index", "--find-links", wheels, "--no-deps", "--require-hashes", "-r")
        run("/opt/gateway/bin/pip", "install", "--quiet", *options, f"{wheels}/requirements.txt")
        run("/opt/gateway/bin/pip", "check")
        assert "bundle" in run("/opt/gateway/bin/appliance", "--help")
        run("/opt/gateway/bin/python", "-c", "import kreuzberg, qdrant_edge, psycopg, onnxruntime, appliance.app")
        page = "import appliance.webui, pathlib; assert (pathlib.Path(appliance.webui.__path__[0]) / 'dist').is_dir()"
        run("/opt/gateway/bin/python", "-c", page)
