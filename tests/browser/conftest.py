"""Debian's chromium against the whole appliance."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

from tests.support.process import ADMIN, PASSWORD, ApplianceProcess


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("SKIPPED: no chromium; 'apt-get install chromium'")
    expect.set_options(timeout=60_000)  # real engines on two cores
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Visit:
    """A page and everything it asked for and complained about."""

    page: Page
    base: str
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on("request", self._asked)
        self.page.on("console", lambda m: self.complaints.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda e: self.complaints.append(str(e)))

    def _asked(self, request: Request) -> None:
        self.requests.append(request.url)

    def log_in(self) -> None:
        self.page.goto(self.base)
        self.page.get_by_label("E-mail").fill(ADMIN)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.get_by_role("heading", name="What would you like to know?").wait_for()

    def check_quiet(self) -> None:
        """No complaint, and nothing asked of anybody else."""
        assert self.complaints == []
        strange = [u for u in self.requests if not u.startswith((self.base, "data:", "blob:"))]
        assert strange == []


@pytest.fixture(params=["desktop, light"])
def visit(request: pytest.FixtureRequest, chromium: Browser, product: ApplianceProcess) -> Iterator[Visit]:
    """A fresh browser profile; parametrise indirectly with `SHAPES` for other screens."""
    shape = SHAPES[request.param]
    context = chromium.new_context(locale="en-GB", **shape)  # type: ignore[arg-type]
    context.set_default_timeout(30_000)
    made = Visit(context.new_page(), product.url)
    made.watch()
    yield made
    context.close()


SHAPES: dict[str, dict[str, object]] = {
    "desktop, light": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light"},
    "desktop, dark": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
    "phone, light": {"viewport": {"width": 375, "height": 700}, "color_scheme": "light"},
    "phone, dark": {"viewport": {"width": 375, "height": 700}, "color_scheme": "dark"},
}
