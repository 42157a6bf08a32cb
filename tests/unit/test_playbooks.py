"""Playbooks as Ansible reads them, and what the backup role makes of a description."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from typer.main import get_command

from appliance import cli
from appliance.installation import parse, to_inventory

PLAYBOOKS = Path(__file__).resolve().parents[2] / "playbooks"
SAMPLE = PLAYBOOKS / "inventory" / "sample" / "installation.yml"


def inventory() -> dict[str, Any]:
    return to_inventory(parse(yaml.safe_load(SAMPLE.read_text(encoding="utf-8"))))


@pytest.mark.parametrize("playbook", sorted(PLAYBOOKS.glob("*.yml")), ids=lambda p: p.stem)
def test_ansible_takes_each_playbook(playbook: Path, tmp_path: Path) -> None:
    (tmp_path / "inventory.json").write_text(json.dumps(inventory()))
    program = Path(sys.executable).with_name("ansible-playbook")
    done = subprocess.run(
        [program, "--syntax-check", "-i", tmp_path / "inventory.json", playbook],
        env={**os.environ, "ANSIBLE_CONFIG": str(PLAYBOOKS / "ansible.cfg"), "LC_ALL": "C.UTF-8"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def unit(realm_url: str) -> str:
    templates = Environment(  # noqa: S701 - units of systemd, no web page
        loader=FileSystemLoader(PLAYBOOKS / "roles" / "backup" / "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    defaults = yaml.safe_load((PLAYBOOKS / "roles" / "backup" / "defaults" / "main.yml").read_text(encoding="utf-8"))
    return templates.get_template("appliance-backup.service.j2").render(
        **{**defaults, "backup_realm_url": realm_url},
        appliance_backup=inventory()["all"]["vars"]["appliance_backup"],
    )


@pytest.mark.parametrize("realm_url", ["", "postgresql://keycloak:word@127.0.0.1:5432/keycloak\n"])
def test_the_unit_calls_the_command_as_it_is(realm_url: str) -> None:
    text = unit(realm_url)
    (line,) = [row for row in text.splitlines() if row.startswith("ExecStart=")]
    program, *words = line.removeprefix("ExecStart=").split()
    assert program == "/opt/appliance/current/gateway/bin/appliance"
    assert words[:2] == ["backup", "create"]
    command: Any = get_command(cli.build())
    taken = {o for p in command.commands["backup"].commands["create"].params for o in (*p.opts, *p.secondary_opts)}
    assert {word for word in words if word.startswith("--")} <= taken
    assert "--recipient-file" in words
    assert "--without-secrets" not in words
    assert words[words.index("--proof") + 1] == "%t/appliance-backup/proof.json"
    assert "RuntimeDirectory=appliance-backup" in text.splitlines()
    assert ("--realm-url-file" in words) == bool(realm_url) == ("LoadCredential=" in text)
    assert "word" not in text.replace("password", ""), "a unit is readable by all"


def test_the_description_says_where_and_when_backups_are_made() -> None:
    assert inventory()["all"]["vars"]["appliance_backup"] == {
        "folder": "/var/backups/appliance",
        "schedule": "*-*-* 02:30",
        "keep": 14,
    }
