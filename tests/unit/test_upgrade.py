"""The way from one release to the next, and back, as the control machine knows it: with small playbooks that run."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from appliance.installation import parse, to_inventory, to_settings
from appliance.operations import (
    HostNeeded,
    HostsOut,
    Operation,
    OperationFailed,
    Progress,
    UpgradeTakenBack,
    UpgradeUnfinished,
    Workspace,
    drain,
    operate,
    rollback,
    upgrade,
)
from appliance.operations.upgrade import UNTOUCHED
from appliance.operations.workspace import UnfinishedUpgrade
from tests.support.bundles import Made, make

PLAYBOOKS = Path(__file__).resolve().parents[2] / "playbooks"
SAMPLE = PLAYBOOKS / "inventory" / "sample" / "installation.yml"
VERSION = "1.4.0"
TOUCHING = "Expand the database"


def beginnings(control: "Control") -> list[Callable[[], object]]:
    return [lambda: upgrade(control.operation(), silent), lambda: operate(control.operation("install"), silent)]


def silent(_: Progress) -> None:
    """Progress that nobody reads."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("bundle"))


class Control:
    """A control machine whose only host is itself, and whose playbooks write down that they ran."""

    def __init__(self, folder: Path, made: Made) -> None:
        self.folder, self.made = folder, made
        self.said = folder / "said"
        self.description = folder / "installation.yml"
        given = yaml.safe_load(SAMPLE.read_text(encoding="utf-8"))
        given["hosts"]["n1"]["connection"] = "local"
        self.description.write_text(yaml.safe_dump(given))
        self.playbooks = folder / "playbooks"
        (self.playbooks / "roles" / "proxy").mkdir(parents=True)
        (self.playbooks / "roles" / "proxy" / "task").write_text("one")
        (self.playbooks / "ansible.cfg").write_text(f"[defaults]\ninterpreter_python = {sys.executable}\n")
        for name in ("site", "rollback", "drain"):
            self.write(f"{name}.yml", {name: self.note(name)})
        self.write("upgrade.yml", {UNTOUCHED[0]: self.note("looked"), TOUCHING: self.note("expanded")})

    def write(self, playbook: str, plays: dict[str, dict[str, Any]]) -> None:
        text = [{"name": name, "hosts": "all", "gather_facts": False, "tasks": [task]} for name, task in plays.items()]
        (self.playbooks / playbook).write_text(yaml.safe_dump(text, sort_keys=False))

    def note(self, word: str) -> dict[str, Any]:
        return {
            "name": f"Note {word}",
            "ansible.builtin.shell": f"echo {word} {{{{ upgrade_roles | default('') }}}} >>{self.said}",
        }

    def fail(self, why: str) -> dict[str, Any]:
        return {"name": "Refuse", "ansible.builtin.fail": {"msg": why}}

    def operation(self, name: str = "upgrade") -> Operation:
        return Operation(name, self.description, self.made.folder, self.made.signers, self.playbooks)

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.description, "acme")

    def steps(self) -> list[str]:
        return self.said.read_text().splitlines() if self.said.exists() else []


@pytest.fixture
def control(tmp_path: Path, made: Made) -> Control:
    return Control(tmp_path, made)


def test_the_real_playbook_leaves_alone_what_runs_until_it_says_so() -> None:
    plays = [play["name"] for play in yaml.safe_load((PLAYBOOKS / "upgrade.yml").read_text(encoding="utf-8"))]
    assert tuple(plays[: len(UNTOUCHED)]) == UNTOUCHED
    assert plays[len(UNTOUCHED)] == TOUCHING


def test_an_upgrade_that_ends_well_leaves_nothing_to_finish_and_brings_only_what_is_new(control: Control) -> None:
    assert upgrade(control.operation(), silent).ok
    assert control.workspace.upgrade() is None
    assert control.workspace.last()["operation"] == "upgrade"  # type: ignore[index]
    upgrade(control.operation(), silent)
    (control.playbooks / "roles" / "proxy" / "task").write_text("two")
    upgrade(control.operation(), silent)
    assert control.steps()[::2] == ["looked [proxy]", "looked []", "looked [proxy]"]


