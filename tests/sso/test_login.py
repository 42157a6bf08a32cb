"""A person in a real browser, through a real Keycloak: in, a question, and out from both sides."""

import asyncio
import time

import httpx
import jwt
from playwright.async_api import expect

from tests.sso.conftest import PASSWORD, REALM, Firm, Tab

TIMEOUT_S = 30


async def test_somebody_logs_in_and_asks(firm: Firm, tab: Tab, name: str) -> None:
    firm.person(name, "/staff/legal")
    await tab.log_in(name)
    page = tab.page
    await page.get_by_role("textbox").first.fill("Good morning")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Good morning").first).to_be_visible()
    await page.wait_for_url("**/c/*")
    cookies = await page.context.cookies(firm.url)
    mine = [c for c in cookies if str(c.get("name")).endswith("appliance_session")]
    assert len(mine) == 1
    assert mine[0]["httpOnly"]
    assert mine[0]["sameSite"] == "Lax"
    kept = await page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert "eyJ" not in kept + str(cookies), "no token of Keycloak's is in the browser"


async def test_a_logout_here_ends_the_session_at_keycloak(firm: Firm, tab: Tab, name: str) -> None:
    subject = firm.person(name, "/staff")
    await tab.log_in(name)
    before = await tab.cookies()
    assert firm.admin.get_sessions(subject)
    await tab.page.get_by_role("button", name="Log out").click()
    await expect(tab.page.get_by_text("You are logged out.")).to_be_visible()
    assert firm.admin.get_sessions(subject) == []
    async with firm.gateway.client(cookies=before) as replayed:
        assert (await replayed.get("/api/me")).status_code == 401
    await tab.page.get_by_role("link", name="Log in with single sign-on").click()
    await expect(tab.page.locator("#username")).to_be_visible()  # Keycloak asks again


async def test_a_logout_at_keycloak_ends_the_session_here(firm: Firm, tab: Tab, name: str) -> None:
    subject = firm.person(name, "/staff")
    await tab.log_in(name)
    cookies = await tab.cookies()
    began = time.monotonic()
    await asyncio.to_thread(firm.admin.user_logout, subject)
    async with firm.gateway.client(cookies=cookies) as client:
        while (await client.get("/api/me")).status_code != 401:
            assert time.monotonic() - began < TIMEOUT_S
            await asyncio.sleep(0.02)
    print(f"logout at Keycloak → session here dead: {time.monotonic() - began:.2f} s")
    await tab.page.reload()
    await expect(tab.page.get_by_role("link", name="Log in with single sign-on")).to_be_visible()


async def test_somebody_of_no_admitted_group_reads_why(firm: Firm, tab: Tab, name: str) -> None:
    firm.person(name, "/guests")
    page = tab.page
    await page.goto(firm.url)
    await page.get_by_role("link", name="Log in with single sign-on").click()
    await page.locator("#username").fill(name)
    await page.locator("#password").fill(PASSWORD)
    await page.locator("#kc-login").click()
    await expect(page.get_by_text("You have no access to this appliance.")).to_be_visible()


async def test_auth_16_keycloak_refuses_a_login_without_pkce(firm: Firm) -> None:
    address = f"{firm.keycloak.issuer(REALM)}/protocol/openid-connect/auth"
    good = {
        "response_type": "code",
        "client_id": "appliance",
        "redirect_uri": f"{firm.url}/auth/oidc/callback",
        "scope": "openid",
        "state": "s" * 43,
        "nonce": "n" * 43,
        "code_challenge": "c" * 43,
        "code_challenge_method": "S256",
    }
    bent = {
        "no PKCE": {k: v for k, v in good.items() if not k.startswith("code_")},
        "plain": {**good, "code_challenge_method": "plain"},
        "no method": {k: v for k, v in good.items() if k != "code_challenge_method"},
        "short": {**good, "code_challenge": "c" * 20},
        "other address": {**good, "redirect_uri": "https://evil.example/auth/oidc/callback"},
        "address with more": {**good, "redirect_uri": f"{firm.url}/auth/oidc/callback/../../evil"},
        "implicit": {**good, "response_type": "id_token token"},
    }
    async with httpx.AsyncClient(trust_env=False) as client:
        honest = await client.get(address, params=good)
        assert honest.status_code == 200
        assert "kc-login" in honest.text
        for what, asked in bent.items():
            reply = await client.get(address, params=asked)
            assert "kc-login" not in reply.text, what
            assert "code=" not in reply.headers.get("location", "").replace("error_code=", ""), what


async def test_a_service_account_calls_with_its_own_token(firm: Firm) -> None:
    admin = firm.admin
    internal = str(admin.get_client_id("appliance-service"))
    account = admin.get_client_service_account_user(internal)["id"]
    firm.join(account, "/staff")
    secret = admin.get_client_secrets(internal)["value"]
    async with httpx.AsyncClient(trust_env=False) as client:
        reply = await client.post(
            f"{firm.keycloak.issuer(REALM)}/protocol/openid-connect/token",
            data={"grant_type": "client_credentials"},
            auth=("appliance-service", secret),
        )
        token = reply.json()["access_token"]
        grants = await client.post(
            f"{firm.keycloak.issuer(REALM)}/protocol/openid-connect/token",
            data={"grant_type": "password", "username": "x", "password": PASSWORD},
            auth=("appliance-service", secret),
        )
    assert grants.status_code in (400, 401), "the password grant is off"
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["groups"] == ["/staff"]
    async with firm.gateway.client(headers={"Authorization": f"Bearer {token}"}) as program:
        assert (await program.get("/v1/models")).status_code == 200
