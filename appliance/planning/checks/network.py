"""Ports, names, time, ways out."""

import contextlib
import socket
import ssl
import time
from typing import Iterator, List  # noqa: UP035 - also read by Python 3.9

from appliance.planning.checks.finding import WARNING, Finding, fail, judge, warn
from appliance.planning.checks.host import Host

OUTSIDE = (("1.1.1.1", 443), ("9.9.9.9", 53))
"""Reached by nobody behind a closed firewall; nothing is sent to them."""


def ports(host: Host) -> Iterator[Finding]:
    taken: List[str] = []  # noqa: UP006 - also read by Python 3.9
    for number in host.ports:
        with contextlib.closing(socket.socket()) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("0.0.0.0", number))  # noqa: S104 - only to see whether it is free
            except PermissionError:
                continue  # below 1024 and not root: it cannot be told
            except OSError:
                taken.append(str(number))
    remedy = "End what listens there (ss -ltnp), unless it is this appliance already."
    yield judge("ports", not taken, f"taken: {', '.join(taken)}" if taken else "all are free", remedy, WARNING)


def names(_: Host) -> Iterator[Finding]:
    name = socket.getfqdn()
    try:
        addresses = sorted({info[4][0] for info in socket.getaddrinfo(name, None)})
    except OSError:
        yield warn("name", f"{name} has no address", "Give the host's name an address, in DNS or in /etc/hosts.")
        return
    remedy = "Give the name an address that other hosts reach: now it means this host itself."
    outside = [a for a in addresses if not str(a).startswith(("127.", "::1"))]
    yield judge("name", bool(outside), f"{name}: {', '.join(map(str, addresses))}", remedy, WARNING)


def clock(host: Host) -> Iterator[Finding]:
    told = host.run(["timedatectl", "show", "-p", "NTPSynchronized", "--value"])
    if told is None:
        yield warn("clock", "timedatectl does not answer", "See that the clock is kept by NTP.")
        return
    remedy = "Name a time server in /etc/systemd/timesyncd.conf: logins and certificates depend on the time."
    yield judge("clock", told.strip() == "yes", f"synchronised: {told.strip()}", remedy, WARNING)


def way_out(host: Host) -> Iterator[Finding]:
    if not host.air_gapped:
        return
    reached = []
    for address, number in OUTSIDE:
        with contextlib.suppress(OSError), socket.create_connection((address, number), timeout=2):
            reached.append(f"{address}:{number}")
    remedy = "Close the way out at your firewall: the appliance needs none, and then nothing can leave by mistake."
    yield judge("egress", not reached, f"reached: {', '.join(reached)}" if reached else "none", remedy, WARNING)


def certificate(host: Host) -> Iterator[Finding]:
    if not host.certificate:
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(host.certificate, host.key or None)
    except (OSError, ssl.SSLError) as error:
        remedy = "Give a certificate and its own key, both in PEM and readable."
        yield fail("certificate", f"{host.certificate}: {error}", remedy)
        return
    told = host.run(["openssl", "x509", "-in", host.certificate, "-noout", "-enddate"])
    if told is None:
        yield warn("certificate", "openssl does not answer", "Install openssl.")
        return
    ends = ssl.cert_time_to_seconds(told.partition("=")[2].strip())
    days = int((ends - time.time()) / 86400)
    remedy = "Have it renewed: when it ends, nobody gets in."
    yield judge("certificate", days >= host.limits.certificate_days, f"ends in {days} days", remedy, WARNING)
