"""A real Keycloak that the product's own command made ready, the gateway over it, and Debian's chromium.

Everything runs in one event loop, so that a test sees when something happens to a hundredth of a second. Keycloak and
chromium are processes of their own; the engine is the stand-in.
"""

import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from keycloak import KeycloakAdmin
from playwright.async_api import Browser, Page, async_playwright, expect

from appliance.identity.sso import rounds
from appliance.settings import IdentitySection, OidcSection, ServerSection
from tests.fakes.engine import FakeEngine
from tests.support import keycloak as support
from tests.support.gateway import Gateway, gateway, settings_for
from tests.support.keycloak import ADMIN, Keycloak
from tests.support.valkey import free_port

REALM = "firm"
ROUND_S = 10.0
"""In which whoever has a key is looked up once, instead of ten minutes."""
PASSWORD = "correct horse battery staple"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first one waits for Keycloak, two bootstraps and a browser to start: minutes on a busy machine."""
    for item in items:
        if item.path.parent == Path(__file__).parent and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(400))


@pytest.fixture(scope="session")
def keycloak(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keycloak]:
    with support.running(tmp_path_factory.mktemp("keycloak")) as running:
        print(f"Keycloak {support.VERSION} starts: {running.started_s:.1f} s")
        yield running


def bootstrap(keycloak: Keycloak, folder: Path, url: str, *more: str, realm: str = REALM) -> Any:
    """`appliance identity bootstrap` as an administrator runs it; what it says with `--json`."""
    password = folder / "admin-password"
    password.write_text(ADMIN.secret)
    command = ["identity", "bootstrap", "--keycloak", keycloak.url, "--realm", realm, "--url", url, "--json"]
    command += ["--password-file", str(password), "--secrets", str(folder / "secrets"), *more]
    environment = {**os.environ, "APPLIANCE_DATA_DIR": str(folder)}
    environment.pop("APPLIANCE_SHARED", None)
    done = subprocess.run(
        [sys.executable, "-m", "appliance", *command],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@dataclass
class Firm:
    """The realm and the appliance over it."""

    keycloak: Keycloak
    gateway: Gateway
    url: str

    @property
    def admin(self) -> KeycloakAdmin:
        return self.keycloak.admin(REALM)

    def person(self, name: str, *groups: str) -> str:
        """A new account at Keycloak, in these groups; its id there."""
        admin = self.admin
        subject = admin.create_user(
            {
                "username": name,
                "email": f"{name}@firm.test",
                "emailVerified": True,
                "firstName": name.title(),
                "lastName": "Tester",
                "enabled": True,
                "credentials": [{"type": "password", "value": PASSWORD, "temporary": False}],
            }
        )
        for path in groups:
            admin.group_user_add(subject, admin.get_group_by_path(path)["id"])
        return str(subject)

    def leave(self, subject: str, path: str) -> None:
        admin = self.admin
        admin.group_user_remove(subject, admin.get_group_by_path(path)["id"])

    def join(self, subject: str, path: str) -> None:
        admin = self.admin
        admin.group_user_add(subject, admin.get_group_by_path(path)["id"])

    def enable(self, subject: str, *, enabled: bool) -> None:
        self.admin.update_user(subject, {"enabled": enabled})


@pytest.fixture(scope="session")
async def firm(keycloak: Keycloak, engine: FakeEngine, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Firm]:
    folder, port = tmp_path_factory.mktemp("firm"), free_port()
    url = f"http://127.0.0.1:{port}"
    groups = ("--group", "/staff/legal", "--group", "/admins", "--group", "/guests")
    made = bootstrap(keycloak, folder, url, *groups)
    assert made["changes"]
    again = bootstrap(keycloak, folder, url, *groups)
    assert again["changes"] == again["written"] == [], "a second run changes nothing"
    oidc = OidcSection(
        issuer=keycloak.issuer(REALM),
        client_id="appliance",
        client_secret_file=str(folder / "secrets" / "appliance"),
        audience="appliance",
        allowed_azp=("appliance", "appliance-service"),
        admitted_groups=("/staff", "/admins"),
        role_groups={"administrator": ("/admins",)},
        strict_groups=True,
        step_up_acr="1",
        directory_client_id="appliance-directory",
        directory_secret_file=str(folder / "secrets" / "appliance-directory"),
    )
    settings = msgspec.structs.replace(
        settings_for(folder / "data", engine.url, engine.url),
        server=ServerSection(port=port),
        identity=IdentitySection(mode="oidc", oidc=oidc),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rounds, "ROUND_S", ROUND_S)
        async with gateway(settings, port=port) as running:
            yield Firm(keycloak, running, url)


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("SKIPPED: no chromium; 'apt-get install chromium'")
    expect.set_options(timeout=30_000)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        await browser.close()


@dataclass
class Tab:
    """A fresh browser profile at the appliance."""

    firm: Firm
    page: Page

    async def log_in(self, name: str, *, within_ms: int = 30_000) -> None:
        """Through the button, and Keycloak's own form."""
        await self.page.goto(self.firm.url)
        await self.page.get_by_role("link", name="Log in with single sign-on").click()
        await self.page.locator("#username").fill(name)
        await self.page.locator("#password").fill(PASSWORD)
        await self.page.locator("#kc-login").click()
        await self.page.get_by_role("heading", name="What would you like to know?").wait_for(timeout=within_ms)

    async def cookies(self) -> dict[str, str]:
        """Of the appliance, as a program would send them."""
        found = await self.page.context.cookies(self.firm.url)
        return {str(c.get("name")): str(c.get("value")) for c in found}


@pytest.fixture
async def tab(firm: Firm, chromium: Browser) -> AsyncIterator[Tab]:
    context = await chromium.new_context(locale="en-GB", viewport={"width": 1280, "height": 800})
    context.set_default_timeout(30_000)
    yield Tab(firm, await context.new_page())
    await context.close()


@pytest.fixture
def name() -> str:
    """Of somebody whom no other test knows."""
    return f"p{secrets.token_hex(4)}"
