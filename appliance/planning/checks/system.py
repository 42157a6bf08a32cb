"""Operating system, processor, memory, limits of the kernel."""

import os
import re
import resource
import shlex
import sys
from typing import Iterator  # noqa: UP035 - also read by Python 3.9

from appliance.planning.checks.finding import WARNING, Finding, good, judge, warn
from appliance.planning.checks.host import Host

TESTED = {("debian", "12"), ("debian", "13")}


def operating_system(host: Host) -> Iterator[Finding]:
    pairs = (line.partition("=") for line in host.read("/etc/os-release").splitlines() if "=" in line)
    facts = {key: "".join(shlex.split(value)) for key, _, value in pairs}
    name = facts.get("PRETTY_NAME", "unknown")
    remedy = "Install on Debian 12 or 13, or try it in a lab first."
    yield judge("os", (facts.get("ID", ""), facts.get("VERSION_ID", "")) in TESTED, name, remedy, WARNING)


def kernel(host: Host) -> Iterator[Finding]:
    release = host.read("/proc/sys/kernel/osrelease").strip()
    found = re.match(r"(\d+)\.(\d+)", release)
    new = bool(found) and (int(found[1]), int(found[2])) >= (5, 10)  # type: ignore[index] # asked for just before
    yield judge("kernel", new, release or "unknown", "Upgrade the system: Linux 5.10 or later is needed.")


def init(host: Host) -> Iterator[Finding]:
    name = host.read("/proc/1/comm").strip()
    yield judge("init", name == "systemd", f"process 1 is {name or 'unknown'}", "Boot the host with systemd.")


def cgroup(host: Host) -> Iterator[Finding]:
    unified = (host.root / "sys/fs/cgroup/cgroup.controllers").exists()
    remedy = "Boot with systemd.unified_cgroup_hierarchy=1, or memory limits of services do not hold."
    yield judge("cgroup", unified, "version 2" if unified else "version 1", remedy, WARNING)


def processor(host: Host) -> Iterator[Finding]:
    text = host.read("/proc/cpuinfo")
    cores = text.count("\nprocessor") + text.startswith("processor")
    flags = set(next((line for line in text.splitlines() if line.startswith("flags")), "").split())
    yield judge("cpu-flags", "avx2" in flags, "avx2" if "avx2" in flags else "no avx2", "Use a host with AVX2.")
    remedy = f"Give the host at least {host.limits.cores} cores."
    yield judge("cpu-cores", cores >= host.limits.cores, f"{cores} cores", remedy, WARNING)


def memory(host: Host) -> Iterator[Finding]:
    lines = (line.split() for line in host.read("/proc/meminfo").splitlines())
    values = {words[0].rstrip(":"): int(words[1]) / 2**20 for words in lines if len(words) > 1 and words[1].isdigit()}
    total, swap = values.get("MemTotal", 0.0), values.get("SwapTotal", 0.0)
    remedy = f"Give the host at least {host.limits.memory_gib:g} GiB, or serve smaller models."
    yield judge("memory", total >= host.limits.memory_gib, f"{total:.1f} GiB", remedy, WARNING)
    remedy = "Turn it off (swapoff -a, and its line in /etc/fstab): an engine in swap answers nobody."
    yield judge("swap", swap == 0, f"{swap:.1f} GiB of swap", remedy, WARNING)


def shared_memory(host: Host) -> Iterator[Finding]:
    size = _size_gib(host, "dev/shm")
    remedy = "Mount /dev/shm larger: engines on several GPUs exchange through it."
    yield judge("shared-memory", size >= host.limits.shared_memory_gib, f"{size:.1f} GiB in /dev/shm", remedy, WARNING)


def _size_gib(host: Host, path: str) -> float:
    try:
        facts = os.statvfs(host.root / path)
    except OSError:
        return 0.0
    return facts.f_blocks * facts.f_frsize / 2**30


def kernel_limits(host: Host) -> Iterator[Finding]:
    limits = host.limits
    maps, backlog = host.number("/proc/sys/vm/max_map_count"), host.number("/proc/sys/net/core/somaxconn")
    remedy = f"sysctl vm.max_map_count={limits.map_count}, and the same in /etc/sysctl.d: the index maps many files."
    yield judge("map-count", maps >= limits.map_count, str(maps), remedy, WARNING)
    remedy = f"sysctl net.core.somaxconn={limits.backlog}: more than that at once would be turned away."
    yield judge("backlog", backlog >= limits.backlog, str(backlog), remedy, WARNING)
    strict = host.number("/proc/sys/vm/overcommit_memory") == 2
    remedy = "sysctl vm.overcommit_memory=0: engines ask for more than they touch, and would not start."
    yield judge("overcommit", not strict, "never" if strict else "allowed", remedy)


def open_files(host: Host) -> Iterator[Finding]:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    fine = hard == resource.RLIM_INFINITY or hard >= host.limits.open_files
    remedy = f"Raise the hard limit of open files to {host.limits.open_files} (DefaultLimitNOFILE of systemd)."
    yield judge("open-files", fine, str(hard), remedy, WARNING)


def python(_: Host) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    fine = (3, 11) <= sys.version_info[:2] < (3, 14)
    yield judge("python", fine, version, "Install Python 3.11, 3.12 or 3.13; the bundle's packages are made for them.")


def language(host: Host) -> Iterator[Finding]:
    known = host.run(["locale", "-a"])
    if known is None:
        yield warn("locale", "locales cannot be listed", "Install the package 'libc-bin'.")
        return
    there = {name.lower().replace("-", "") for name in known.split()}
    remedy = "Generate the locale C.UTF-8: the database sorts by it."
    yield judge("locale", "c.utf8" in there, "C.UTF-8" if "c.utf8" in there else "no C.UTF-8", remedy)


def proxies(_: Host) -> Iterator[Finding]:
    named = sorted(name for name in os.environ if name.lower() in {"http_proxy", "https_proxy", "all_proxy"})
    if named:
        yield warn(
            "proxy", f"{', '.join(named)} is set", "Unset it for the installation: nothing is fetched from outside."
        )
    else:
        yield good("proxy", "none is set")
