"""The lab of the deploy tests: a bundle made from this checkout, hosts that reach nothing but each other."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.deploy.lab import Network, Node, ensure_base, missing
from tests.deploy.lab.base import FOLDER, ROOT
from tests.deploy.lab.engines import engine_binds
from tests.deploy.lab.net import GATEWAY, network
from tests.deploy.releases import BUNDLES


class Place(NamedTuple):
    """A host of a description."""

    address: str
    codename: str
    components: tuple[str, ...]


PLAYBOOKS = ROOT / "playbooks"
SAMPLE = PLAYBOOKS / "inventory" / "sample" / "installation.yml"
BUNDLE_THERE = Path("/opt/bundle")
BUNDLES_THERE = Path("/opt/bundles")
"""Bundles of further releases."""
SIGNERS = FOLDER / "bundle-key.allowed_signers"
"""Public side of the key that the lab makes for itself."""
TARGETS = {"bookworm": "debian-12", "trixie": "debian-13"}
CODENAMES = tuple(os.environ.get("APPLIANCE_LAB_RELEASES", "").split()) or tuple(TARGETS)
"""Debians to boot."""
MODEL_DIR = Path(os.environ.get("APPLIANCE_ENGINES_MODEL_DIR", ROOT / ".appliance" / "models"))
INSTALL_S = 1500
ADDRESS = "10.77.0.11"
PASSWORD = "correct horse battery staple"
"""Of `ada`, who may log in to the single host."""
THREE = {
    "n1": Place("10.77.0.21", "bookworm", ("database", "cache", "identity", "monitoring")),
    "n2": Place("10.77.0.22", "trixie", ("engines",)),
    "n3": Place("10.77.0.23", "trixie", ("gateway", "proxy")),
}
FOR_LAB = {"device": "cpu", "environment_dir": "/opt/engine", "start_s": 600, "drain_s": 5}


@pytest.fixture(scope="session")
def lab() -> Iterator[Network]:
    if reason := missing():
        pytest.skip(f"SKIPPED: {reason}")
    with network() as made:
        yield made


@pytest.fixture(scope="session")
def bundle() -> Path:
    """Made once for a commit; what was fetched is kept between runs."""
    folder, stamp = FOLDER / "bundle", FOLDER / "bundle.commit"
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    wanted = f"{commit.strip()} {' '.join(CODENAMES)}"
    if stamp.exists() and stamp.read_text() == wanted and (folder / "manifest.json").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    began = time.monotonic()
    targets = [word for codename in CODENAMES for word in ("--target", TARGETS[codename])]
    archives = sorted(Path.home().glob(".m2/repository/org/keycloak/keycloak-quarkus-dist/*/*.tar.gz"))
    given = ["--keycloak", str(archives[-1])] if archives else []
    appliance("bundle", "build", "--output", str(folder), "--key", str(signing_key()), *targets, *given)
    print(f"bundle made in {time.monotonic() - began:.0f} s")
    stamp.write_text(wanted)
    return folder


def model_binds() -> dict[str, Path]:
    """Path on the host → path here: each model's signed bundle beside the product's."""
    made = {}
    for model in filter(Path.is_dir, MODEL_DIR.iterdir()):
        folder = FOLDER / "models" / f"model-{model.name}"
        if not (folder / "manifest.json.sig").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.parent.mkdir(parents=True, exist_ok=True)
            words = ("bundle", "build-model", model.name, "--output", str(folder), "--key", str(signing_key()))
            appliance(*words, APPLIANCE_ENGINES_MODEL_DIR=str(MODEL_DIR))
        made[str(BUNDLE_THERE.parent / folder.name)] = folder
    return made


def signing_key() -> Path:
    """The lab's own; made once."""
    key = SIGNERS.with_suffix("")
    if not key.exists():
        appliance("bundle", "keygen", str(key))
    return key


