"""Access tokens of a real Keycloak: programs and people, other kinds of token, and keys that change."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from appliance.commands.identity_check import report_on
from appliance.configuration import oidc_settings
from appliance.identity.bootstrap import Bootstrap, Wanted, connect, plan_of
from appliance.identity.oidc import jwks
from appliance.settings import IdentitySection, OidcSection, Settings
from tests.fakes.engine import FakeEngine
from tests.support.gateway import CHAT_MODEL, Gateway, settings_for
from tests.support.keycloak import ADMIN, Keycloak
from tests.support.realm_client import RealmClient
from tests.support.sso import sso_gateway

REALM, URL, PASSWORD = "tokens", "https://chat.firm.example", "correct horse battery staple"
ROLES = ("user", "administrator")
FRESH_S, SPACING_S = 2.0, 1.0
"""Instead of 60 and 30."""


@dataclass
class Realm:
    """A bootstrapped realm with a person, and the appliance's settings for it."""

    keycloak: Keycloak
    secrets: dict[str, str]
    settings: Settings

    async def program(self) -> str:
        """An access token of the client for programs."""
        name = "appliance-service"
        return await RealmClient(self.keycloak.issuer(REALM), name, self.secrets[name], URL).own_token()

    async def person(self, name: str, nonce: str = "n1") -> dict[str, str]:
        """All tokens of somebody who logs in by Keycloak's own page."""
        client = RealmClient(self.keycloak.issuer(REALM), "appliance", self.secrets["appliance"], URL)
        return await client.tokens_of(name, PASSWORD, nonce)


@pytest.fixture(scope="module")
def realm(keycloak: Keycloak, engine: FakeEngine, tmp_path_factory: pytest.TempPathFactory) -> Realm:
    wanted = Wanted(REALM, URL, "appliance", ROLES, frozenset({"/staff", "/staff/legal", "/admins"}))
    work = Bootstrap(connect(keycloak.url, ADMIN), plan_of(wanted), dry_run=False)
    work.run()
    admin = keycloak.admin(REALM)
    user = admin.create_user(
        {
            "username": "ann",
            "email": "ann@firm.example",
            "emailVerified": True,
            "firstName": "Ann",
            "lastName": "Other",
            "enabled": True,
            "credentials": [{"type": "password", "value": PASSWORD, "temporary": False}],
        }
    )
    admin.group_user_add(user, admin.get_group_by_path("/staff/legal")["id"])
    folder = tmp_path_factory.mktemp("tokens")
    clients = ("appliance", wanted.service_id)
    oidc = OidcSection(
        issuer=keycloak.issuer(REALM),
        client_id="appliance",
        client_secret_file=_secret_file(folder, work.secret("appliance")),
        allowed_azp=clients,
        roles_claim="roles",
        admitted_groups=("/staff",),
        role_groups={"administrator": ("/admins",)},
    )
    settings = settings_for(folder, engine.url, engine.url)
    settings = msgspec.structs.replace(settings, identity=IdentitySection(mode="oidc", oidc=oidc))
    return Realm(keycloak, {client: work.secret(client) for client in clients}, settings)


def _secret_file(folder: Path, secret: str) -> str:
    file = folder / "client-secret"
    file.write_text(secret)
    file.chmod(0o600)
    return str(file)


@pytest.fixture(scope="module")
async def door(realm: Realm) -> AsyncIterator[Gateway]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jwks, "FRESH_S", FRESH_S)
        patch.setattr(jwks, "SPACING_S", SPACING_S)
        async with sso_gateway(realm.settings) as running:
            yield running


async def asked(door: Gateway, token: str, path: str = "/api/me") -> httpx.Response:
    async with door.client(headers={"Authorization": f"Bearer {token}"}) as client:
        return await client.get(path)


async def test_a_person_s_access_token_is_taken_and_no_other_of_theirs(door: Gateway, realm: Realm) -> None:
    tokens = await realm.person("ann")
    reply = await asked(door, tokens["access_token"])
    assert reply.status_code == 200, reply.text
    me = reply.json()
    assert (me["email"], me["name"], me["roles"]) == ("ann@firm.example", "Ann Other", ["user"])
    assert [g["name"] for g in me["groups"]] == ["/staff/legal"]
    for kind in ("id_token", "refresh_token"):
        assert (await asked(door, tokens[kind])).status_code == 401, kind


