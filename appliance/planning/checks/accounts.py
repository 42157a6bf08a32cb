"""Rights of who installs, and users of the services."""

import os
from typing import Iterator  # noqa: UP035 - also read by Python 3.9

from appliance.planning.checks.finding import WARNING, Finding, fail, good, judge
from appliance.planning.checks.host import Host


def rights(host: Host) -> Iterator[Finding]:
    if os.geteuid() == 0:
        yield good("rights", "root")
        return
    may = host.run(["sudo", "-n", "true"]) is not None
    remedy = "Run it as root, or let this user use sudo without a password for the installation."
    yield judge("rights", may, "sudo without a password" if may else "no rights", remedy)


def users(host: Host) -> Iterator[Finding]:
    rows = [line.split(":") for line in host.read("/etc/passwd").splitlines() if line.count(":") >= 6]
    by_number = {row[2]: row[0] for row in rows}
    by_name = {row[0]: row[2] for row in rows}
    clashes = [f"{by_number[str(n)]} has {n}" for name, n in host.users.items() if by_number.get(str(n), name) != name]
    clashes += [f"{name} is {by_name[name]}" for name, n in host.users.items() if by_name.get(name, str(n)) != str(n)]
    if clashes:
        remedy = "Give those users other numbers, or names: files of the appliance belong to these on every host."
        yield fail("users", "; ".join(clashes), remedy)
    else:
        yield good("users", "numbers and names of the services are free, or theirs")


def earlier_installation(host: Host) -> Iterator[Finding]:
    current = host.root / "opt/appliance/current"
    if not current.is_symlink():
        yield good("installed", "nothing yet")
        return
    fine = current.exists()
    remedy = "An upgrade was broken off: run 'appliance upgrade' again; it goes on where it was."
    yield judge("installed", fine, current.readlink().name, remedy)
    space = host.root / "opt/appliance"
    facts = os.statvfs(space)
    free = facts.f_bavail * facts.f_frsize / 2**30
    need = host.limits.disk_gib / 5
    remedy = f"Free at least {need:g} GiB in /opt/appliance: the next release is laid beside the present one."
    yield judge("room-for-upgrade", free >= need, f"{free:.0f} GiB free", remedy, WARNING)
