"""Who can use the page: by keyboard, with a screen reader, in light and in dark, wide and narrow.

With the path of a folder in `SCREENSHOTS`, each state that is audited leaves pictures there, to be looked at.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page, expect

from tests.console.auditing import audit
from tests.console.browser import Desk
from tests.console.desk_app import HOLD
from tests.console.simulator_page.members import NUMBERS, PIN, Member, Open, desk_of, pay


def test_a_whole_payment_by_keyboard_alone(open_desk: Open, member: Member) -> None:
    desk = desk_of(open_desk(), member("Asha"))
    desk.page.reload()
    keyboard, phone = desk.page.keyboard, desk.phone().settled()

    for _ in range(40):
        keyboard.press("Tab")
        assert has_visible_focus(desk.page)
        if desk.page.evaluate("document.activeElement.matches('.typed')"):
            break
    else:
        pytest.fail("the answer cannot be reached with the tab key")
    for typed, seen in (
        ("", "Hello Asha"),
        ("1", "phone number"),
        ("0772000996", "Enter the amount"),
        ("5000", "Send UGX 5,000"),
        ("1", "PIN"),
        (PIN, "Ref"),
    ):
        keyboard.type(typed)
        keyboard.press("Enter")
        phone.shows(seen)

    keyboard.press("Tab")  # away from the field: digits still type on this phone
    keyboard.press("7")
    expect(phone.field).to_have_value("7")
    keyboard.press("Backspace")
    keyboard.press("Alt+KeyR")
    phone.shows("Your last transfer", "1 Send money")
    keyboard.press("Alt+KeyL")
    expect(phone.line).to_contain_text("The line dropped")
    keyboard.press("Alt+KeyI")
    keyboard.press("ArrowRight")
    expect(desk.page.get_by_role("tab", name="Raw")).to_be_focused()
    keyboard.press("End")
    expect(desk.page.get_by_role("tab", name="Transcript")).to_have_attribute("aria-selected", "true")
    keyboard.press("?")
    keys = desk.page.get_by_role("dialog", name="Keys")
    expect(keys).to_contain_text("Drop the line")
    keyboard.press("Escape")
    expect(keys).to_have_count(0)
    keyboard.press("Alt+KeyN")
    expect(desk.phone(2).field).to_be_focused()
    keyboard.press("Alt+KeyP")
    expect(desk.phone(1).field).to_be_focused()


def has_visible_focus(page: Page) -> bool:
    """Whether what has the focus shows it; the document itself need not."""
    return bool(
        page.evaluate(
            """() => { const e = document.activeElement, s = getComputedStyle(e);
            return e === document.body || (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2); }"""
        )
    )


def test_a_screen_reader_finds_its_way_and_hears_the_screen(desk: Desk) -> None:
    page = desk.page
    for role in ("banner", "main"):
        expect(page.get_by_role(role)).to_have_count(1)
    expect(page.get_by_role("heading", level=1)).to_have_text("kikao simulator")
    expect(page.get_by_role("region", name="Phones")).to_be_visible()
    expect(desk.inspector).to_be_visible()
    expect(desk.phone().screen).to_have_attribute("aria-live", "polite")
    tab = page.get_by_role("tab", selected=True)
    panel = page.get_by_role("tabpanel")
    assert tab.get_attribute("aria-controls") == panel.get_attribute("id")
    assert panel.get_attribute("aria-labelledby") == tab.get_attribute("id")
    assert page.locator("[role=tab][tabindex='0']").count() == 1


def test_light_or_dark_as_the_system_says_and_as_one_likes(desk: Desk) -> None:
    page, body = desk.page, desk.page.locator("body")
    light, dark = "rgb(244, 245, 247)", "rgb(14, 17, 22)"
    expect(body).to_have_css("background-color", light)
    page.emulate_media(color_scheme="dark")
    expect(body).to_have_css("background-color", dark)
    expect(page.get_by_role("button", name="Turn light")).to_be_visible()
    page.emulate_media(color_scheme="light")
    page.get_by_role("button", name="Turn dark").click()
    expect(page.get_by_role("button", name="Turn light")).to_be_visible()
    expect(body).to_have_css("background-color", dark)
    page.reload()
    expect(page.get_by_role("button", name="Turn light")).to_be_visible()
    expect(body).to_have_css("background-color", dark)


def test_nothing_moves_for_who_does_not_want_it(desk: Desk) -> None:
    moving = "getComputedStyle(document.querySelector('button')).transitionDuration"
    assert desk.page.evaluate(moving) == "0s"
    desk.page.emulate_media(reduced_motion="no-preference")
    assert desk.page.evaluate(moving) != "0s"
    desk.page.emulate_media(reduced_motion="reduce")


def test_an_audit_finds_nothing_in_light_and_dark_wide_and_narrow(
    open_desk: Open, member: Member, folder: Path
) -> None:
    desk = open_desk(locale="en-GB")
    desk.page.evaluate(Axe().axe_script)  # once: it is large
    audit(desk, "start", wide=True)
    sender = desk.phone().number(member("Asha")).dial().answer("nonsense")
    audit(desk, "mid-flow", wide=False)
    recipient = desk.add()
    with desk.page.expect_response(re.compile("/conversation$")):
        recipient.place.get_by_label("Service of phone 2").select_option("w" * 40)
    recipient.settled().number(next(NUMBERS)).dial()
    audit(desk, "two phones, one with all the text that settings may give it", wide=False)
    hold = folder / "data" / HOLD
    hold.touch()
    try:
        pay(sender, "0772000995", "5000")
        expect(desk.inspector.locator(".intents li")).to_have_count(1)
        audit(desk, "an intent is open", wide=True)
    finally:
        hold.unlink()
    desk.tab("Raw")
    desk.phone(2).number("12")
    audit(desk, "an error", wide=False)
    sender.press("Same again")
    desk.tab("History")
    desk.page.get_by_role("button", name="Keys", exact=True).click()
    audit(desk, "history, and the list of keys", wide=False)
