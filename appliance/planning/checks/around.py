"""What an installation needs beside the host itself, looked at when named: bundle, models, provider, other hosts."""

import json
import os
import platform
import socket
import ssl
import sys
import time
import urllib.error
import urllib.request
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Dict, Iterator, List  # noqa: UP035 - also read by Python 3.9

from appliance.planning.checks.finding import WARNING, Finding, fail, good, judge, warn
from appliance.planning.checks.host import TIMEOUT_S, Host

READ_BYTES = 256 * 2**20
"""Of the largest file of a model: enough to see past the disk's own cache."""
BLOCK = 4 * 2**20
DISCOVERY = "/.well-known/openid-configuration"


def bundle(host: Host) -> Iterator[Finding]:
    """Whether it is for this host; whether it is what was signed, `appliance bundle verify` says."""
    if not host.bundle:
        return
    folder = Path(host.bundle)
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        targets = {t["codename"]: t for t in manifest["targets"]}
        version = manifest["version"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        yield fail("bundle", f"{folder}: {error}", "Name the folder in which the product's manifest.json lies.")
        return
    codename = _release(host).get("VERSION_CODENAME", "")
    if codename not in targets:
        remedy = f"Build the bundle with --target for this system; it has {', '.join(sorted(targets))}."
        yield fail("bundle", f"{version} is not for '{codename or 'an unknown system'}'", remedy)
        return
    yield good("bundle", f"{version} for {codename}")
    wanted, found = targets[codename]["python"], sys.version_info
    fits = wanted.split(".")[:2] == [str(found[0]), str(found[1])]
    remedy = f"Use the system's own Python {wanted}: the bundle's packages are for that one."
    yield judge("bundle-python", fits, f"{found[0]}.{found[1]}, and the bundle is for {wanted}", remedy, WARNING)
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    wanted = targets[codename]["architecture"]
    remedy = f"Take a bundle that was built for {machine}."
    yield judge("bundle-machine", machine == wanted, f"{machine}, and the bundle is for {wanted}", remedy)


def _release(host: Host) -> Dict[str, str]:  # noqa: UP006 - also read by Python 3.9
    lines = host.read("/etc/os-release").splitlines()
    return {name: value.strip('"') for name, _, value in (line.partition("=") for line in lines)}


def models(host: Host) -> Iterator[Finding]:
    """How fast the disk gives the weights: an engine that starts reads all of them."""
    if not host.models:
        return
    files: List[Path] = [f for f in Path(host.models).rglob("*") if f.is_file()]  # noqa: UP006 - as above
    if not files:
        yield warn("model-disk", f"no file in {host.models}", "Name a folder with a model's files.")
        return
    largest = max(files, key=lambda f: f.stat().st_size)
    try:
        rate = _read_rate(largest)
    except OSError as error:
        yield warn("model-disk", f"{largest}: {error.strerror}", "Run it as root, or as the user of the engines.")
        return
    remedy = "Put the models on a local NVMe disk: each start of an engine reads all weights."
    detail = f"{rate / 2**20:.0f} MiB/s, so {2**30 * 60 / rate:.0f} s for 60 GiB"
    yield judge("model-disk", rate >= host.limits.read_mib_s * 2**20, detail, remedy, WARNING)


def _read_rate(file: Path) -> float:
    """Bytes a second, from the disk and not from memory. Raises OSError."""
    left, got = READ_BYTES, 0
    handle = os.open(str(file), os.O_RDONLY)
    try:
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        begin = time.perf_counter()
        while left > 0:
            read = len(os.read(handle, min(BLOCK, left)))
            if not read:
                break
            left, got = left - read, got + read
        return got / max(time.perf_counter() - begin, 1e-6)
    finally:
        os.close(handle)


def provider(host: Host) -> Iterator[Finding]:
    """The OpenID provider of logins: there, itself, and of one time with us."""
    if not host.issuer:
        return
    issuer = host.issuer
    if not issuer.startswith(("https://", "http://")):
        yield fail("issuer", f"{issuer} is no address", "Give it as the provider names itself: https://…")
        return
    try:
        trust = ssl.create_default_context(cafile=host.authority or None)
        with urllib.request.urlopen(issuer.rstrip("/") + DISCOVERY, timeout=TIMEOUT_S, context=trust) as reply:  # noqa: S310 - looked at above
            told, date = json.load(reply), reply.headers.get("Date", "")
    except (OSError, ValueError) as error:  # what urllib raises is an OSError
        remedy = "See that this host reaches the provider, and trusts its certificate (--authority)."
        yield fail("issuer", f"{issuer}: {error}", remedy)
        return
    yield from _described(issuer, told, date)


def _described(issuer: str, told: Any, date: str) -> Iterator[Finding]:
    named = told.get("issuer") if isinstance(told, dict) else None
    remedy = "Write the issuer exactly as the provider names itself; tokens of another one are refused."
    yield judge("issuer", named == issuer, f"names itself {named}", remedy)
    try:
        apart = abs(parsedate_to_datetime(date).timestamp() - time.time())
    except (TypeError, ValueError):
        yield warn("issuer-clock", "the provider does not tell its time", "Compare its clock with this one's.")
        return
    remedy = "Set both clocks by NTP: tokens from the future, or too old, are refused."
    yield judge("issuer-clock", apart < 30, f"{apart:.0f} s apart", remedy)


def others(host: Host) -> Iterator[Finding]:
    """Parts on other hosts, as `host:port`."""
    for place in host.reach:
        name, _, number = place.rpartition(":")
        if not name or not number.isdigit():
            yield fail(f"reach-{place}", "is not host:port", "Write it as db.acme.example:5432.")
            continue
        try:
            with socket.create_connection((name, int(number)), timeout=5):
                yield good(f"reach-{place}", "takes connections")
        except OSError as error:
            remedy = (
                "See that the part runs there, that its name has the right address, and that no firewall is between."
            )
            yield fail(f"reach-{place}", str(error), remedy)
