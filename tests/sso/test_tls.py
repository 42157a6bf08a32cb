"""Keycloak over TLS, with an authority of the firm's own: bootstrap, login, tokens, and the realm that is followed."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from playwright.async_api import Browser

from appliance.settings import IdentitySection, OidcSection, ServerSection
from tests.fakes.engine import FakeEngine
from tests.sso.conftest import PASSWORD, Firm, Tab
from tests.sso.test_revocation import DISABLED_S, as_client, until
from tests.support.gateway import Client, settings_for
from tests.support.keycloak import ADMIN, Keycloak
from tests.support.realm_client import RealmClient
from tests.support.sso import sso_gateway
from tests.support.valkey import free_port

REALM = "behind-tls"


def command(keycloak: Keycloak, folder: Path, url: str, *more: str) -> "subprocess.CompletedProcess[str]":
    """`appliance identity bootstrap` over https."""
    password = folder / "admin-password"
    password.write_text(ADMIN.secret)
    arguments = ["identity", "bootstrap", "--keycloak", keycloak.tls_url, "--realm", REALM, "--url", url, "--json"]
    arguments += ["--password-file", str(password), "--secrets", str(folder / "secrets"), "--group", "/staff", *more]
    environment = {**os.environ, "APPLIANCE_DATA_DIR": str(folder)}
    environment.pop("APPLIANCE_SHARED", None)
    return subprocess.run(
        [sys.executable, "-m", "appliance", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


class TlsFirm(Firm):
    """Its realm is behind TLS."""

    @property
    def admin(self):  # type: ignore[no-untyped-def] # as the one that it stands for
        return self.keycloak.admin(REALM)


@pytest.fixture
async def secure(keycloak: Keycloak, engine: FakeEngine, tmp_path: Path) -> AsyncIterator[TlsFirm]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    distrusted = command(keycloak, tmp_path, url)
    assert (distrusted.returncode, "--ca-file" in distrusted.stdout + distrusted.stderr) == (1, True)
    made = command(keycloak, tmp_path, url, "--ca-file", str(keycloak.ca_file))
    assert made.returncode == 0, made.stdout + made.stderr
    assert f'issuer = "{keycloak.tls_url}/realms/{REALM}"' in json.loads(made.stdout)["settings"]
    oidc = OidcSection(
        issuer=f"{keycloak.tls_url}/realms/{REALM}",
        client_id="appliance",
        client_secret_file=str(tmp_path / "secrets" / "appliance"),
        admitted_groups=("/staff",),
        roles_claim="roles",
        strict_groups=True,
        ca_file=str(keycloak.ca_file),
        directory_client_id="appliance-directory",
        directory_secret_file=str(tmp_path / "secrets" / "appliance-directory"),
    )
    settings = msgspec.structs.replace(
        settings_for(tmp_path / "data", engine.url, engine.url),
        server=ServerSection(port=port),
        identity=IdentitySection(mode="oidc", oidc=oidc),
    )
    async with sso_gateway(settings, port=port) as running:
        yield TlsFirm(keycloak, running, url)


async def test_everything_goes_over_the_firms_own_authority(secure: TlsFirm, chromium: Browser, name: str) -> None:
    subject = secure.person(name, "/staff")
    context = await chromium.new_context(locale="en-GB", ignore_https_errors=True)  # the browser's trust is not ours
    context.set_default_timeout(30_000)
    tab = Tab(secure, await context.new_page())
    await tab.log_in(name)
    async with await as_client(secure, tab) as browser:
        assert (await browser.ok("GET", "/api/me"))["email"] == f"{name}@firm.test"
        await takes_a_token(secure, name)
        await asyncio.to_thread(secure.enable, subject, enabled=False)
        took = await until(lambda: _is_out(browser), DISABLED_S, "followed over TLS too")
    print(f"over TLS with an own authority: logged in; disabled at Keycloak → session dead: {took:.2f} s")
    await context.close()


async def takes_a_token(firm: TlsFirm, name: str) -> None:
    """Its key was read over TLS as well."""
    secret = firm.admin.get_client_secrets(firm.admin.get_client_id("appliance"))["value"]
    client = RealmClient(
        f"{firm.keycloak.tls_url}/realms/{REALM}", "appliance", str(secret), firm.url, firm.keycloak.ca_file
    )
    token = (await client.tokens_of(name, PASSWORD))["access_token"]
    async with firm.gateway.client(headers={"Authorization": f"Bearer {token}"}) as program:
        assert (await program.get("/v1/models")).status_code == 200


async def _is_out(client: Client) -> bool:
    return (await client.get("/api/me")).status_code == 401
