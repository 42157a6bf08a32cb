"""An act that asks for a fresh proof leads to it by a button, and goes through afterwards; groups show their place."""

import pytest
from playwright.async_api import expect

from appliance.identity import guards
from tests.sso.conftest import PASSWORD, Firm, Tab


async def test_a_button_leads_to_the_proof_and_back(
    firm: Firm, tab: Tab, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    firm.person(name, "/admins", "/staff/legal")
    await tab.log_in(name)
    page = tab.page
    await page.goto(f"{firm.url}/account")
    people = page.locator("section", has=page.get_by_role("heading", name="People"))
    row = people.get_by_role("listitem").filter(has_text=f"{name}@firm.test")
    await expect(row).to_contain_text("Through these also in: /staff")
    groups = page.locator("section", has=page.get_by_role("heading", name="Groups", exact=True))
    legal = groups.get_by_role("listitem").filter(has_text="/staff/legal")
    await expect(legal).to_contain_text("Inside /staff")
    await expect(legal).to_contain_text("Kept by single sign-on")
    monkeypatch.setattr(guards, "STEP_UP_S", -1)  # as if the login was long ago
    await add(tab, name)
    await expect(people.get_by_role("alert")).to_contain_text("This needs a fresh proof of who you are.")
    monkeypatch.undo()
    await people.get_by_role("link", name="Prove who you are").click()
    await page.locator("#password").fill(PASSWORD)
    await page.locator("#kc-login").click()
    await page.wait_for_url(f"{firm.url}/account")
    await add(tab, name)
    await expect(people.get_by_role("listitem").filter(has_text=f"new-{name}@x.test")).to_be_visible()


async def add(tab: Tab, name: str) -> None:
    people = tab.page.locator("section", has=tab.page.get_by_role("heading", name="People"))
    await people.get_by_label("Name").fill(f"New {name}")
    await people.get_by_label("E-mail").fill(f"new-{name}@x.test")
    await people.get_by_role("button", name="Add a person").click()
