"""What the tests of an upgrade do around it: data that must survive, a client that asks all the time, kills."""

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.deploy.conftest import ADDRESS, BUNDLES_THERE, INSTALL_S, SIGNERS, Installation
from tests.deploy.lab.base import ROOT
from tests.deploy.releases import make

HOME = "/var/lib/appliance"
GATEWAY = "/opt/appliance/current/gateway/bin/appliance"
AS_GATEWAY = f"cd {HOME} && runuser -u appliance -- env APPLIANCE_CONFIG=/etc/appliance/appliance.toml {GATEWAY}"
TABLES = ("users", "groups", "collections", "documents", "passages", "conversations", "turns", "api_keys")
"""What people make."""
FORWARD = (
    "Look at the hosts and at what runs there",
    "Stage the new release beside the present one",
    "Ask whether the database can follow",
    "Make a checkpoint",
    "Keep the way back",
    "Expand the database",
    "Prepare the hosts",
    "Switch the gateways, one by one",
    "Switch the engines, one by one",
    "Bring the rest",
    "Prove it",
    "Keep the new release",
)
BACK = (
    "Look at the hosts and at what they can go back to",
    "Ask whether the release before can work with the database",
    "Note that the hosts go back",
    "Switch the gateways back, one by one",
    "Switch the engines back, one by one",
    "Switch the rest back",
    "Prove that it is as it was",
    "Let go of the newer release",
)


@dataclass
class Site:
    """An installation with data, and releases that can come on it."""

    installation: Installation
    key: str
    """Of an administrator, for programs."""
    model: str = "smollm2-135m-instruct"
    made: dict[str, Path] = field(default_factory=dict)

    @property
    def node(self) -> Any:
        return self.installation.nodes["n1"]

    def bundle(self, name: str, version: str, files: dict[str, str]) -> Path:
        """Where it lies, here and on the host."""
        began = time.monotonic()
        make(self.installation.bundle, SIGNERS.with_suffix(""), name, version, files)
        print(f"release {version} ({name}) made in {time.monotonic() - began:.0f} s")
        return BUNDLES_THERE / name

    def release(self) -> str:
        """The present one; there is no other half."""
        assert self.node.shell("test -e /opt/appliance/upgrade.json").returncode != 0, "an upgrade is not finished"
        return str(self.node.done("basename $(readlink /opt/appliance/current)")).strip()

    def counts(self) -> dict[str, int]:
        """What the tables hold that people made."""
        found = {}
        for table in TABLES:
            command = f"runuser -u postgres -- psql -qtAX appliance -c 'TABLE {table}' | wc -l"
            found[table] = int(self.node.done(command))
        return found

    def begun_at(self) -> float:
        """When the gateway's present process began, seconds of the clock; both have the same one."""
        text = self.node.done('date +%s.%N -d "$(systemctl show -P ExecMainStartTimestamp appliance-gateway.service)"')
        return float(text)


@contextmanager
def asking(site: Site) -> Iterator[dict[str, Any]]:
    """A client that asks without a pause while the block runs; what it saw is in the table afterwards."""
    folder = site.installation.folder
    stop, file = folder / "asking.stop", folder / "asking.json"
    seen: dict[str, Any] = {}
    stop.unlink(missing_ok=True)
    facts = {
        "url": "https://chat.acme.example",
        "names": {"chat.acme.example": ADDRESS},
        "ca": str(folder / "secrets" / "ca.pem"),
        "key": site.key,
        "model": site.model,
        "stop": str(stop),
    }
    file.write_text(json.dumps(facts))
    command = site.installation.lab.inside([sys.executable, "-m", "tests.deploy.asking", str(file)])
    client = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        time.sleep(3)
        yield seen
        time.sleep(2)
    finally:
        stop.touch()
        out, err = client.communicate(timeout=300)
    assert client.returncode == 0, err[-2000:]
    seen |= json.loads(out)


def killed_in(site: Site, word: str, bundle: Path, phase: str, chance: random.Random) -> bool:
    """Run a command and kill it in a phase, up to two seconds after it began; false: the command ended before."""
    command, environment = site.installation.command(word, bundle)
    with subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        for line in running.stdout:
            if line.rstrip().endswith(f"== {phase}"):
                time.sleep(chance.uniform(0, 2))
                running.send_signal(signal.SIGKILL)
                break
        running.wait(timeout=INSTALL_S)
        return running.returncode == -signal.SIGKILL
