"""Checks of a host, on hosts that are made of files and of programs that answer what we want."""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from appliance.commands.doctor import pack_checks
from appliance.installation import COMPONENTS
from appliance.planning.checks import (
    CHECKS,
    FAILED,
    OK,
    SKIPPED,
    WARNING,
    Finding,
    Host,
    Limits,
    accounts,
    disks,
    gpus,
    network,
    run_checks,
    system,
)

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "doctor.md").read_text(encoding="utf-8")
VERSION = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.86.15  Release Build\n"
H100 = "0, NVIDIA H100 80GB HBM3, 81559, 570.86.15, Disabled, Enabled, Enabled\n"


class Programs:
    """Answers by the first words of a command; what is not listed is missing."""

    def __init__(self, **answers: str | None) -> None:
        self.answers = {name.replace("_", "-"): text for name, text in answers.items()}

    def __call__(self, words: Sequence[str]) -> str | None:
        line = " ".join(words)
        fitting = [text for name, text in self.answers.items() if name in line]
        return fitting[0] if fitting else None


def host(root: Path, files: dict[str, str], **answers: str | None) -> Host:
    for name, text in files.items():
        file = root / name.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return Host(root=root, run=Programs(**answers))


def states(findings: Sequence[Finding]) -> dict[str, str]:
    return {f.check: f.state for f in findings}


def with_gpus(root: Path, rows: str, files: dict[str, str] | None = None, **answers: str | None) -> dict[str, str]:
    there = {"/proc/driver/nvidia/version": VERSION, **(files or {})}
    return states(list(gpus.gpus(host(root, there, query_gpu=rows, modinfo="570.86.15\n", **answers))))


def test_a_good_gpu_host_is_good(tmp_path: Path) -> None:
    found = with_gpus(tmp_path, H100)
    assert set(found.values()) == {OK}, found
    assert {"gpu", "gpu-answers", "gpu-driver", "gpu-driver-age", "gpu-mig", "gpu-ecc", "gpu-persistence"} == set(found)


def test_no_gpu_is_no_fault(tmp_path: Path) -> None:
    assert states(list(gpus.gpus(host(tmp_path, {})))) == {"gpu": OK}


def test_a_driver_that_does_not_answer_is_told(tmp_path: Path) -> None:
    there = host(tmp_path, {"/proc/driver/nvidia/version": VERSION})
    assert states(list(gpus.gpus(there))) == {"gpu": FAILED}


@pytest.mark.parametrize(
    ("rows", "check", "state"),
    [
        (H100.replace("570.86.15", "565.57.01"), "gpu-driver", FAILED),
        (H100.replace("570.86.15", "535.54.03"), "gpu-driver-age", FAILED),
        ("0, NVIDIA H100 80GB HBM3, [GPU is lost], 570.86.15, Disabled, Enabled, Enabled\n", "gpu-answers", FAILED),
        (H100.replace("570.86.15, Disabled", "570.86.15, Enabled"), "gpu-mig", WARNING),
        (H100.replace("Enabled, Enabled", "Disabled, Enabled"), "gpu-ecc", WARNING),
        (H100.replace("Enabled, Enabled", "Enabled, Disabled"), "gpu-persistence", WARNING),
    ],
)
def test_what_is_wrong_with_a_card_is_told(tmp_path: Path, rows: str, check: str, state: str) -> None:
    assert with_gpus(tmp_path, rows)[check] == state


def test_the_kernel_runs_an_older_driver_than_the_library(tmp_path: Path) -> None:
    old = VERSION.replace("570.86.15", "565.57.01")
    there = host(tmp_path, {"/proc/driver/nvidia/version": old}, query_gpu=H100, modinfo="570.86.15\n")
    (found,) = [f for f in gpus.gpus(there) if f.check == "gpu-driver"]
    assert found.state == FAILED
    assert "Reboot" in found.remedy
    assert "565.57.01" in found.detail


def test_eight_cards_need_the_fabric_manager(tmp_path: Path) -> None:
    eight = "".join(H100.replace("0,", f"{n},", 1) for n in range(8))
    assert with_gpus(tmp_path, eight, fabricmanager="active\n")["gpu-fabric"] == OK
    assert with_gpus(tmp_path, eight, fabricmanager=None)["gpu-fabric"] == FAILED
    assert "gpu-fabric" not in with_gpus(tmp_path, H100)