async def test_an_id_token_holds_for_its_nonce(door: Gateway, realm: Realm) -> None:
    tokens = await realm.person("ann", nonce="of this login")
    assert door.parts.oidc is not None
    claims = await door.parts.oidc.verifier.id_token(tokens["id_token"], nonce="of this login")
    assert (claims.kind, claims.email, claims.groups) == ("id", "ann@firm.example", {"/staff/legal"})
    assert claims.sid
    assert claims.auth_time is not None


async def test_a_program_is_let_in_by_a_group_of_its_service_account(door: Gateway, realm: Realm) -> None:
    before = await asked(door, await realm.program())
    assert (before.status_code, before.json()["error"]["code"]) == (403, "not_admitted")
    admin = realm.keycloak.admin(REALM)
    robot = admin.get_client_service_account_user(str(admin.get_client_id("appliance-service")))
    for group in ("/staff", "/admins"):
        admin.group_user_add(robot["id"], admin.get_group_by_path(group)["id"])
    token = await realm.program()
    reply = await asked(door, token)
    assert reply.status_code == 200, reply.text
    assert reply.json()["roles"] == ["user"], "a program administers nothing"
    async with door.client(headers={"Authorization": f"Bearer {token}"}) as client:
        question = {"model": CHAT_MODEL, "messages": [{"role": "user", "content": "Say something."}]}
        assert (await client.ok("POST", "/v1/chat/completions", question))["choices"]
    async with await door.operator() as operator:
        kinds = {u["id"]: u["kind"] for u in await operator.ok("GET", "/api/users")}
    assert kinds[reply.json()["id"]] == "service"


async def test_real_tokens_are_explained(realm: Realm) -> None:
    oidc = oidc_settings(realm.settings)
    assert oidc is not None
    for token in ((await realm.person("ann"))["access_token"], await realm.program()):
        report = await report_on(realm.settings, oidc, token)
        assert {f.check: f.state for f in report.findings if f.check != "account"} | {
            "provider": "ok",
            "keys": "ok",
            "login": "ok",
            "logout": "ok",
            "client": "ok",
            "signature": "ok",
            "token": "ok",
        } == {f.check: f.state for f in report.findings if f.check != "account"}, report.findings
        assert {c.state for c in report.claims} == {"ok"}, [c for c in report.claims if c.state != "ok"]
        assert report.admission is not None


async def test_keys_of_a_real_keycloak_change_and_nobody_waits_long(door: Gateway, realm: Realm) -> None:
    admin = realm.keycloak.admin(REALM)
    old = (await realm.person("ann"))["access_token"]
    assert (await asked(door, old)).status_code == 200
    admin.create_component(_key_component(admin.get_realm(REALM)["id"]))
    new = (await realm.person("ann"))["access_token"]
    assert _kid(new) != _kid(old)
    taken = await _until(door, new, 200)
    assert (await asked(door, old)).status_code == 200, "both keys are published"
    for component in admin.get_components({"type": "org.keycloak.keys.KeyProvider"}):
        if component["name"] == "rsa-generated":
            admin.delete_component(component["id"])
    died = await _until(door, old, 401)
    assert (await asked(door, new)).status_code == 200
    print(f"new key taken after {taken:.2f} s of {SPACING_S}, old one dead after {died:.2f} s of {FRESH_S}")


def _kid(token: str) -> str:
    header = token.partition(".")[0]
    return str(msgspec.json.decode(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"])


def _key_component(realm_id: str) -> dict[str, Any]:
    return {
        "name": "newer",
        "providerId": "rsa-generated",
        "providerType": "org.keycloak.keys.KeyProvider",
        "parentId": realm_id,
        "config": {"priority": ["200"], "enabled": ["true"], "active": ["true"], "keySize": ["2048"]},
    }


async def _until(door: Gateway, token: str, wanted: int) -> float:
    began = time.monotonic()
    while (await asked(door, token)).status_code != wanted:
        assert time.monotonic() - began < 15
        await asyncio.sleep(0.1)
    return time.monotonic() - began
