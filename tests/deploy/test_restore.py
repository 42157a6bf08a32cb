"""A host is lost; on an empty one everything comes back, from a file, a key and a description."""

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.conftest import ADDRESS, PASSWORD, Installation, hosts, tell
from tests.deploy.lab import Network

EMPTY = "10.77.0.61"
WHOLE_S = 2400
OWNER = "grace"
"""An administrator: `prove record` looks with such an account's eyes."""
TABLES = """
cd /; for db in appliance keycloak; do
for t in $(runuser -u postgres -- psql -qtA $db -c "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"); do
case $db.$t in appliance.users) row="to_jsonb(t) - 'claims_at'" ;; *) row="to_jsonb(t)" ;; esac
echo $db.$t $(runuser -u postgres -- psql -qtA $db -c \
"SELECT count(*), md5(coalesce(string_agg(x, '|' ORDER BY x), '')) FROM (SELECT ($row)::text x FROM \\"$t\\" t) rows")
done; done
"""
MOVING = {
    *("appliance.audit_events", "appliance.sessions", "appliance.sso_following", "appliance.sso_sessions"),
    *("appliance.usage_journals", "appliance.usage_ledger", "appliance.usage_spent", "appliance.deployment"),
    *("keycloak.event_entity", "keycloak.offline_client_session", "keycloak.offline_user_session"),
}
"""What a running appliance writes by itself, and each login. The restore itself compared all of it before the start."""

pytestmark = pytest.mark.timeout(WHOLE_S)


@pytest.fixture(scope="module")
def taken(single: Installation, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A backup of an appliance in use, brought to the control machine, and what was there."""
    single.person(OWNER, PASSWORD, "/staff", "/it/admins")
    before = belongings(single, ADDRESS, {})
    began = time.monotonic()
    made = single.said("backup take", "--to", str(tmp_path_factory.mktemp("taken")))
    print(f"\nbackup: {time.monotonic() - began:.0f} s, {made['size_bytes'] / 1e6:.1f} MB, paused {made['pause_s']} s")
    return {"made": made, "before": before, "tables": tables(single, "n1")}


@pytest.fixture(scope="module")
def restored(
    lab: Network, bundle: Path, single: Installation, taken: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Installation, dict[str, Any]]]:
    """A control machine and a host that have nothing, and what the restore said."""
    folder = tmp_path_factory.mktemp("elsewhere")
    safe = shutil.copy(single.folder / "secrets" / "backup-identity", folder / "key-from-the-safe")
    given = yaml.safe_load(single.description.read_text(encoding="utf-8"))
    changes = {
        "hosts": {"lost": {**given["hosts"]["n1"], "address": EMPTY}},
        "models": [{**model, "hosts": ["lost"]} for model in given["models"]],
    }
    codename = folder_codename(single)
    with hosts(lab, bundle, codename, {"lost": EMPTY}) as nodes:
        there = Installation(lab, nodes, folder, changes, bundle)
        done = there.said("restore", "--from", taken["made"]["file"], "--identity", str(safe))
        print(f"\nRPO {done['rpo_s']:.0f} s, RTO {done['rto_s']:.0f} s")
        tell(done)
        yield there, done


def folder_codename(single: Installation) -> str:
    release = single.nodes["n1"].done("cat /etc/os-release")
    return next(line.partition("=")[2] for line in release.splitlines() if line.startswith("VERSION_CODENAME="))


def belongings(there: Installation, address: str, more: dict[str, Any]) -> dict[str, Any]:
    facts = {**there.facts(OWNER, PASSWORD, address), "collection": "of-grace", **more}
    return there.inside("belongings", facts)


def tables(there: Installation, host: str) -> dict[str, str]:
    """Rows and digest of every table of both databases."""
    lines = there.nodes[host].done(TABLES, timeout=300).splitlines()
    return dict(line.split(" ", 1) for line in lines if line)


def test_a_backup_has_everything_and_the_next_one_comes_by_itself(taken: dict[str, Any], single: Installation) -> None:
    made = taken["made"]
    assert made["left_out"] == [], "secrets and the proof are in it"
    assert made["next"], "the timer has a next time"
    node = single.nodes["n1"]
    assert "Result=success" in node.done("systemctl show --property Result appliance-backup.service")
    folder = f"/var/backups/appliance/{made['id']}"
    there = set(node.done(f"ls {folder}").split())
    assert {"secrets.tar.age", "realm.dump", "proof.json", "database.dump", "index.tar.gz"} <= there
    secret = (single.folder / "secrets" / "database-password").read_text().strip()
    assert node.shell(f"grep -rqF -- {secret} {folder}").returncode == 1, "no secret lies there in clear"


def test_a_rehearsal_beside_the_running_appliance_finds_no_difference(
    taken: dict[str, Any], single: Installation
) -> None:
    question = ["--question", "How much does the company pay per night for a hotel?", "--expect", "140"]
    found = single.said("backup rehearse", *question)
    print(f"\nrehearsal: RPO {found['rpo_s']:.0f} s, RTO {found['rto_s']:.1f} s, {found['rows']} rows")
    assert found["differences"] == []
    assert found["backup"] == taken["made"]["id"]
    assert "140" in found["answer"]
    assert single.nodes["n1"].done("ls /var/lib | grep -c rehearsal || true").strip() == "0"


def test_everything_comes_back_on_an_empty_host(
    taken: dict[str, Any], restored: tuple[Installation, dict[str, Any]]
) -> None:
    there, done = restored
    assert done["id"] == taken["made"]["id"]
    assert done["differences"] == [], "every table, every file, the audit's chain and its head"
    assert done["proved"]
    assert done["worse"] == []
    assert done["rows"] > 0
    before, after = taken["tables"], tables(there, "lost")
    differing = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert differing <= MOVING, sorted(differing - MOVING)


def test_people_go_on_where_they_were(taken: dict[str, Any], restored: tuple[Installation, dict[str, Any]]) -> None:
    there, _ = restored
    after = belongings(there, EMPTY, {"key": taken["before"]["key"]})
    assert after["seen"] == taken["before"]["seen"]
    assert after["by_key"] == 200, "the old API key holds"
    assert "140 euros" in after["answer"]["text"]
    assert {c["document_name"] for c in after["answer"]["citations"]} == {"handbook.pdf"}
    ada = there.visit("ada", PASSWORD, EMPTY)
    assert ada["answer"]["citations"], "the old password of somebody else"


def test_the_audit_verifies_and_secrets_are_the_old_ones(
    single: Installation, restored: tuple[Installation, dict[str, Any]]
) -> None:
    there, done = restored
    command = "cd /; runuser -u appliance -- /opt/appliance/current/gateway/bin/appliance audit verify"
    report = json.loads(there.nodes["lost"].done(f"{command} --config /etc/appliance/appliance.toml --json"))
    assert report["findings"] == []
    assert report["last_seq"] >= done["audit_seq"]
    secret = "cat /var/lib/appliance/audit/signing-key /var/lib/appliance/secrets/session-key | sha256sum"
    assert there.nodes["lost"].done(secret) == single.nodes["n1"].done(secret)
    for name in ("database-password", "keycloak-admin-password", "ca.key"):
        there_file, here = there.folder / "secrets" / name, single.folder / "secrets" / name
        assert there_file.read_text() == here.read_text()