@pytest.mark.parametrize(
    ("answers", "check", "state"),
    [
        ({"compute_apps": "1234, /usr/bin/blender, 3000 MiB\n"}, "gpu-free", WARNING),
        ({"compute_apps": "1234, /opt/appliance/engine/bin/vllm, 3000 MiB\n"}, "gpu-free", OK),
        ({"compute_apps": "", "remapped_rows": "Yes, No\n"}, "gpu-memory", FAILED),
        ({"compute_apps": "", "remapped_rows": "No, No\n"}, "gpu-memory", OK),
        (
            {"compute_apps": "", "journalctl": "kernel: NVRM: Xid (PCI:0000:01:00): 79, fell off the bus\n"},
            "gpu-errors",
            WARNING,
        ),
        ({"compute_apps": ""}, "gpu-errors", OK),
    ],
)
def test_what_cards_do_and_had(tmp_path: Path, answers: dict[str, str], check: str, state: str) -> None:
    assert states(list(gpus.gpu_use(host(tmp_path, {}, **answers))))[check] == state


def test_nouveau_and_drivers_that_upgrade_themselves(tmp_path: Path) -> None:
    there = host(tmp_path, {"/proc/modules": "nouveau 1 0\n", "/proc/driver/nvidia/version": VERSION}, showhold="\n")
    assert states(list(gpus.driver_packages(there))) == {"nouveau": FAILED, "driver-held": WARNING}
    held = host(tmp_path, {"/proc/modules": "nvidia 1 0\n"}, showhold="nvidia-driver\n")
    assert states(list(gpus.driver_packages(held))) == {"driver-held": OK}


@pytest.mark.parametrize(
    ("check", "files", "good"),
    [
        ("os", {"/etc/os-release": 'ID=debian\nVERSION_ID="13"\nPRETTY_NAME="Debian 13"\n'}, True),
        ("os", {"/etc/os-release": "ID=fedora\nVERSION_ID=44\n"}, False),
        ("kernel", {"/proc/sys/kernel/osrelease": "6.12.1-amd64\n"}, True),
        ("kernel", {"/proc/sys/kernel/osrelease": "4.19.0\n"}, False),
        ("init", {"/proc/1/comm": "systemd\n"}, True),
        ("init", {"/proc/1/comm": "tini\n"}, False),
        ("cgroup", {"/sys/fs/cgroup/cgroup.controllers": "cpu memory\n"}, True),
        ("cgroup", {}, False),
        ("cpu-flags", {"/proc/cpuinfo": "processor : 0\nflags : sse avx2\n"}, True),
        ("cpu-flags", {"/proc/cpuinfo": "processor : 0\nflags : sse\n"}, False),
        ("cpu-cores", {"/proc/cpuinfo": "".join(f"processor : {n}\n" for n in range(8))}, True),
        ("cpu-cores", {"/proc/cpuinfo": "processor : 0\n"}, False),
        ("memory", {"/proc/meminfo": "MemTotal: 33554432 kB\nSwapTotal: 0 kB\n"}, True),
        ("memory", {"/proc/meminfo": "MemTotal: 4194304 kB\n"}, False),
        ("swap", {"/proc/meminfo": "MemTotal: 1 kB\nSwapTotal: 1048576 kB\n"}, False),
        ("map-count", {"/proc/sys/vm/max_map_count": "65530\n"}, False),
        ("backlog", {"/proc/sys/net/core/somaxconn": "4096\n"}, True),
        ("overcommit", {"/proc/sys/vm/overcommit_memory": "2\n"}, False),
        ("overcommit", {"/proc/sys/vm/overcommit_memory": "0\n"}, True),
        ("disk-kind-opt", {"/proc/mounts": "srv:/x /opt nfs4 rw 0 0\n", "/opt/x": ""}, False),
        ("disk-kind-opt", {"/proc/mounts": "srv:/x / nfs4 rw 0 0\n/dev/a /opt ext4 rw 0 0\n", "/opt/x": ""}, True),
        ("noexec-opt", {"/proc/mounts": "/dev/a /opt ext4 rw,noexec 0 0\n", "/opt/x": ""}, False),
        ("disk-opt", {}, False),
        ("noexec-tmp", {"/proc/mounts": "tmpfs /tmp tmpfs rw,noexec 0 0\n"}, False),
        ("users", {"/etc/passwd": "other:x:871:1::/:/bin/sh\n"}, False),
        ("users", {"/etc/passwd": "vllm:x:1000:1::/:/bin/sh\n"}, False),
        ("users", {"/etc/passwd": "vllm:x:872:1::/:/bin/sh\n"}, True),
    ],
)
def test_a_host_is_judged_by_its_files(tmp_path: Path, check: str, files: dict[str, str], *, good: bool) -> None:
    looks = (
        *(system.operating_system, system.kernel, system.init, system.cgroup, system.processor, system.memory),
        *(system.kernel_limits, disks.disks, disks.temporary, accounts.users),
    )
    there = host(tmp_path, files)
    found = {f.check: f for look in looks for f in look(there)}
    assert (found[check].state == OK) == good, found[check]
    assert good or found[check].remedy


