"""Booted Debian hosts on this machine: systemd-nspawn in network namespaces that lead nowhere.

0. `able.py` tries whether this machine can boot hosts.
1. `base.py` makes a tree of a fresh Debian once, by debootstrap, kept in `.appliance/lab/`.
2. `net.py` is a bridge in a namespace of its own, in which the tests stand too. No route out, no name server.
3. `node.py` boots hosts on overlays of a tree. They keep their state over a reboot, and are gone with the lab.

Needs root and Debian's packages `debootstrap` and `systemd-container`.
"""

from tests.deploy.lab.able import missing
from tests.deploy.lab.base import ensure_base
from tests.deploy.lab.net import Network
from tests.deploy.lab.node import Node

__all__ = ["Network", "Node", "ensure_base", "missing"]
