"""The simulator's page in Chromium, as whoever develops an app uses it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
from playwright.sync_api import (
    Browser,
    BrowserType,
    ConsoleMessage,
    Locator,
    Page,
    Response,
    expect,
    sync_playwright,
)

QUIET: Final = [
    "--disable-gpu",
    "--disable-gpu-rasterization",  # by software, which Debian asks for: a fifth of what a new page takes
    "--in-process-gpu",
    "--disable-extensions",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

PATIENCE: Final = 60_000
"""Milliseconds until a page is given up: a machine that does much besides is slow, and not wrong."""

REFUSED: Final = "Failed to load resource: the server responded with a status of 4"
"""What Chromium says of a reply that the page shows as an error: said by the browser, not by the page."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """The Chromium of this machine. Skips where there is none, unless `DEMAND_BROWSER` is 1."""
    found = shutil.which("chromium")
    if found is None:
        why = "there is no chromium on the PATH (on Debian and Ubuntu: apt install chromium)"
        if os.environ.get("DEMAND_BROWSER") == "1":
            pytest.fail(why)
        pytest.skip(why)
    with sync_playwright() as playwright:
        browser = _launched(playwright.chromium)
        expect.set_options(timeout=PATIENCE)
        yield browser
        browser.close()


@contextmanager
def that_goes_back(browser: Browser) -> Iterator[Browser]:
    """Another one, in which a page that is left is frozen and comes back as it was, as everybody's does: Playwright
    has it otherwise, for it loses sight of such pages while they are away."""
    other = _launched(browser.browser_type, ignore_default_args=["--disable-back-forward-cache"])
    yield other
    other.close()


def _launched(kind: BrowserType, **options: Any) -> Browser:
    return kind.launch(
        executable_path=shutil.which("chromium"),
        headless=True,
        chromium_sandbox=os.geteuid() != 0,
        args=QUIET,
        timeout=PATIENCE,
        **options,
    )


def new_window(browser: Browser, **options: Any) -> Page:
    context = browser.new_context(**{"reduced_motion": "reduce", "color_scheme": "light", **options})
    context.set_default_timeout(PATIENCE)
    return context.new_page()


class Desk:
    """The page, opened. `problems` is what the browser complained of: a script, a style, a policy."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.problems: list[str] = []
        self._responses: list[Response] = []
        self._ears = {
            "response": self._keep,
            "console": self._hear,
            "pageerror": lambda error: self.problems.append(str(error)),
        }
        for event, ear in self._ears.items():
            page.on(event, ear)  # type: ignore[call-overload]
        page.goto(url)
        expect(page.get_by_role("article", name="Phone 1")).to_be_visible()
        expect(page.locator(".device[aria-busy=true]")).to_have_count(0)

    def phone(self, place: int = 1) -> Handset:
        return Handset(self.page, self.page.get_by_role("article", name=f"Phone {place}"))

    def add(self) -> Handset:
        """One more phone, next to the others."""
        count = self.page.get_by_role("article").count()
        with self.page.expect_response(re.compile("/conversation$")):
            self.page.get_by_role("button", name="Add a phone").click()
        return self.phone(count + 1).settled()

    def leave(self) -> None:
        """Forget what the browser keeps of this page, and stop listening."""
        self.page.evaluate("sessionStorage.clear(); localStorage.clear()")
        for event, ear in self._ears.items():
            self.page.remove_listener(event, ear)

    def heard(self) -> str:
        """All that the server told the page so far."""
        return "\n".join(each.text() for each in self._responses if "/api/" in each.url)

    @property
    def inspector(self) -> Locator:
        return self.page.get_by_role("region", name=re.compile("^Phone [0-9]"))

    def tab(self, name: str) -> Locator:
        """What stands under a tab of the inspector."""
        tab = self.page.get_by_role("tab", name=name)
        tab.click()
        expect(tab).to_have_attribute("aria-selected", "true")
        return self.page.get_by_role("tabpanel")

    def advance(self, label: str) -> None:
        with self.page.expect_response(re.compile("/clock$")):
            self.page.get_by_role("group", name="Move time forward").get_by_role("button", name=label).click()

    def _keep(self, response: Response) -> None:
        self._responses.append(response)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(REFUSED):
            self.problems.append(message.text)


class Handset:
    """One phone of the page."""

    def __init__(self, page: Page, place: Locator) -> None:
        self._page = page
        self.place = place
        self.field = place.locator(".typed")
        self.screen = place.get_by_role("status", name=re.compile("^Screen"))
        self.meter = place.locator(".meter p")
        self.line = place.locator(".screen .line")

    def dial(self, ahead: str = "") -> Handset:
        """Dial with the button."""
        self.field.fill(ahead)
        return self.press(re.compile("^Dial"))

    def answer(self, *answers: str) -> Handset:
        """One answer after the other, each sent with Enter."""
        for text in answers:
            self.field.fill(text)
            with self._page.expect_response(_is_a_deed):
                self.field.press("Enter")
            self.settled()
        return self

    def press(self, name: str | re.Pattern[str]) -> Handset:
        """A button that has the server do something."""
        with self._page.expect_response(_is_a_deed):
            self.place.get_by_role("button", name=name).click()
        return self.settled()

    def settled(self) -> Handset:
        """Wait until it shows what came back."""
        expect(self.place.locator(".device")).to_have_attribute("aria-busy", "false")
        return self

    def shows(self, *texts: str) -> Handset:
        """The screen, or the test fails."""
        for text in texts:
            expect(self.screen).to_contain_text(text)
        return self

    def number(self, number: str) -> Handset:
        """Be somebody else."""
        with self._page.expect_response(re.compile("/conversation$|/phones$")):
            self.place.get_by_label("Number").fill(number)
            self.place.get_by_label("Number").press("Enter")
        return self.settled()


def _is_a_deed(response: Response) -> bool:
    return response.request.method == "POST" and "/api/phones/" in response.url


def stored(page: Page) -> Any:
    """All that the page keeps in the browser, as text, with its address."""
    return page.evaluate(
        "JSON.stringify([{...sessionStorage}, {...localStorage}, location.href, history.state])"
    )