def test_programs_that_are_missing_are_no_good_news(tmp_path: Path) -> None:
    there = host(tmp_path, {})
    assert states([*system.language(there), *network.clock(there)]) == {"locale": WARNING, "clock": WARNING}
    told = host(tmp_path, {}, locale="C\nC.utf8\nPOSIX\n", timedatectl="no\n")
    assert states([*system.language(told), *network.clock(told)]) == {"locale": OK, "clock": WARNING}


def test_an_upgrade_that_was_broken_off_is_seen(tmp_path: Path) -> None:
    assert states(list(accounts.earlier_installation(host(tmp_path, {})))) == {"installed": OK}
    base = tmp_path / "opt" / "appliance"
    (base / "releases" / "1.0").mkdir(parents=True)
    (base / "current").symlink_to(base / "releases" / "1.0")
    found = states(list(accounts.earlier_installation(Host(root=tmp_path, limits=Limits(disk_gib=0)))))
    assert found == {"installed": OK, "room-for-upgrade": OK}
    (base / "releases" / "1.0").rmdir()
    assert states(list(accounts.earlier_installation(Host(root=tmp_path))))["installed"] == FAILED


def test_what_is_skipped_is_named(tmp_path: Path) -> None:
    there = Host(root=tmp_path, run=Programs(), air_gapped=False)
    found = run_checks(there, ["gpu", "swap", "os"])
    assert {f.check for f in found if f.state == SKIPPED} == {"gpu", "swap", "os"}
    assert "memory" in states(found)


def test_every_check_is_on_the_page_and_no_other(tmp_path: Path) -> None:
    table = PAGE.split("## Checks of a host")[1]
    assert re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE) == list(CHECKS)
    findings = run_checks(Host(root=tmp_path, run=Programs(query_gpu=H100, compute_apps=""), air_gapped=False))
    written = set(re.findall(r"`([a-z…-]+)`", table))
    for finding in findings:
        short = re.sub(r"^(disk|inodes|disk-kind|noexec)-(var-lib|opt)$", r"\1-…", finding.check)
        assert short in written, finding.check


def test_ports_and_users_are_those_of_the_components() -> None:
    there = Host()
    wanted = {p.number for c in COMPONENTS for p in c.ports if c.name != "monitoring"}
    assert set(there.ports) == wanted
    assert there.users == {c.user: c.uid for c in COMPONENTS if c.uid is not None}


def test_one_file_runs_alone(tmp_path: Path) -> None:
    file, again = tmp_path / "check.pyz", tmp_path / "again.pyz"
    pack_checks(file)
    pack_checks(again)
    assert file.read_bytes() == again.read_bytes()
    words = [sys.executable, "-I", "-S", str(file), "--json", "--online", "--skip", "ports"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60, cwd=tmp_path)
    assert done.returncode in (0, 1), done.stderr
    found = {f["check"]: f for f in json.loads(done.stdout)}
    assert found["ports"]["state"] == "skipped"
    assert found["python"]["detail"]
    assert "egress" not in found
