"""The role of Qdrant on a booted host, with a stand-in in its archive: the server cannot be had for these tests."""

import io
import json
import os
import re
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from appliance.installation import component, parse
from appliance.installation.inventory import to_inventory
from tests.deploy.conftest import CODENAMES, PLAYBOOKS, SAMPLE
from tests.deploy.lab import Network, Node, ensure_base
from tests.deploy.lab.base import ROOT

ADDRESS = "10.77.0.41"
KEY = "a key of sixteen or more signs"
PLAY = [
    {
        "hosts": "index",
        "tasks": [
            {"ansible.builtin.group": {"name": "qdrant", "gid": component("index").uid, "system": True}},
            {"ansible.builtin.user": {"name": "qdrant", "uid": component("index").uid, "group": "qdrant"}},
            {"ansible.builtin.include_role": {"name": "index"}},
        ],
    }
]

pytestmark = pytest.mark.timeout(600)


@dataclass
class Indexed:
    lab: Network
    node: Node
    folder: Path

    def play(self) -> dict[str, int]:
        """Run the role; what Ansible counts for the host."""
        options = f"{' '.join(self.node.ssh_options())} -o ControlPath={self.folder}/%C"
        environment = os.environ | {
            "ANSIBLE_CONFIG": str(PLAYBOOKS / "ansible.cfg"),
            "ANSIBLE_SSH_ARGS": f"{options} -o ControlMaster=auto -o ControlPersist=60s",
            "ANSIBLE_ROLES_PATH": str(PLAYBOOKS / "roles"),
            "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
            "ANSIBLE_NOCOLOR": "1",
        }
        program = Path(sys.executable).with_name("ansible-playbook")
        words = [str(program), "-i", str(self.folder / "inventory.json"), str(self.folder / "play.yml")]
        done = self.lab.run(words, env=environment, cwd=ROOT, timeout=300)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        recap = done.stdout.rpartition("PLAY RECAP")[2]
        return {name: int(count) for name, count in re.findall(r"(\w+)=(\d+)", recap)}

    def asks(self, path: str, *words: str) -> str:
        """Status of an answer, asked on the host itself."""
        code = (
            "import sys, urllib.request as u, urllib.error as e\n"
            "r = u.Request(sys.argv[1], headers=dict(h.split('=', 1) for h in sys.argv[2:]))\n"
            "try: print(u.urlopen(r, timeout=5).status)\n"
            "except e.HTTPError as x: print(x.code)\n"
        )
        given = " ".join(f"'{w}'" for w in (f"http://{ADDRESS}:{component('index').port()}{path}", *words))
        return self.node.done(f"python3 - {given}", given=code).strip()


def archive(folder: Path) -> Path:
    """As Qdrant's own: one program."""
    program = (ROOT / "tests" / "deploy" / "standin_qdrant.py").read_bytes()
    (folder / "tarballs").mkdir(parents=True)
    with tarfile.open(folder / "tarballs" / "qdrant-1.16.0-x86_64.tar.gz", "w:gz") as made:
        entry = tarfile.TarInfo("qdrant")
        entry.size, entry.mode = len(program), 0o755
        made.addfile(entry, io.BytesIO(program))
    return folder


def described(folder: Path) -> dict[str, Any]:
    given = yaml.safe_load(SAMPLE.read_text(encoding="utf-8"))
    parts = sorted({c for host in given["hosts"].values() for c in host["components"]} - {"gateway"})
    given |= {
        "layout": "multi",
        "hosts": {
            "n1": {"address": ADDRESS, "user": "root", "components": ["index"]},
            "n2": {"address": "10.77.0.42", "user": "root", "components": ["gateway", *parts]},
        },
        "models": [{**model, "hosts": ["n2"]} for model in given["models"]],
        "index": {"mode": "bundled"},
        "secrets_dir": str(folder / "secrets"),
    }
    made = to_inventory(parse(given))
    made["all"]["vars"] |= {"appliance_bundle": "/opt/bundle", "appliance_secrets_dir": str(folder / "secrets")}
    return made


@pytest.fixture(scope="module")
def indexed(lab: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Indexed]:
    folder = tmp_path_factory.mktemp("index")
    (folder / "secrets").mkdir(mode=0o700)
    (folder / "secrets" / "index-key").write_text(f"{KEY}\n", encoding="utf-8")
    (folder / "inventory.json").write_text(json.dumps(described(folder)), encoding="utf-8")
    (folder / "play.yml").write_text(yaml.safe_dump(PLAY), encoding="utf-8")
    binds = {"/opt/bundle": archive(folder / "bundle")}
    node = Node(lab, "index", ADDRESS, ensure_base(CODENAMES[0]), binds)
    try:
        node.start()
        yield Indexed(lab, node, folder)
    finally:
        node.stop()


def test_it_runs_asks_for_its_key_and_a_second_run_changes_nothing(indexed: Indexed) -> None:
    assert indexed.play()["changed"] > 0
    assert indexed.asks("/readyz") == "200"
    assert indexed.asks("/collections") == "401"
    assert indexed.asks("/collections", f"api-key={KEY}") == "200"
    assert indexed.play()["changed"] == 0


def test_its_unit_is_hardened_and_its_key_is_nobody_elses(indexed: Indexed) -> None:
    level = indexed.node.done("systemd-analyze security --no-pager qdrant.service | tail -1")
    print(level.strip())
    assert float(level.split(":")[1].split()[0]) < 4.0, level
    assert indexed.node.done("stat -c '%a %U %G' /etc/appliance/qdrant/config.yaml").split() == [
        "640",
        "root",
        "qdrant",
    ]
    assert KEY not in indexed.node.done("journalctl --no-pager -o cat; ps axww -o args")


def test_it_comes_back_after_a_kill_and_after_a_reboot(indexed: Indexed) -> None:
    indexed.node.done("systemctl kill --signal=KILL qdrant.service")
    back = "until systemctl is-active --quiet qdrant.service; do sleep 0.2; done"
    indexed.node.done(back, timeout=60)
    assert indexed.asks("/readyz") == "200"
    indexed.node.reboot()
    indexed.node.done(back, timeout=60)
    assert indexed.asks("/collections", f"api-key={KEY}") == "200"
    assert (
        indexed.node.done("test -d /var/lib/qdrant/storage/collections && stat -c %U /var/lib/qdrant").strip()
        == "qdrant"
    )


def test_a_bundle_without_it_is_refused_with_the_way_out(indexed: Indexed) -> None:
    (file,) = (indexed.folder / "bundle" / "tarballs").iterdir()
    hidden = file.rename(file.with_suffix(".hidden"))
    try:
        with pytest.raises(AssertionError, match="--qdrant FILE"):
            indexed.play()
    finally:
        hidden.rename(file)
