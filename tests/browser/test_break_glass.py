"""Breaking the glass in the browser: one asks, another approves, the person is told."""

import json
import urllib.request
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.support.process import PASSWORD, ApplianceProcess

pytestmark = [pytest.mark.engine, pytest.mark.browser]

REASON = "Complaint 4711 of the works council"


def operator_call(product: ApplianceProcess, method: str, path: str, body: dict[str, Any]) -> Any:
    token = json.loads((product.data / "run" / "operator.json").read_text())["token"]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(product.url + path, json.dumps(body).encode(), headers, method=method)  # noqa: S310 - our own address
    with urllib.request.urlopen(request, timeout=30) as reply:  # noqa: S310 - our own address
        return json.load(reply)


def enter(page: Page, base: str, email: str) -> None:
    """In a new session."""
    page.context.clear_cookies()
    page.goto(base)
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="What would you like to know?").wait_for()


def test_one_asks_another_approves_and_the_person_is_told(visit: Visit, product: ApplianceProcess) -> None:
    page = visit.page
    for name, roles in (("Ada Asked", ["user"]), ("Otto Auditor", ["user", "auditor"])):
        email = f"{name.split()[0].lower()}@x.test"
        body = {"email": email, "name": name, "password": PASSWORD, "roles": roles}
        operator_call(product, "POST", "/api/users", body)
    enter(page, visit.base, "otto@x.test")
    page.goto(f"{visit.base}/account")
    page.get_by_label("Person").select_option(label="Ada Asked")
    page.get_by_label("Reason").fill(REASON)
    page.get_by_role("button", name="Ask", exact=True).click()
    row = page.get_by_role("listitem").filter(has_text=REASON)
    expect(row).to_contain_text("Waiting")
    expect(row.get_by_role("button", name="Approve")).to_have_count(0)  # nobody approves their own
    page.context.clear_cookies()
    visit.log_in()
    page.goto(f"{visit.base}/account")
    row = page.get_by_role("listitem").filter(has_text=REASON)
    row.get_by_role("button", name="Approve").click()
    expect(row).to_contain_text("Open")
    expect(row.get_by_role("button", name="Read")).to_have_count(0)  # only who asked reads
    enter(page, visit.base, "ada@x.test")
    page.get_by_role("link", name="See who and why").click()
    notice = page.locator("#notices")
    expect(notice).to_contain_text("Otto Auditor may read your conversations until")
    expect(notice).to_contain_text(REASON)
    notice.get_by_role("button", name="I have read this").click()
    expect(page.get_by_role("link", name="See who and why")).to_have_count(0)
    visit.check_quiet()