def appliance(*words: str, **more: str) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("APPLIANCE_")} | more
    done = subprocess.run(
        [sys.executable, "-m", "appliance", *words],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


@contextmanager
def hosts(
    lab: Network, bundle: Path, codename: str | dict[str, str], names: dict[str, str]
) -> Iterator[dict[str, Node]]:
    """Booted hosts by name → address, which see the bundle, the models and the engines' environment.

    `codename`: the Debian of all of them, or of each by its name.
    """
    BUNDLES.mkdir(parents=True, exist_ok=True)
    seen, made = {str(BUNDLE_THERE): bundle, str(BUNDLES_THERE): BUNDLES, **model_binds()}, {}
    for name, address in names.items():
        debian = codename if isinstance(codename, str) else codename[name]
        made[name] = Node(lab, name, address, ensure_base(debian), seen | engine_binds(debian))
    try:
        for node in made.values():
            node.start()
        yield made
    finally:
        with ExitStack() as rest:  # one that does not go in order leaves no other behind
            for node in made.values():
                rest.callback(node.stop)


class Installation:
    """One description on hosts of the lab, and the operator's commands on it."""

    def __init__(
        self, lab: Network, nodes: dict[str, Node], folder: Path, changes: dict[str, Any], bundle: Path
    ) -> None:
        self.lab, self.nodes, self.folder, self.bundle = lab, nodes, folder, bundle
        given = yaml.safe_load(SAMPLE.read_text(encoding="utf-8")) | changes
        given["engines"] = {**given["engines"], **FOR_LAB}
        self.description = folder / "installation.yml"
        self.description.write_text(yaml.safe_dump(given), encoding="utf-8")
        for there, here in ((BUNDLE_THERE, bundle), (BUNDLES_THERE, BUNDLES)):
            if there.is_symlink():
                there.unlink()
            there.symlink_to(here)

    def install(self, *more: str) -> dict[str, Any]:
        """`appliance install`, as somebody runs it on the control machine; what it says with `--json`."""
        return self.said("install", *more)

    def said(self, word: str, *more: str, code: int = 0) -> dict[str, Any]:
        """What an operator's command on the hosts says with `--json`; `word` may be two, as `backup take`."""
        done = self.operate(word, BUNDLE_THERE, "--json", *more)
        assert done.returncode == code, done.stdout[-3000:] + done.stderr[-3000:]
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def operate(self, word: str, bundle: Path, *more: str) -> "subprocess.CompletedProcess[str]":
        """An operator's command with a bundle, to its end."""
        command, environment = self.command(word, bundle, *more)
        return subprocess.run(
            command, env=environment, cwd=ROOT, text=True, capture_output=True, check=False, timeout=INSTALL_S
        )

    def command(self, word: str, bundle: Path, *more: str) -> tuple[list[str], dict[str, str]]:
        """The same as a command line for this machine, and its environment."""
        node = next(iter(self.nodes.values()))
        options = " ".join(node.ssh_options())
        # by the lab's name: a connection of another lab to the same address would lead to that lab's host
        shared = f"-o ControlMaster=auto -o ControlPersist=60s -o ControlPath=/run/{self.lab.name}-%h"
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("APPLIANCE_")},
            "ANSIBLE_SSH_ARGS": f"{options} {shared} -o ServerAliveInterval=10",
        }
        given = ["-i", str(self.description), "--bundle", str(bundle), "--signers", str(SIGNERS)]
        return self.lab.inside([sys.executable, "-m", "appliance", *word.split(), *given, *more]), environment

    def person(self, name: str, password: str, *groups: str) -> None:
        identity = next(n for n in self.nodes.values() if n.shell("test -d /etc/appliance/keycloak").returncode == 0)
        facts = {
            "server": f"http://{self._listens(identity.name, 'identity')}:8180",
            "realm": "appliance",
            "name": name,
            "password": password,
            "groups": groups,
        }
        script = (ROOT / "tests" / "deploy" / "person.py").read_text(encoding="utf-8")
        identity.done("cat >/root/person.py", given=script)
        identity.done("/opt/appliance/current/gateway/bin/python /root/person.py", given=json.dumps(facts) + "\n")

    def _listens(self, host: str, component: str) -> str:
        """Address on which a component of a host listens."""
        inventory = json.loads((self.folder / ".acme" / "inventory.json").read_text(encoding="utf-8"))
        return str(inventory["all"]["hosts"][host]["appliance_listen"][component])

    def facts(self, name: str, password: str, proxy: str) -> dict[str, Any]:
        """What somebody at a desk knows."""
        return {
            "url": "https://chat.acme.example",
            "names": {"chat.acme.example": proxy, "sso.acme.example": proxy},
            "ca": str(self.folder / "secrets" / "ca.pem"),
            "name": name,
            "password": password,
            "document": "appliance/samples/documents/handbook.pdf",
            "question": "How much does the company pay per night for a hotel?",
        }

    def visit(self, name: str, password: str, proxy: str) -> dict[str, Any]:
        """`visit.py` inside the lab's network; what it saw."""
        return self.inside("visit", self.facts(name, password, proxy))

    def inside(self, script: str, facts: dict[str, Any]) -> dict[str, Any]:
        """A script of this folder, inside the lab's network; what it printed."""
        file = self.folder / f"{script}.json"
        file.write_text(json.dumps(facts))
        done = self.lab.run([sys.executable, "-m", f"tests.deploy.{script}", str(file)], cwd=ROOT, timeout=600)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@pytest.fixture(scope="session", params=CODENAMES)
def single(
    request: pytest.FixtureRequest, lab: Network, bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """One host with everything, installed once for all files that ask for it: leave it as you found it."""
    with hosts(lab, bundle, request.param, {"n1": ADDRESS}) as nodes:
        installation = Installation(lab, nodes, tmp_path_factory.mktemp(request.param), {}, bundle)
        began = time.monotonic()
        found = installation.install()
        print(f"\n{request.param}: installed in {time.monotonic() - began:.0f} s, {found['changed']} changes")
        tell(found)
        installation.person("ada", PASSWORD, "/staff")
        yield installation


@pytest.fixture(scope="session")
def three(lab: Network, bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Three hosts with some of it each, installed once: leave them as you found them."""
    addresses = {name: place.address for name, place in THREE.items()}
    with hosts(lab, bundle, {name: place.codename for name, place in THREE.items()}, addresses) as nodes:
        installation = Installation(lab, nodes, tmp_path_factory.mktemp("three"), three_described(), bundle)
        began = time.monotonic()
        found = installation.install()
        print(f"\nthree hosts: installed in {time.monotonic() - began:.0f} s, {found['changed']} changes")
        tell(found)
        installation.person("ada", PASSWORD, "/staff")
        yield installation


def three_described() -> dict[str, Any]:
    """What is other than in the sample."""
    hosts = {name: {"address": place.address, "components": list(place.components)} for name, place in THREE.items()}
    models = [{"id": model["id"], "hosts": ["n2"]} for model in yaml.safe_load(SAMPLE.read_text())["models"]]
    network = {"operators": [f"{GATEWAY}/32"], "clients": ["0.0.0.0/0"], "egress": []}
    return {"layout": "multi", "hosts": hosts, "models": models, "network": network}


def tell(found: dict[str, Any]) -> None:
    """Time of each phase."""
    for play, seconds in found["plays"].items():
        print(f"  {seconds:7.1f} s  {play}")
