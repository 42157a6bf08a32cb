"""A network that leads nowhere: one bridge in a namespace of its own."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

GATEWAY = "10.77.0.1"


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@dataclass
class Network:
    """`name` is the namespace of the tests, which have the address 10.77.0.1 on the bridge."""

    name: str = field(default_factory=lambda: f"lab{os.getpid()}")

    def make(self) -> None:
        ip("netns", "add", self.name)
        inside = ("-n", self.name)
        ip(*inside, "link", "set", "lo", "up")
        ip(*inside, "link", "add", "br0", "type", "bridge")
        ip(*inside, "addr", "add", f"{GATEWAY}/24", "dev", "br0")
        ip(*inside, "link", "set", "br0", "up")

    def remove(self) -> None:
        ip("netns", "del", self.name)

    def join(self, node: str, address: str) -> str:
        """A namespace for a host, with a cable to the bridge."""
        space, cable = f"{self.name}-{node}", f"v-{node}"
        ip("netns", "add", space)
        ip("link", "add", cable, "netns", self.name, "type", "veth", "peer", "name", "host0", "netns", space)
        ip("-n", self.name, "link", "set", cable, "master", "br0", "up")
        ip("-n", space, "link", "set", "lo", "up")
        ip("-n", space, "addr", "add", f"{address}/24", "dev", "host0")
        ip("-n", space, "link", "set", "host0", "up")
        return space

    def pull_cable(self, node: str) -> None:
        """A partition: the host runs on and reaches nobody."""
        ip("-n", self.name, "link", "set", f"v-{node}", "down")

    def plug_cable(self, node: str) -> None:
        ip("-n", self.name, "link", "set", f"v-{node}", "up")

    def inside(self, command: Sequence[str]) -> list[str]:
        """A command line that runs in the tests' namespace."""
        return ["ip", "netns", "exec", self.name, *command]

    def run(self, command: Sequence[str], **options: Any) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(self.inside(command), text=True, capture_output=True, check=False, **options)


@contextmanager
def network() -> Iterator[Network]:
    made = Network()
    made.make()
    try:
        yield made
    finally:
        made.remove()