def test_a_refusal_before_anything_was_touched_takes_nothing_back(control: Control) -> None:
    control.write("upgrade.yml", {UNTOUCHED[0]: control.fail("[disk] n1: no room"), TOUCHING: control.note("expanded")})
    with pytest.raises(OperationFailed, match=r"nothing that runs was touched.*no room") as refused:
        upgrade(control.operation(), silent)
    assert refused.type is OperationFailed
    assert control.steps() == []
    assert control.workspace.upgrade() is None


def test_a_failure_on_the_way_is_taken_back_and_says_why(control: Control) -> None:
    control.write("upgrade.yml", {UNTOUCHED[0]: control.note("looked"), TOUCHING: control.fail("the migration broke")})
    with pytest.raises(UpgradeTakenBack, match=rf"{VERSION} was taken back.*the migration broke"):
        upgrade(control.operation(), silent)
    assert control.steps()[-1].strip() == "rollback"
    assert control.workspace.upgrade() is None
    assert control.workspace.last()["why"].endswith("the migration broke")  # type: ignore[index]


def test_when_the_way_back_fails_too_both_reasons_are_told_and_it_can_be_gone_again(control: Control) -> None:
    control.write("upgrade.yml", {TOUCHING: control.fail("the gateway broke")})
    control.write("rollback.yml", {"Back": control.fail("the host is gone")})
    with pytest.raises(OperationFailed, match=r"the gateway broke.*the host is gone"):
        upgrade(control.operation(), silent)
    left = control.workspace.upgrade()
    assert left is not None
    assert left.why_back
    control.write("rollback.yml", {"Back": control.note("rollback")})
    assert rollback(control.operation("rollback"), silent).ok
    assert control.workspace.upgrade() is None


@pytest.mark.parametrize("why_back", ["", "the gateway broke"])
def test_what_a_killed_process_has_left_is_ended_by_the_next_one(control: Control, why_back: str) -> None:
    control.workspace.folder.mkdir(mode=0o700)
    control.workspace.write_upgrade(UnfinishedUpgrade(VERSION, touched=True, why_back=why_back))
    if why_back:
        with pytest.raises(UpgradeTakenBack, match=why_back):
            upgrade(control.operation(), silent)
        assert [step.strip() for step in control.steps()] == ["rollback"]
    else:
        assert upgrade(control.operation(), silent).ok
    assert control.workspace.upgrade() is None


def test_a_failure_after_a_resumed_start_is_still_taken_back(control: Control) -> None:
    """The process before this one had touched something, wherever this one fails."""
    control.workspace.folder.mkdir(mode=0o700)
    control.workspace.write_upgrade(UnfinishedUpgrade(VERSION, touched=True))
    control.write("upgrade.yml", {UNTOUCHED[0]: control.fail("[disk] n1: no room")})
    with pytest.raises(UpgradeTakenBack, match="no room"):
        upgrade(control.operation(), silent)


def test_nothing_else_is_begun_on_an_unfinished_upgrade(control: Control) -> None:
    control.workspace.folder.mkdir(mode=0o700)
    control.workspace.write_upgrade(UnfinishedUpgrade("1.5.0", touched=True))
    for begin in beginnings(control):
        with pytest.raises(UpgradeUnfinished, match=r"1\.5\.0") as refused:
            begin()
        assert "rollback" in refused.value.way_out
    assert control.steps() == []


def test_a_rollback_that_cannot_begin_leaves_the_state_as_it_was(control: Control) -> None:
    control.write("rollback.yml", {"Back": control.fail("[previous] n1 has no release before")})
    with pytest.raises(OperationFailed, match="no release before"):
        rollback(control.operation("rollback"), silent)
    assert control.workspace.upgrade() is None


