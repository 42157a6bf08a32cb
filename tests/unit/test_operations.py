"""What operations do on the control machine: secrets, certificates, the lock, the record, events as progress."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from appliance.bundle import BundleRefused, build, make_key
from appliance.installation import Installation, InstallationInvalid, parse
from appliance.operations import (
    IDENTITY,
    NoKeepsake,
    Operation,
    OperationBusy,
    OperationFailed,
    Workspace,
    keep,
    operate,
    refuse_without,
    take_back,
)
from appliance.operations.certificates import ensure_certificates
from appliance.operations.playbook import Outcome, Progress, _playbooks_on, run_playbook
from appliance.operations.sealing import bech32, make_key_pair
from appliance.operations.secretwords import MADE, RECIPIENTS, ensure_secrets
from appliance.operations.trust import verified_bundle, verify_models
from tests.support.bundles import Made, copy_of, make, model_folder, model_plan

SAMPLE = Path(__file__).resolve().parents[2] / "playbooks" / "inventory" / "sample" / "installation.yml"


@pytest.fixture
def installation() -> Installation:
    return parse(yaml.safe_load(SAMPLE.read_text(encoding="utf-8")))


def test_secrets_are_made_once_and_for_one_pair_of_eyes(installation: Installation, tmp_path: Path) -> None:
    folder = ensure_secrets(installation, tmp_path / "installation.yml")
    first = {name: (folder / name).read_text() for name in MADE}
    assert len(set(first.values())) == len(MADE)
    assert all((folder / name).stat().st_mode & 0o777 == 0o600 for name in MADE)
    assert folder.stat().st_mode & 0o777 == 0o700
    ensure_secrets(installation, tmp_path / "installation.yml")
    assert first == {name: (folder / name).read_text() for name in MADE}


def test_recipients_of_backups_are_public_keys(tmp_path: Path) -> None:
    given = yaml.safe_load(SAMPLE.read_text(encoding="utf-8"))
    given["backup"]["recipient_file"] = "recipients"
    for text in (None, "", "AGE-SECRET-KEY-1QQ\n", "# a comment\n"):
        if text is not None:
            (tmp_path / "recipients").write_text(text)
        with pytest.raises(InstallationInvalid, match=r"backup\.recipient_file"):
            ensure_secrets(parse(given), tmp_path / "installation.yml")
    (tmp_path / "recipients").write_text("# of the safe\nage1qqq\n")
    folder = ensure_secrets(parse(given), tmp_path / "installation.yml")
    assert (folder / RECIPIENTS).read_text() == "age1qqq\n"


def test_without_a_named_recipient_a_key_of_its_own_is_made_once(installation: Installation, tmp_path: Path) -> None:
    folder = ensure_secrets(installation, tmp_path / "installation.yml")
    identity, recipient = (folder / IDENTITY).read_text(), (folder / RECIPIENTS).read_text().strip()
    assert (folder / IDENTITY).stat().st_mode & 0o777 == 0o600
    if shutil.which("age-keygen") is None:
        pytest.skip("SKIPPED: age is missing (apt-get install age)")
    command = ["age-keygen", "-y", str(folder / IDENTITY)]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip() == recipient
    (folder / IDENTITY).unlink()  # it was taken to a safe
    ensure_secrets(installation, tmp_path / "installation.yml")
    assert not (folder / IDENTITY).exists()
    assert (folder / RECIPIENTS).read_text().strip() == recipient
    assert make_key_pair()[0] != identity


def test_bech32_is_as_its_standard_writes_it() -> None:
    assert bech32("a", b"") == "a12uel5l"
    program = bytes.fromhex("751e76e8199196d454941c45d1b3a323f1433bd6")
    assert bech32("abc", program).startswith("abc1w508d6qejxtdg4y5r3zarvary0c5xw7k")


def test_secrets_of_the_control_machine_come_back_beside_a_backup(tmp_path: Path) -> None:
    if shutil.which("age") is None:
        pytest.skip("SKIPPED: age is missing (apt-get install age)")
    old, new = tmp_path / "old" / "installation.yml", tmp_path / "new" / "installation.yml"
    for description in (old, new):
        description.parent.mkdir()
        shutil.copy(SAMPLE, description)
    folder = ensure_secrets(parse(yaml.safe_load(SAMPLE.read_text(encoding="utf-8"))), old)
    (folder / "ca.key").write_text("a key that ends with two ends of a line\n\n")
    archive = tmp_path / "backup-1.tar"
    place = keep(old, archive)
    assert place.name == "backup-1.control.age"
    assert (folder / "database-password").read_bytes().strip() not in place.read_bytes()
    with pytest.raises(NoKeepsake):
        refuse_without(new)
    assert set(take_back(new, archive, folder / IDENTITY)) == {*MADE, RECIPIENTS, "ca.key"}
    refuse_without(new)
    there, kept = new.parent / "secrets", (*MADE, "ca.key")
    assert {name: (there / name).read_text() for name in kept} == {name: (folder / name).read_text() for name in kept}
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in there.iterdir())
    (there / "database-password").write_text("of another one")
    assert take_back(new, archive, folder / IDENTITY) == []
    assert (there / "database-password").read_text() == "of another one"
    assert take_back(new, tmp_path / "backup-2.tar", folder / IDENTITY) == []


def test_the_certificate_is_for_the_public_names_and_stays(installation: Installation, tmp_path: Path) -> None:
    ensure_certificates(installation, tmp_path / "installation.yml", tmp_path)
    before = (tmp_path / "proxy.pem").read_bytes()
    done = subprocess.run(
        [
            "openssl",
            "verify",
            "-CAfile",
            tmp_path / "ca.pem",
            "-verify_hostname",
            "sso.acme.example",
            tmp_path / "proxy.pem",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    ensure_certificates(installation, tmp_path / "installation.yml", tmp_path)
    assert (tmp_path / "proxy.pem").read_bytes() == before
    assert (tmp_path / "proxy.key").stat().st_mode & 0o777 == 0o600


def test_another_public_name_gets_a_certificate_of_its_own(installation: Installation, tmp_path: Path) -> None:
    ensure_certificates(installation, tmp_path / "installation.yml", tmp_path)
    before, authority = (tmp_path / "proxy.pem").read_bytes(), (tmp_path / "ca.pem").read_bytes()
    given = yaml.safe_load(SAMPLE.read_text(encoding="utf-8")) | {"public_url": "https://ai.acme.example"}
    ensure_certificates(parse(given), tmp_path / "installation.yml", tmp_path)
    assert (tmp_path / "proxy.pem").read_bytes() != before
    assert (tmp_path / "ca.pem").read_bytes() == authority


def test_two_operations_at_once_are_refused(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "installation.yml", "acme")
    with workspace.held(), pytest.raises(OperationBusy), Workspace(tmp_path / "installation.yml", "acme").held():
        pass
    with workspace.held():
        workspace.note({"operation": "install", "ok": True})
    assert workspace.last() == {"operation": "install", "ok": True}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("bundle"))


def asked(tmp_path: Path, bundle: Path, signers: Path) -> Operation:
    description = tmp_path / "here" / "installation.yml"
    description.parent.mkdir()
    shutil.copy(SAMPLE, description)
    return Operation("install", description, bundle, signers)


def test_a_folder_without_a_bundle_is_refused(tmp_path: Path, made: Made) -> None:
    with pytest.raises(OperationFailed, match="holds no bundle"):
        verified_bundle(tmp_path, made.signers, silent)


@pytest.mark.parametrize("what", ["byte", "stranger", "missing", "another key"])
def test_nothing_is_done_with_a_bundle_that_is_not_what_was_signed(tmp_path: Path, made: Made, what: str) -> None:
    bundle, signers, file = copy_of(made, tmp_path / "bundle"), made.signers, "playbooks/site.yml"
    if what == "byte":
        (bundle / file).write_text("- hosts: any\n")
    elif what == "missing":
        (bundle / file).unlink()
    elif what == "stranger":
        file = "playbooks/more.yml"
        (bundle / file).write_text("- hosts: all\n")
    else:
        signers, _ = make_key(tmp_path / "other")
        file = "manifest.json.sig"
    operation = asked(tmp_path, bundle, signers)
    with pytest.raises(BundleRefused) as refused:
        operate(operation, silent)
    assert refused.value.file == file
    assert file in str(refused.value)
    assert refused.value.way_out
    assert [p.name for p in operation.description.parent.iterdir()] == ["installation.yml"], "no secret, no record"


def test_a_good_bundle_is_taken_also_by_a_link_and_says_who_signed(tmp_path: Path, made: Made) -> None:
    (tmp_path / "link").symlink_to(made.folder)
    said: list[Progress] = []
    found = verified_bundle(tmp_path / "link", made.signers, said.append)
    assert found.version == "1.4.0"
    assert "SHA256:" in said[-1].text
    assert said[-1].kind == "verified"


def test_models_beside_the_bundle_are_verified_and_absent_ones_told(
    tmp_path: Path, made: Made, installation: Installation
) -> None:
    said: list[Progress] = []
    verify_models(installation, tmp_path / "bundle", made.signers, said.append)
    assert [p.text for p in said if "not verified" in p.text] == [p.text for p in said]
    assert len(said) == len(installation.models)
    folder = tmp_path / f"model-{installation.models[0].id}"
    build(model_plan(model_folder(tmp_path / "files"), made.key), folder, lambda _: None)
    with pytest.raises(BundleRefused, match="is not of the model"):  # it is one of 'tiny'
        verify_models(installation, tmp_path / "bundle", made.signers, said.append)
    (folder / "files" / "config.json").write_text("{}")
    with pytest.raises(BundleRefused) as refused:
        verify_models(installation, tmp_path / "bundle", made.signers, said.append)
    assert refused.value.file == "files/config.json"


def silent(_: Progress) -> None:
    """Progress that nobody reads."""


def play(tmp_path: Path, tasks: list[dict[str, Any]], *, check: bool = False) -> tuple[Outcome, list[Progress]]:
    """Run tasks on this machine with the real Ansible."""
    said: list[Progress] = []
    (tmp_path / "ansible.cfg").write_text("[defaults]\ngathering = explicit\n")
    (tmp_path / "site.yml").write_text(yaml.safe_dump([{"name": "Try", "hosts": "all", "tasks": tasks}]))
    hosts = {"all": {"hosts": {"here": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}}}}
    (tmp_path / "inventory.json").write_text(json.dumps(hosts))
    outcome = run_playbook(
        tmp_path / "site.yml",
        tmp_path / "inventory.json",
        tmp_path / "work",
        {"word": "hello"},
        said.append,
        check=check,
    )
    return outcome, said


def test_changes_are_told_as_they_happen_and_a_second_run_has_none(tmp_path: Path) -> None:
    tasks = [{"name": "Write it", "ansible.builtin.copy": {"content": "{{ word }}", "dest": str(tmp_path / "file")}}]
    planned, _ = play(tmp_path, tasks, check=True)
    assert planned.changed == 1
    assert not (tmp_path / "file").exists()
    first, said = play(tmp_path, tasks)
    assert (tmp_path / "file").read_text() == "hello"
    assert [(p.kind, p.text) for p in said if p.kind in ("play", "changed")] == [
        ("play", "Try"),
        ("changed", "Write it"),
    ]
    assert first.ok
    assert list(first.plays_s) == ["Try"]
    second, _ = play(tmp_path, tasks)
    assert second.changes == ()


def test_a_playbook_reports_values(tmp_path: Path) -> None:
    outcome, _ = play(tmp_path, [{"name": "Report", "ansible.builtin.set_stats": {"data": {"made": {"rows": 3}}}}])
    assert outcome.report == {"made": {"rows": 3}}


def test_a_failure_names_task_host_and_reason(tmp_path: Path) -> None:
    tasks = [{"name": "Refuse", "ansible.builtin.fail": {"msg": "[disk] not enough room"}}]
    outcome, _ = play(tmp_path, tasks)
    assert not outcome.ok
    assert outcome.failed == "Refuse on here: [disk] not enough room"


KILLED = """
import sys
from pathlib import Path
from appliance.operations.playbook import run_playbook
folder = Path(sys.argv[1])
run_playbook(folder / "site.yml", folder / "inventory.json", folder / "work", {}, lambda p: print(p.kind, flush=True))
"""


def test_what_a_killed_process_has_left_is_ended_by_the_next_one(tmp_path: Path) -> None:
    play(tmp_path, [{"name": "Write the files", "ansible.builtin.command": "true"}])
    tasks = [{"name": "Take long", "ansible.builtin.command": "sleep 60"}]
    (tmp_path / "site.yml").write_text(yaml.safe_dump([{"name": "Try", "hosts": "all", "tasks": tasks}]))
    with subprocess.Popen([sys.executable, "-c", KILLED, tmp_path], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        while running.stdout.readline().strip() != "task":
            assert running.poll() is None
        running.kill()
    left = _playbooks_on(tmp_path / "inventory.json")
    outcome, _ = play(tmp_path, [{"name": "Go on", "ansible.builtin.command": "true"}])
    assert outcome.ok
    assert left
    assert not set(left) & set(_playbooks_on(tmp_path / "inventory.json"))
