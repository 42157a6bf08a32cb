"""The README's first question in a browser, and what a visitor must not notice."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SHAPES, Visit
from tests.support.process import ApplianceProcess

pytestmark = [pytest.mark.engine, pytest.mark.browser]

QUESTION = "How much does the company pay per night for a hotel?"


FIRST_PAINT = """() => new Promise((tell) => {
    new PerformanceObserver((list) => {
        const found = list.getEntries().find((entry) => entry.name === "first-contentful-paint");
        if (found) tell(found.startTime);
    }).observe({ type: "paint", buffered: true });
})"""


def ask(visit: Visit, question: str = QUESTION) -> None:
    box = visit.page.get_by_role("textbox", name="Ask a question")
    box.fill(question)
    box.press("Enter")


def test_the_answer_is_cited_and_its_source_opens_on_its_page(visit: Visit) -> None:
    visit.log_in()
    ask(visit)
    mark = visit.page.get_by_role("button", name=re.compile(r"Source 1: handbook\.pdf, page 4"))
    mark.wait_for()
    expect(visit.page.locator("main")).to_contain_text("140 euros")
    mark.click()
    panel = visit.page.get_by_role("complementary", name="Sources of this answer")
    expect(panel).to_contain_text("140 euros per night")
    expect(panel.get_by_role("img", name="Page 4 of handbook.pdf")).to_be_visible()
    visit.page.get_by_role("link", name="Open the document").click()
    expect(visit.page.locator("main")).to_contain_text("Business travel")
    visit.check_quiet()


def test_the_conversation_is_there_after_a_reload(visit: Visit) -> None:
    visit.log_in()
    ask(visit)
    visit.page.get_by_role("button", name=re.compile("Source 1")).wait_for()
    visit.page.reload()
    expect(visit.page.locator("main")).to_contain_text("140 euros")
    expect(visit.page.get_by_role("button", name=re.compile("Source 1"))).to_be_visible()
    visit.check_quiet()


def test_what_is_not_in_the_documents_is_said_so(visit: Visit) -> None:
    visit.log_in()
    ask(visit, "Who painted the ceiling of the opera in Vienna?")
    expect(visit.page.locator("main")).to_contain_text("Your documents do not say")
    visit.check_quiet()


def test_a_file_is_uploaded_and_answers(visit: Visit, tmp_path: Path) -> None:
    visit.log_in()
    file = tmp_path / "parking.md"
    file.write_text("# Parking\n\nVisitors park on level minus two. The gate code is 7731.\n")
    visit.page.get_by_role("link", name="Library").click()
    visit.page.get_by_role("button", name="New collection").first.click()
    visit.page.get_by_label("Name", exact=True).fill(f"Parking {tmp_path.name}")
    visit.page.get_by_role("dialog").get_by_role("button", name="Create").click()
    with visit.page.expect_file_chooser() as chooser:
        visit.page.get_by_role("button", name="Upload files").first.click()
    chooser.value.set_files(file)
    row = visit.page.get_by_role("row", name=re.compile("parking.md"))
    expect(row).to_contain_text("Indexed")
    visit.page.get_by_role("link", name="New chat").click()
    ask(visit, "What is the gate code for visitors who park?")
    expect(visit.page.locator("main")).to_contain_text("7731")
    visit.check_quiet()


def test_everything_works_with_the_keyboard_alone(visit: Visit) -> None:
    visit.page.goto(visit.base)
    visit.page.get_by_label("E-mail").wait_for()
    reach(visit, "E-mail")
    visit.page.keyboard.type("admin@localhost")
    reach(visit, "Password")
    visit.page.keyboard.type("correct horse battery staple")
    visit.page.keyboard.press("Enter")
    visit.page.get_by_role("heading", name="What would you like to know?").wait_for()
    reach(visit, "Ask a question")
    visit.page.keyboard.type(QUESTION)
    visit.page.keyboard.press("Enter")
    visit.page.get_by_role("button", name=re.compile("Source 1")).wait_for()
    reach(visit, "Source 1", back=True)
    visit.page.keyboard.press("Enter")
    panel = visit.page.get_by_role("complementary", name="Sources of this answer")
    expect(panel).to_contain_text("140 euros per night")
    visit.page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    visit.check_quiet()


def reach(visit: Visit, name: str, *, back: bool = False) -> None:
    """Press Tab until the control of that name has the focus. Raises AssertionError."""
    script = """() => {
        const e = document.activeElement;
        const label = e.labels && e.labels.length ? e.labels[0].innerText : "";
        return [e.getAttribute("aria-label") || "", label, e.innerText || ""].join(" | ");
    }"""
    for _ in range(60):
        if name in visit.page.evaluate(script):
            return
        visit.page.keyboard.press("Shift+Tab" if back else "Tab")
    raise AssertionError(f"'{name}' cannot be reached with the keyboard")


@pytest.mark.parametrize("visit", list(SHAPES), indirect=True)
def test_it_is_readable_on_every_screen(visit: Visit, request: pytest.FixtureRequest) -> None:
    visit.log_in()
    ask(visit)
    visit.page.get_by_role("button", name=re.compile("Source 1")).wait_for()
    wide = visit.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"the page is {wide} px wider than the screen"
    colours = visit.page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    assert contrast(*colours) >= 4.5
    dark = "dark" in request.node.name
    assert (luminance(colours[1]) < 0.2) is dark
    visit.page.get_by_role("button", name=re.compile("Source 1")).click()
    expect(visit.page.get_by_role("complementary", name="Sources of this answer")).to_contain_text("140 euros")
    visit.check_quiet()


def test_first_paint(visit: Visit) -> None:
    """The bound of the product's promise on its own machine: 1 s, with the bundle not yet cached."""
    visit.log_in()
    visit.page.goto(visit.base)
    visit.page.get_by_role("heading", name="What would you like to know?").wait_for()
    paint = visit.page.evaluate(FIRST_PAINT)
    print(f"\nfirst contentful paint of the chat page: {paint:.0f} ms")
    assert paint > 0
    visit.check_quiet()


def test_the_page_s_rules_forbid_foreign_content(product: ApplianceProcess, visit: Visit) -> None:
    reply = visit.page.goto(visit.base)
    assert reply is not None
    policy = reply.headers["content-security-policy"]
    assert "default-src 'self'" in policy or "default-src 'none'" in policy
    assert "unsafe-inline" not in policy.split("style-src")[0]
    assert "http" not in policy


def luminance(colour: str) -> float:
    """Relative luminance of `rgb(r, g, b)`, WCAG 2.2."""
    parts = [int(float(x)) / 255 for x in re.findall(r"[\d.]+", colour)[:3]]
    red, green, blue = (x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(left: str, right: str) -> float:
    """Contrast ratio, WCAG 2.2."""
    lighter, darker = sorted((luminance(left), luminance(right)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)
