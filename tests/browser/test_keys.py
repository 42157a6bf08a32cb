"""The page of keys, with the keyboard alone, on every screen."""

import json
import urllib.request

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SHAPES, Visit

pytestmark = [pytest.mark.engine, pytest.mark.browser]


def listed(visit: Visit, key: str) -> list[str]:
    """Ids of the models that a program sees with the key."""
    headers = {"Authorization": f"Bearer {key}"}
    request = urllib.request.Request(f"{visit.base}/v1/models", headers=headers)  # noqa: S310 - our own address
    with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310 - our own address
        return [model["id"] for model in json.load(reply)["data"]]


@pytest.mark.parametrize("visit", SHAPES, indirect=True)
def test_a_key_is_made_narrowed_rotated_and_revoked(visit: Visit) -> None:
    visit.log_in()
    page = visit.page
    page.goto(f"{visit.base}/account")
    page.get_by_role("link", name="Manage keys").focus()
    page.keyboard.press("Enter")
    own = page.locator("section", has=page.get_by_role("heading", name="Your keys"))
    own.get_by_label("Name").fill("nightly report")
    own.get_by_text("Narrow what it may do").focus()
    page.keyboard.press("Enter")
    own.get_by_role("group", name="Assistants").get_by_label("Company documents").focus()
    page.keyboard.press("Space")
    own.get_by_role("button", name="Create key").focus()
    page.keyboard.press("Enter")
    secret = own.locator(".secret__text")
    expect(secret).to_contain_text("pma_")
    first = secret.inner_text()
    models = listed(visit, first)
    assert "documents" in models
    assert "chat" not in models
    row = own.get_by_role("listitem").filter(has_text="nightly report").first
    expect(row).to_contain_text("Assistants: Company documents")
    row.get_by_role("button", name="Rotate: nightly report").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Hours for which the old secret works").fill("1")
    page.keyboard.press("Enter")
    expect(dialog.locator(".secret__text")).to_contain_text("pma_")
    second = dialog.locator(".secret__text").inner_text()
    assert second != first
    assert listed(visit, first) == listed(visit, second) == models
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(row).to_contain_text("the old secret works until")
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, "nothing sticks out to the side"
    row.get_by_role("button", name="Revoke: nightly report").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    visit.check_quiet()


def test_an_administrator_gives_a_program_an_account(visit: Visit) -> None:
    visit.log_in()
    page = visit.page
    page.goto(f"{visit.base}/account/keys")
    section = page.locator("section", has=page.get_by_role("heading", name="Service accounts"))
    section.get_by_label("Name of the program").fill("Invoices")
    section.get_by_role("button", name="Add a service account").click()
    row = section.get_by_role("listitem").filter(has_text="Invoices").first
    expect(row).to_contain_text("answered for by")
    row.get_by_text("Keys of Invoices").click()
    row.get_by_label("Name").fill("import")
    row.get_by_role("button", name="Create key").click()
    expect(row.locator(".secret__text")).to_contain_text("pma_")
    row.get_by_role("button", name="Disable").click()
    expect(row).to_contain_text("Disabled")
    visit.check_quiet()
