"""NVIDIA GPUs: there, free, healthy, and driver, library and kernel of one version."""

import re
from typing import Iterator, List  # noqa: UP035 - also read by Python 3.9

from appliance.planning.checks.finding import WARNING, Finding, fail, good, judge, warn
from appliance.planning.checks.host import Host

FIELDS = "index,name,memory.total,driver_version,mig.mode.current,ecc.mode.current,persistence_mode"
SWITCHED = ("A100-SXM", "H100 80GB HBM3", "H200", "B200", "B300")
"""Cards that talk through switches when there are eight of them."""


def gpus(host: Host) -> Iterator[Finding]:
    device = "NVIDIA" in host.read("/proc/driver/nvidia/version")
    listed = host.run(["nvidia-smi", f"--query-gpu={FIELDS}", "--format=csv,noheader,nounits"])
    if listed is None:
        if device:
            remedy = "Reboot; if it stays so, install the driver's tools of the same version again."
            yield fail("gpu", "the kernel has a driver, and nvidia-smi does not answer", remedy)
        else:
            yield good("gpu", "none: models are served by the processor")
        return
    rows = [[word.strip() for word in line.split(",")] for line in listed.splitlines() if line.count(",") == 6]
    yield good("gpu", "; ".join(f"{row[1]}, {int(row[2]) / 1024:.0f} GiB" for row in rows if row[2].isdigit()))
    yield from _broken(rows)
    yield from _versions(host, rows)
    yield from _modes(rows)
    yield from _switch(host, rows)


def _broken(rows: List[List[str]]) -> Iterator[Finding]:  # noqa: UP006 - also read by Python 3.9
    lost = [row[0] for row in rows if not row[2].isdigit()]
    remedy = "Reboot; if it stays so, have the card looked at."
    yield judge("gpu-answers", not lost, f"without an answer: {', '.join(lost)}" if lost else "all answer", remedy)


def _versions(host: Host, rows: List[List[str]]) -> Iterator[Finding]:  # noqa: UP006 - as above
    library = rows[0][3] if rows else ""
    loaded = re.search(r"\s(\d+\.\d+(?:\.\d+)?)\s", host.read("/proc/driver/nvidia/version"))
    on_disk = (host.run(["modinfo", "-F", "version", "nvidia"]) or "").strip()
    found = {"library": library, "running": loaded[1] if loaded else "", "on disk": on_disk}
    known = {version for version in found.values() if version}
    detail = ", ".join(f"{where} {version or 'unknown'}" for where, version in found.items())
    remedy = "Reboot: the driver was upgraded while the old one runs. Then hold its packages (apt-mark hold)."
    yield judge("gpu-driver", len(known) == 1, detail, remedy)
    major = int(library.split(".")[0]) if library[:1].isdigit() else 0
    remedy = f"Install driver {host.limits.driver} or later: the engines' CUDA needs it."
    yield judge("gpu-driver-age", major >= host.limits.driver, library or "unknown", remedy)


def _modes(rows: List[List[str]]) -> Iterator[Finding]:  # noqa: UP006 - as above
    cut = [row[0] for row in rows if row[4] == "Enabled"]
    remedy = "Turn MIG off (nvidia-smi -mig 0), unless the parts are meant: an engine sees a part only."
    yield judge("gpu-mig", not cut, f"on: {', '.join(cut)}" if cut else "off", remedy, WARNING)
    unchecked = [row[0] for row in rows if row[5] == "Disabled"]
    remedy = "Turn error correction on (nvidia-smi -e 1, then reboot): flipped bits become wrong answers."
    yield judge("gpu-ecc", not unchecked, f"off: {', '.join(unchecked)}" if unchecked else "on", remedy, WARNING)
    cold = [row[0] for row in rows if row[6] == "Disabled"]
    remedy = "Enable nvidia-persistenced: without it each start of an engine waits for the driver."
    yield judge("gpu-persistence", not cold, f"off: {', '.join(cold)}" if cold else "on", remedy, WARNING)


def _switch(host: Host, rows: List[List[str]]) -> Iterator[Finding]:  # noqa: UP006 - as above
    if len(rows) < 8 or not any(part in rows[0][1] for part in SWITCHED):
        return
    active = (host.run(["systemctl", "is-active", "nvidia-fabricmanager"]) or "").strip() == "active"
    remedy = (
        f"Install and enable nvidia-fabricmanager of version {rows[0][3]}: without it the cards do not find each other."
    )
    yield judge("gpu-fabric", active, "active" if active else "not active", remedy)


def gpu_use(host: Host) -> Iterator[Finding]:
    apps = host.run(["nvidia-smi", "--query-compute-apps=pid,process_name,used_memory", "--format=csv,noheader"])
    if apps is None:
        return
    busy = [line.strip() for line in apps.splitlines() if line.strip() and "vllm" not in line.lower()]
    remedy = "End them, or plan with what they leave: an engine takes nearly all of a card's memory."
    yield judge("gpu-free", not busy, "; ".join(busy) or "nobody else is on them", remedy, WARNING)
    rows = host.run(
        ["nvidia-smi", "--query-remapped-rows=remapped_rows.pending,remapped_rows.failure", "--format=csv,noheader"]
    )
    bad = [line for line in (rows or "").splitlines() if re.search(r"\b(yes|1)\b", line.lower())]
    remedy = "Reboot, so that the card maps its broken memory away; a failure means: replace the card."
    yield judge("gpu-memory", not bad, "; ".join(bad) or "no broken rows wait", remedy)
    log = host.run(["journalctl", "-k", "-b", "--no-pager", "-g", "NVRM: Xid"])
    lines = [line for line in (log or "").splitlines() if "Xid" in line]
    remedy = "Look the number up in NVIDIA's list of Xid errors; 48, 63, 74, 79 and 94 mean the card or its place."
    yield judge("gpu-errors", not lines, lines[-1][-120:] if lines else "none since the boot", remedy, WARNING)


def driver_packages(host: Host) -> Iterator[Finding]:
    if "nouveau" in {line.split()[0] for line in host.read("/proc/modules").splitlines() if line.strip()}:
        remedy = (
            "Blacklist nouveau (/etc/modprobe.d), run update-initramfs -u and reboot: it keeps NVIDIA's driver out."
        )
        yield fail("nouveau", "loaded", remedy)
    if not host.read("/proc/driver/nvidia/version"):
        return
    held = host.run(["apt-mark", "showhold"])
    if held is None:
        yield warn("driver-held", "apt-mark does not answer", "See that nothing upgrades the driver by itself.")
        return
    there = any(name.startswith(("nvidia", "libnvidia", "cuda-drivers")) for name in held.split())
    remedy = "apt-mark hold the nvidia packages: an upgrade at night leaves driver and kernel apart until a reboot."
    yield judge("driver-held", there, "held" if there else "not held", remedy, WARNING)
