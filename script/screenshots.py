"""Takes the README's picture from a running appliance: script/screenshots.py URL PASSWORD.

Needs Debian's chromium and the sample documents in the appliance.
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

TARGET = Path(__file__).resolve().parents[1] / "docs" / "images"
QUESTION = "How much does the company pay per night for a hotel?"


def main(url: str, password: str) -> None:
    TARGET.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 800}, locale="en-GB")
        page.goto(url)
        page.get_by_label("E-mail").fill("admin@localhost")
        page.get_by_label("Password").fill(password)
        page.keyboard.press("Enter")
        box = page.get_by_role("textbox", name="Ask a question")
        box.fill(QUESTION)
        box.press("Enter")
        page.get_by_role("button", name="Source 1").first.click()
        page.get_by_role("img", name="Page 4 of handbook.pdf").wait_for()
        page.wait_for_load_state("networkidle")
        page.screenshot(path=TARGET / "answer.png")
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:3])
