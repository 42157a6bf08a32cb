"""Why a source is seen, what roles may do, and who is in a group: in the browser, by keyboard where it matters."""

import re
import uuid

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SHAPES, Visit
from tests.browser.test_first_question import ask

pytestmark = [pytest.mark.engine, pytest.mark.browser]


def fits(page: Page) -> None:
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, "nothing sticks out to the side"


@pytest.mark.parametrize("visit", SHAPES, indirect=True)
def test_a_citation_answers_why_it_is_seen(visit: Visit) -> None:
    visit.log_in()
    ask(visit)
    visit.page.get_by_role("button", name=re.compile(r"Source 1: handbook\.pdf")).click()
    panel = visit.page.get_by_role("complementary", name="Sources of this answer")
    why = panel.get_by_role("button", name="Why can I see this?")
    expect(why).to_have_attribute("aria-expanded", "false")
    why.focus()
    visit.page.keyboard.press("Enter")
    told = panel.get_by_role("status", name="Why can I see this?")
    expect(told).to_contain_text("In the collection “Samples”")
    expect(told).to_contain_text("You are the owner.")
    expect(told).to_contain_text("Everyone may read it.")
    fits(visit.page)
    visit.page.keyboard.press("Enter")
    expect(told).not_to_contain_text("Everyone may read it.")
    visit.check_quiet()


@pytest.mark.parametrize("visit", SHAPES, indirect=True)
def test_the_table_of_roles_is_shown(visit: Visit) -> None:
    visit.log_in()
    page = visit.page
    page.goto(f"{visit.base}/account")
    page.get_by_role("link", name="See the roles").click()
    expect(page.get_by_role("heading", name="Roles")).to_be_visible()
    administrator = page.locator("details", has_text="Administrator").filter(has_text="Yours").last
    expect(administrator).to_contain_text("Give and take roles")
    auditor = page.locator("details").filter(has_text="Auditor")
    expect(auditor.get_by_text("Read, check and export the audit")).to_be_hidden()
    auditor.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(auditor.get_by_text("Read, check and export the audit")).to_be_visible()
    fits(page)
    visit.check_quiet()


def test_an_administrator_gives_a_role_and_lets_somebody_keep_a_group(visit: Visit) -> None:
    visit.log_in()
    page, name = visit.page, f"Ann {uuid.uuid4().hex[:6]}"
    page.goto(f"{visit.base}/account")
    people = page.locator("section", has=page.get_by_role("heading", name="People"))
    people.get_by_label("Name").fill(name)
    people.get_by_label("E-mail").fill(f"{name.replace(' ', '-')}@x.test")
    people.get_by_role("button", name="Add a person").click()
    row = people.get_by_role("listitem").filter(has=page.locator("strong", has_text=name))
    row.locator("summary").click()
    row.get_by_label("Auditor").click()  # it is checked once the server has said so
    expect(row.locator("summary")).to_contain_text("Roles: Auditor")
    groups = page.locator("section", has=page.get_by_role("heading", name="Groups", exact=True))
    groups.get_by_label("Name of the group").fill(f"Team of {name}")
    groups.get_by_role("button", name="Add a group").click()
    team = groups.get_by_role("listitem").filter(has_text=f"Team of {name}")
    team.locator("summary").first.click()
    keepers = team.get_by_role("region", name="Administrators of the group")
    keepers.get_by_label("Add").select_option(label=name)
    expect(keepers.get_by_role("button", name=f"Remove: {name}")).to_be_visible()
    members = team.get_by_role("region", name="Members")
    members.get_by_label("Add").select_option(label=name)
    expect(members.get_by_role("button", name=f"Remove: {name}")).to_be_visible()
    expect(row.locator("summary")).to_contain_text("Group administrator, Auditor")
    fits(page)
    visit.check_quiet()


@pytest.mark.parametrize("visit", SHAPES, indirect=True)
def test_an_owner_looks_with_the_eyes_of_another(visit: Visit) -> None:
    visit.log_in()
    page = visit.page
    page.goto(f"{visit.base}/library")
    page.get_by_role("link", name="Samples").first.click()
    page.get_by_role("button", name="Who sees this?").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Person").select_option(label="Administrator")
    expect(dialog.get_by_role("status").first).to_contain_text("Administrator sees this collection.")
    expect(dialog).to_contain_text("Is the owner.")
    dialog.get_by_label("What would this person find?").fill("hotel per night")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("list", name="What this person finds")).to_contain_text("handbook.pdf")
    fits(page)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    visit.check_quiet()
