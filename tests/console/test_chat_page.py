"""Chats on the simulator's page in Chromium: phones of several channels side by side, and who can use them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Locator, Response, expect

from tests.console.auditing import audit
from tests.console.browser import Desk, chromium, new_window, stored
from tests.digits import stands_in
from tests.http.servers import ServerProcess, serving

ASKED = "What would you like?"
PIN = "7359"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def server(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    data: Path = tmp_path_factory.mktemp("chats") / "data"
    with serving(data, "tests.console.chat_app:app") as server:
        yield server


@pytest.fixture(scope="module")
def desk(browser: Browser, server: ServerProcess) -> Iterator[Desk]:
    """The page, with a phone for each channel. One for all tests: each goes on where its chats are."""
    desk = Desk(new_window(browser, locale="en-GB"), f"http://127.0.0.1:{server.port}/simulator")
    yield desk
    assert desk.problems == []
    desk.page.context.close()


class Chat:
    """A phone of the page with a chat on it."""

    def __init__(self, desk: Desk, place: int) -> None:
        self.page = desk.page
        self.place = desk.page.get_by_role("article", name=f"Phone {place}")
        self.log = self.place.get_by_role("log")
        self.field = self.place.locator(".typed")

    def write(self, text: str) -> Chat:
        self.field.fill(text)
        with self.page.expect_response(_is_a_deed):
            self.field.press("Enter")
        return self

    def tap(self, name: str, *, first: bool = False) -> Chat:
        """A button of the chat, the last one of its name or the first."""
        found = self.log.get_by_role("button", name=name, exact=True)
        return self._do(found.first if first else found.last)

    def press(self, name: str | re.Pattern[str]) -> Chat:
        """A button around the chat."""
        return self._do(self.place.get_by_role("button", name=name))

    def says(self, text: str) -> Chat:
        """The app has said it last."""
        expect(self.log.locator(".theirs").last).to_contain_text(text)
        return self

    def _do(self, button: Locator) -> Chat:
        with self.page.expect_response(_is_a_deed):
            button.click()
        expect(self.place.locator(".device")).to_have_attribute("aria-busy", "false")
        return self


def _is_a_deed(response: Response) -> bool:
    return response.request.method == "POST" and "/api/phones/" in response.url


@pytest.fixture
def whatsapp(desk: Desk) -> Chat:
    return Chat(desk, 2)


@pytest.fixture
def telegram(desk: Desk) -> Chat:
    return Chat(desk, 3)


def test_a_phone_of_each_channel_side_by_side(desk: Desk, whatsapp: Chat, telegram: Chat) -> None:
    desk.phone(1).dial().shows(ASKED, "1 Tea")
    whatsapp.write("hello").says(ASKED)
    telegram.press("Start").says(ASKED)
    expect(whatsapp.log.locator(".ticks.delivered")).to_have_count(1)
    expect(whatsapp.place.locator(".window")).to_contain_text("open 23 h")
    raw = desk.tab("Raw")
    expect(raw).to_contain_text("POST https://api.telegram.org/bot…/sendMessage")
    history = desk.tab("History")
    expect(history).to_contain_text("sendMessage")
    expect(history).to_contain_text("message")


def test_a_list_opens_and_a_row_answers_by_keyboard(whatsapp: Chat) -> None:
    whatsapp.log.get_by_role("button", name="Choose").last.press("Enter")
    sheet = whatsapp.place.get_by_role("dialog", name="Choose")
    expect(sheet.get_by_role("button", name="Tea")).to_be_focused()
    whatsapp.page.keyboard.press("Escape")
    expect(sheet).to_have_count(0)
    whatsapp.log.get_by_role("button", name="Choose").last.click()
    with whatsapp.page.expect_response(_is_a_deed):
        sheet.get_by_role("button", name="A flavour").press("Enter")
    whatsapp.says("Which flavour?")


def test_an_old_button_says_so(telegram: Chat) -> None:
    telegram.tap("Tea").says("Which size?")
    telegram.tap("Pay").says("That button is of an older message.")
    expect(telegram.place.locator(".toast")).to_contain_text("older message")
    telegram.tap("Large").says("A cup of tea")


def test_what_a_member_sends(whatsapp: Chat) -> None:
    for what in ("Photo", "Location", "Own number"):
        whatsapp.place.get_by_role("button", name="Send something else").click()
        whatsapp.press(what)
    picture = whatsapp.log.get_by_role("img", name="A image")
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("image => image.naturalWidth") == 480


def test_webhooks_come_again_later_and_in_one(desk: Desk, whatsapp: Chat) -> None:
    whatsapp.press("Same again")
    expect(desk.tab("History")).to_contain_text("repeated")
    whatsapp.press("Hold back webhooks").write("Mint")
    expect(whatsapp.place.locator(".held")).to_contain_text("1 held back")
    whatsapp.press("In one").says("With Mint.")


def test_a_closed_window_and_a_provider_that_is_down(desk: Desk, whatsapp: Chat) -> None:
    mood = whatsapp.place.get_by_label("WhatsApp is")
    with desk.page.expect_response(_is_a_deed):
        mood.select_option("down")
    whatsapp.write("hello")
    expect(whatsapp.place.get_by_label("What did not get away")).to_contain_text("tried again")
    desk.advance("+24 h")
    expect(whatsapp.place.locator(".window")).to_contain_text("closed")
    with desk.page.expect_response(_is_a_deed):
        mood.select_option("well")
    whatsapp.write("hello again").says(ASKED)


def test_a_secret_is_entered_on_its_page_and_shows_nowhere(desk: Desk, telegram: Chat) -> None:
    telegram.write("Pay").says("Enter PIN")
    with desk.page.context.expect_page() as opened:
        telegram.log.get_by_role("link", name="Enter it here").last.click()
    page = opened.value
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Enter PIN").fill(PIN)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Thank you.")).to_be_visible()
    token = page.url.partition("/secret/")[2]
    page.close()
    telegram.says("Paid.")  # by itself
    desk.tab("Transcript")
    heard = desk.heard() + stored(desk.page) + desk.page.content()
    assert len(token) > 100
    assert token not in heard
    assert not stands_in(PIN, heard)


def test_an_audit_of_chats_finds_nothing(desk: Desk, whatsapp: Chat, telegram: Chat) -> None:
    desk.page.evaluate(Axe().axe_script)
    desk.tab("Conversation")
    whatsapp.place.get_by_role("button", name="Send something else").click()
    telegram.press("Hold back webhooks").press("Block")
    audit(desk, "three channels", wide=True)
    telegram.press("Unblock").press("Release")
    whatsapp.log.get_by_role("button", name="Choose").last.click()
    audit(desk, "a list that is open", wide=False)
