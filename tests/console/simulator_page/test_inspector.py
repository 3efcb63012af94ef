"""What stands beside the phones: the wire, the conversation, the history, the transcript, and the time."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import expect

from tests.console.browser import Desk, stored
from tests.console.desk_app import HOLD
from tests.console.simulator_page.members import NUMBERS, PIN, Open, pay
from tests.digits import stands_in


def test_what_went_over_the_wire_is_shown_and_copied(open_desk: Open) -> None:
    desk = open_desk(permissions=["clipboard-read", "clipboard-write"])
    phone = desk.phone().number(next(NUMBERS)).dial().answer("1", "Asha")
    raw = desk.tab("Raw")
    expect(raw.get_by_label("Request", exact=True)).to_contain_text("POST /ussd/africastalking")
    expect(raw.get_by_label("Request", exact=True)).to_contain_text("text=1%2AAsha")
    expect(raw.get_by_label("Reply", exact=True)).to_contain_text("HTTP 200")
    expect(raw.get_by_label("Reply", exact=True)).to_contain_text("CON Choose your currency")
    raw.get_by_role("button", name="Copy the reply").click()
    expect(raw.get_by_role("button", name="Copy the reply")).to_contain_text("Copied")
    copied = desk.page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("HTTP 200\n")
    assert copied.endswith(f"CON {phone.screen.inner_text()}")

    desk.tab("History").get_by_role("button", name=re.compile("1 Dial")).click()
    expect(raw.get_by_label("Reply", exact=True)).to_contain_text("CON Choose language")


def test_the_conversation_shows_its_journal_its_barriers_and_no_secret(asha: Desk) -> None:
    pay(asha.phone(), "0772000998", "5000").shows("Ref")
    expect(asha.tab("Conversation")).to_contain_text("Data of the session")
    asha.phone().dial().answer("1", "0772000998")
    panel = asha.tab("Conversation")
    expect(panel.get_by_text("Open question")).to_be_visible()
    expect(panel.locator(".pending")).to_contain_text("send#1/amount#1")
    expect(panel.locator(".journal li", has_text="send#1/to#1")).to_contain_text("+256772000998")


def test_a_secret_is_absent_everywhere_but_in_the_field_that_hides_it(desk: Desk) -> None:
    phone = desk.phone().dial().answer("1", "Asha", "1")
    phone.field.fill(PIN)
    expect(phone.field).to_have_attribute("type", "password")
    phone.answer(PIN, PIN).shows("Hello Asha")
    journal = desk.tab("Conversation").locator(".journal")
    expect(journal.get_by_role("listitem").filter(has_text="pin#1")).to_contain_text("absent: never kept")
    expect(journal.locator(".barrier").first).to_contain_text("no way back past here")
    phone.answer("2", PIN).shows("Your balance").press("Same again")
    for tab in ("Raw", "Transcript", "History", "Conversation"):
        desk.tab(tab)
        assert not stands_in(PIN, desk.page.content()), tab
    expect(desk.tab("History").get_by_text("a secret, not kept")).to_have_count(3)
    assert not stands_in(PIN, stored(desk.page))
    assert not stands_in(PIN, desk.heard())


def test_an_effect_whose_end_nobody_knows_yet_stands_out_until_it_is_known(asha: Desk, folder: Path) -> None:
    phone = asha.phone()
    hold = folder / "data" / HOLD
    hold.touch()
    try:
        pay(phone, "0772000997", "5000")
        intent = asha.inspector.locator(".intents li")
        expect(intent).to_contain_text("send#1/pin#1")
        expect(intent).to_contain_text("somebody is at work")
        expect(asha.page.get_by_role("tab", name="Conversation")).to_contain_text("1 open")
    finally:
        hold.unlink()
    expect(intent).to_have_count(0)


def test_time_moves_forward_and_the_session_runs_out(desk: Desk) -> None:
    desk.phone().dial().answer("1")
    panel = desk.tab("Conversation")
    expect(panel).to_contain_text(re.compile("4 min [0-9]+ s left"))
    desk.advance("+1 min")
    expect(panel).to_contain_text(re.compile("3 min [0-9]+ s left"))
    desk.page.get_by_label("Minutes to move forward").fill("2")
    desk.advance("Move")
    expect(panel).to_contain_text(re.compile("1 min [0-9]+ s left"))
    desk.advance("+5 min")
    expect(panel).to_contain_text(re.compile("This session is over|No session"))
    expect(desk.page.get_by_role("region", name="Time")).to_contain_text("ahead")


def test_everything_done_is_a_transcript(desk: Desk) -> None:
    desk.phone().dial().answer("1")
    panel = desk.tab("Transcript")
    expect(panel.locator("pre")).to_contain_text("Choose language")
    with desk.page.expect_download() as saving:
        panel.get_by_role("link", name="Save").click()
    assert saving.value.suggested_filename == "transcript.txt"
    assert "Choose language" in Path(saving.value.path()).read_text()
    panel.get_by_role("button", name="Start anew").click()
    expect(panel).not_to_contain_text("Choose language")
