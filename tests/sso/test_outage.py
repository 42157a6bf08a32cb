"""Keycloak is stopped and comes back, and changes its keys; nobody who is in notices, and nobody helps.

`python -m pytest -s tests/sso/test_outage.py --outage-s 600` is the campaign of ten minutes.
"""

import asyncio
import time

import pytest
from playwright.async_api import Error, expect

from appliance.settings import OidcSection
from tests.sso.conftest import Firm, Tab
from tests.sso.test_revocation import as_client

LOGIN_EVERY = 20
"""Requests between two new logins: about five seconds."""


@pytest.mark.timeout(1200)  # the campaign lasts ten minutes, and Keycloak starts three times
async def test_an_outage_ends_no_session_and_no_key(
    firm: Firm, tab: Tab, name: str, request: pytest.FixtureRequest
) -> None:
    outage_s = float(request.config.getoption("--outage-s"))
    firm.person(name, "/staff")
    await tab.log_in(name)
    async with await as_client(firm, tab) as client:
        key = (await client.ok("POST", "/api/keys", {"name": "k", "expires_in_days": 1}))["key"]
        async with firm.gateway.client(headers={"Authorization": f"Bearer {key}"}) as program:
            await asyncio.to_thread(firm.keycloak.stop)
            began, asked, refused_logins = time.monotonic(), 0, 0
            while time.monotonic() - began < outage_s:
                assert (await client.get("/api/me")).status_code == 200
                assert (await program.get("/v1/models")).status_code == 200
                asked += 2
                if asked % LOGIN_EVERY == 0:
                    await a_new_login_is_told(firm)
                    refused_logins += 1
                await asyncio.sleep(0.5)
            down_s = time.monotonic() - began
            await new_logins_get_the_page(firm, tab)
            await asyncio.to_thread(firm.keycloak.start)
            back = time.monotonic()
            await asyncio.sleep(OidcSection().check_interval_s + 3)
            assert (await client.get("/api/me")).status_code == 200, "also once the provider was asked about it again"
            assert (await program.get("/v1/models")).status_code == 200
    print(f"Keycloak down for {down_s:.0f} s: {asked} requests by session and key, 0 refused")
    print(f"new logins meanwhile: {refused_logins + 1}, each got the page that says so")
    other = f"{name}b"
    firm.person(other, "/staff")
    context = await tab.page.context.browser.new_context(locale="en-GB")  # type: ignore[union-attr]
    context.set_default_timeout(30_000)
    await Tab(firm, await context.new_page()).log_in(other)
    print(f"Keycloak back, and the session of before was renewed → somebody new is in: {time.monotonic() - back:.1f} s")
    await context.close()


async def a_new_login_is_told(firm: Firm) -> None:
    """As a browser begins one; no error of the server, and no wait for a provider that is not there."""
    began = time.monotonic()
    async with firm.gateway.client() as stranger:
        reply = await stranger.get("/auth/oidc/login")
    assert (reply.status_code, reply.headers["location"].partition("&")[0]) == (303, "/login?problem=unavailable")
    assert time.monotonic() - began < 6


async def new_logins_get_the_page(firm: Firm, tab: Tab) -> None:
    context = await tab.page.context.browser.new_context(locale="en-GB")  # type: ignore[union-attr]
    page = await context.new_page()
    await page.goto(firm.url)
    await page.get_by_role("link", name="Log in with single sign-on").click()
    await expect(page.get_by_text("Single sign-on is not reachable.")).to_be_visible()
    await expect(page.get_by_role("link", name="Try again")).to_be_visible()
    await context.close()


async def test_new_keys_of_the_realm_are_taken(firm: Firm, tab: Tab, name: str) -> None:
    firm.person(name, "/staff")
    await tab.log_in(name)
    admin = firm.admin
    realm = admin.get_realm("firm")["id"]
    config = {"priority": ["1000"], "enabled": ["true"], "active": ["true"], "algorithm": ["RS256"]}
    admin.create_component(
        {
            "name": "rsa-new",
            "providerId": "rsa-generated",
            "providerType": "org.keycloak.keys.KeyProvider",
            "parentId": realm,
            "config": config,
        }
    )
    began = time.monotonic()
    other = f"{name}b"
    firm.person(other, "/staff")
    context = await tab.page.context.browser.new_context(locale="en-GB")  # type: ignore[union-attr]
    context.set_default_timeout(30_000)
    page = Tab(firm, await context.new_page())
    while True:  # keys are read anew at most every 30 s, whoever asks for one that nobody knows
        try:
            await page.log_in(other, within_ms=15_000)
            break
        except Error:
            assert time.monotonic() - began < 60
            await page.page.context.clear_cookies()
    print(f"realm's key rotated → somebody new is in: {time.monotonic() - began:.1f} s")
    await context.close()
    async with await as_client(firm, tab) as client:
        assert (await client.get("/api/me")).status_code == 200