THREE = {
    "layout": "ha",
    "hosts": {
        "n1": {
            "address": "10.77.0.11",
            "components": ["proxy", "gateway", "database", "cache", "identity", "monitoring"],
        },
        "n2": {"address": "10.77.0.12", "components": ["gateway", "engines"]},
        "n3": {"address": "10.77.0.13", "components": ["engines"]},
    },
    "models": [
        {"id": "smollm2-135m-instruct", "hosts": ["n2", "n3"]},
        {"id": "multilingual-e5-small", "hosts": ["n2", "n3"]},
    ],
    "index": {"mode": "external", "url": "http://10.77.0.20:6333"},
}


def test_engines_of_a_host_that_is_out_are_in_no_settings_and_its_gateway_gets_nothing() -> None:
    installation = parse(yaml.safe_load(SAMPLE.read_text(encoding="utf-8")) | THREE)
    models = to_settings(installation, "n1", frozenset({"n2"}))["engines"]["models"]
    assert [model["base_urls"] for model in models] == [["http://10.77.0.13:8101/v1"], ["http://10.77.0.13:8102/v1"]]
    assert to_inventory(installation, frozenset({"n2"}))["all"]["vars"]["appliance_drained"] == ["n2"]
    assert len(to_settings(installation, "n1")["engines"]["models"][0]["base_urls"]) == 2


def test_a_host_goes_out_and_comes_back_and_meanwhile_nothing_is_installed(control: Control) -> None:
    control.description.write_text(yaml.safe_dump(yaml.safe_load(control.description.read_text()) | local(THREE)))
    assert drain(control.operation("drain"), "n3", silent).ok
    assert control.workspace.drained() == {"n3"}
    for begin in beginnings(control):
        with pytest.raises(HostsOut, match="n3"):
            begin()
    with pytest.raises(HostNeeded, match="nobody runs the model"):
        drain(control.operation("drain"), "n2", silent)
    assert drain(control.operation("drain"), "n3", silent, undo=True).ok
    assert control.workspace.drained() == frozenset()


@pytest.mark.parametrize(("host", "why"), [("n1", "database"), ("n9", "no host 'n9'")])
def test_a_host_that_others_cannot_stand_in_for_stays(control: Control, host: str, why: str) -> None:
    control.description.write_text(yaml.safe_dump(yaml.safe_load(control.description.read_text()) | local(THREE)))
    with pytest.raises(HostNeeded, match=why):
        drain(control.operation("drain"), host, silent)
    assert control.workspace.drained() == frozenset()


def local(given: dict[str, Any]) -> dict[str, Any]:
    return {**given, "hosts": {name: {**host, "connection": "local"} for name, host in given["hosts"].items()}}


def test_configuration_is_kept_and_put_back_with_what_came_later_removed(tmp_path: Path) -> None:
    script, root, release = PLAYBOOKS / "roles/upgrade/files/configuration.py", tmp_path / "root", tmp_path / "release"
    release.mkdir()
    for name, text in {
        "etc/appliance/appliance.toml": "old",
        "etc/systemd/system/appliance-gateway.service": "unit",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "etc/appliance/appliance.toml").chmod(0o640)

    def run(word: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, script, word, release],
            env={"CONFIGURATION_ROOT": str(root)},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.split()

    run("keep")
    (root / "etc/appliance/appliance.toml").write_text("new")
    (root / "etc/systemd/system/appliance-more.service").write_text("came later")
    assert run("put-back") == ["/etc/appliance/appliance.toml", "/etc/systemd/system/appliance-more.service"]
    assert (root / "etc/appliance/appliance.toml").read_text() == "old"
    assert (root / "etc/appliance/appliance.toml").stat().st_mode & 0o777 == 0o640
    assert not (root / "etc/systemd/system/appliance-more.service").exists()
    assert run("put-back") == []
    assert (release / "configuration.tar").stat().st_mode & 0o777 == 0o600
    shutil.rmtree(root)
    assert len(run("put-back")) == 2
