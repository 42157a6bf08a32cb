"""`appliance identity bootstrap` against a real Keycloak."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.sso.conftest import bootstrap as run_bootstrap
from tests.support.keycloak import Keycloak

REALM = "bootstrapped"
URL = "https://chat.firm.example"


def bootstrap(keycloak: Keycloak, folder: Path, *more: str) -> Any:
    return run_bootstrap(keycloak, folder, URL, *more, realm=REALM)


@pytest.fixture(scope="module")
def made(keycloak: Keycloak, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any, Any]:
    """(folder, what the dry run said, what the first run said)."""
    folder = tmp_path_factory.mktemp("bootstrap")
    dry = bootstrap(keycloak, folder, "--group", "/staff/legal", "--dry-run")
    assert REALM not in {r["realm"] for r in keycloak.admin().get_realms()}, "a dry run changes nothing"
    return folder, dry, bootstrap(keycloak, folder, "--group", "/staff/legal")


def test_a_dry_run_says_what_the_run_does(made: tuple[Path, Any, Any]) -> None:
    _, dry, first = made
    assert dry["dry_run"] is True
    assert dry["written"] == []
    assert dry["changes"] == first["changes"]
    assert {"object": f"realm {REALM}", "act": "created", "fields": {}} in first["changes"]
    assert {"object": "group /staff/legal", "act": "created", "fields": {}} in first["changes"]


def test_a_second_run_changes_nothing(keycloak: Keycloak, made: tuple[Path, Any, Any]) -> None:
    folder, _, _ = made
    again = bootstrap(keycloak, folder, "--group", "/staff/legal")
    assert again["changes"] == []
    assert again["written"] == []


def test_secrets_are_written_for_their_owner_only(made: tuple[Path, Any, Any]) -> None:
    folder, _, first = made
    assert len(first["written"]) == 3
    for path in map(Path, first["written"]):
        assert path.stat().st_mode & 0o777 == 0o600
        assert len(path.read_text().strip()) >= 32
        assert path.read_text().strip() not in json.dumps(first)
    assert (folder / "secrets").stat().st_mode & 0o777 == 0o700


def test_what_was_loosened_by_hand_is_tightened_again(keycloak: Keycloak, made: tuple[Path, Any, Any]) -> None:
    folder, _, _ = made
    admin = keycloak.admin(REALM)
    internal = admin.get_client_id("appliance")
    assert internal is not None
    client = admin.get_client(internal)
    client["redirectUris"] = ["*"]
    client["directAccessGrantsEnabled"] = True
    client["attributes"]["pkce.code.challenge.method"] = "plain"
    client["attributes"]["firm.note"] = "kept"
    admin.update_client(internal, client)
    admin.update_realm(REALM, {**admin.get_realm(REALM), "bruteForceProtected": False})

    again = bootstrap(keycloak, folder)

    told = {c["object"]: c["fields"] for c in again["changes"]}
    assert told[f"realm {REALM}"] == {"bruteForceProtected": [False, True]}
    assert told["client appliance"] == {
        "redirectUris": [["*"], [f"{URL}/auth/oidc/callback"]],
        "directAccessGrantsEnabled": [True, False],
        "attributes.pkce.code.challenge.method": ["plain", "S256"],
    }
    tightened = admin.get_client(internal)
    assert tightened["redirectUris"] == [f"{URL}/auth/oidc/callback"]
    assert tightened["attributes"]["firm.note"] == "kept", "what is not ours is left alone"
