"""All checks in order; also the program of the packed file."""

import argparse
import dataclasses
import json
import sys
from typing import Callable, Dict, Iterator, List, Optional, Sequence  # noqa: UP035 - also read by Python 3.9

from appliance.planning.checks import accounts, around, disks, gpus, network, system
from appliance.planning.checks.finding import FAILED, SKIPPED, WARNING, Finding
from appliance.planning.checks.host import Host, Limits

Check = Callable[[Host], Iterator[Finding]]

CHECKS: Dict[str, Check] = {  # noqa: UP006 - also read by Python 3.9
    "os": system.operating_system,
    "kernel": system.kernel,
    "init": system.init,
    "cgroup": system.cgroup,
    "cpu": system.processor,
    "memory": system.memory,
    "shared-memory": system.shared_memory,
    "kernel-limits": system.kernel_limits,
    "open-files": system.open_files,
    "python": system.python,
    "locale": system.language,
    "proxy": system.proxies,
    "disks": disks.disks,
    "noexec-tmp": disks.temporary,
    "gpu": gpus.gpus,
    "gpu-use": gpus.gpu_use,
    "driver": gpus.driver_packages,
    "ports": network.ports,
    "name": network.names,
    "clock": network.clock,
    "egress": network.way_out,
    "certificate": network.certificate,
    "rights": accounts.rights,
    "users": accounts.users,
    "installed": accounts.earlier_installation,
    "bundle": around.bundle,
    "model-disk": around.models,
    "issuer": around.provider,
    "reach": around.others,
}
"""By the id under which a whole group can be skipped; single findings have ids of their own."""


def run_checks(host: Host, skip: Sequence[str] = ()) -> List[Finding]:  # noqa: UP006 - as above
    """What is skipped is named among the findings: a report must not look better than the host."""
    found: List[Finding] = []  # noqa: UP006 - as above
    for name, check in CHECKS.items():
        if name in skip:
            found.append(Finding(name, SKIPPED, "by --skip"))
            continue
        for finding in check(host):
            left_out = finding.check in skip
            found.append(Finding(finding.check, SKIPPED, "by --skip") if left_out else finding)
    return found


def main(arguments: Optional[Sequence[str]] = None) -> int:  # noqa: UP045 - as above
    """Exit code 1 when a check failed."""
    parser = argparse.ArgumentParser(description="Is this host fit for the Private Model Appliance?")
    parser.add_argument("--json", action="store_true", help="print one JSON value")
    parser.add_argument("--skip", action="append", default=[], metavar="ID", help="leave a check out; repeatable")
    parser.add_argument("--memory-gib", type=float, default=Limits.memory_gib, help="memory that is enough")
    parser.add_argument("--disk-gib", type=float, default=Limits.disk_gib, help="free room that is enough")
    parser.add_argument("--certificate", default="", help="for the proxy, in PEM")
    parser.add_argument("--key", default="", help="of the certificate")
    parser.add_argument("--online", action="store_true", help="a way out of the host is meant")
    parser.add_argument("--bundle", default="", help="folder of the bundle: is it for this host?")
    parser.add_argument("--models", default="", help="folder with models: how fast does its disk read?")
    parser.add_argument("--issuer", default="", help="address of the OpenID provider")
    parser.add_argument("--authority", default="", help="certificates to believe for it, in PEM")
    parser.add_argument("--reach", action="append", default=[], metavar="HOST:PORT", help="a part on another host")
    given = vars(parser.parse_args(arguments))
    as_json, skip, online = given.pop("json"), given.pop("skip"), given.pop("online")
    limits = Limits(memory_gib=given.pop("memory_gib"), disk_gib=given.pop("disk_gib"))
    host = Host(limits=limits, air_gapped=not online, **given)
    findings = run_checks(host, skip)
    if as_json:
        sys.stdout.write(json.dumps([dataclasses.asdict(f) for f in findings], indent=2) + "\n")
    else:
        for finding in findings:
            sys.stdout.write(f"{finding.state:8} {finding.check:18} {finding.detail}\n")
            if finding.state in (WARNING, FAILED):
                sys.stdout.write(f"{'':27} {finding.remedy}\n")
    return int(any(f.state == FAILED for f in findings))
