"""The simulator's page in Chromium: everything a phone can do there, and who can use it.

With the path of a folder in `SCREENSHOTS`, each state that is audited leaves pictures there, to be looked at.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, expect

from tests.console.auditing import audit
from tests.console.browser import Desk, Handset, chromium, new_window, stored
from tests.console.desk_app import HOLD
from tests.http.forked import serving
from tests.http.servers import ServerProcess

ENDPOINTS: Final = f"""
[ussd.nalo]
code = ["*713*5#"]

[[simulator.endpoints]]
name = "Wallet Uganda"
description = "Mobile money, as dialled in Kampala"
icon = "wallet"
colour = "#0b6e4f"
gateway = "africastalking"

[[simulator.endpoints]]
name = "Wallet Ghana"
description = "The same app for another tenant"
icon = "G"
colour = "#f0c040"
gateway = "nalo"
code = "*713*5#"

[[simulator.endpoints]]
name = "{"W" * 40}"
description = "{"x" * 200}"
icon = "ABCDEFGH"
gateway = "africastalking"
code = "*284*12345678*12345678#"

[[simulator.endpoints]]
name = "By XML"
gateway = "comviva_xml"

[[simulator.endpoints]]
name = "By a query"
gateway = "comviva_flares"

[[simulator.endpoints]]
name = "By a call"
gateway = "ideamart"

[ussd.ideamart]
app_id = "APP_000417"
password = "the-password"
"""

PIN: Final = "2580"
NUMBERS = (f"+2567720{n:05}" for n in itertools.count(100))
"""Of members nobody has met yet."""

Open = Callable[..., Desk]
Member = Callable[[str], str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server works; its data is in `data`."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "kikao.toml").write_text(ENDPOINTS)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def server(browser: Browser, folder: Path) -> Iterator[ServerProcess]:
    with serving(folder / "data", "tests.console.desk_app:app") as server:
        yield server


@pytest.fixture(scope="module")
def window(browser: Browser) -> Page:
    """One window for most of the tests: a new one takes longer than what they do in it."""
    return new_window(browser)


@pytest.fixture
def open_desk(browser: Browser, window: Page, server: ServerProcess) -> Iterator[Open]:
    """Opens the page as on the first day; with options of a context, in a window of its own.

    No window may have complained in the end.
    """
    url = f"http://127.0.0.1:{server.port}/simulator"
    desks: list[Desk] = []

    def open_(**options: Any) -> Desk:
        desks.append(Desk(new_window(browser, **options) if options else window, url))
        return desks[-1]

    yield open_
    problems = [problem for desk in desks for problem in desk.problems]
    for desk in desks:
        desk.page.unroute_all()
        desk.leave()
        if desk.page is not window:
            desk.page.context.close()
    assert problems == []


@pytest.fixture
def desk(open_desk: Open) -> Desk:
    """The page with one phone, whose number nobody has met."""
    return desk_of(open_desk(), next(NUMBERS))


@pytest.fixture
def member(server: ServerProcess) -> Member:
    """Opens an account of UGX 100,000 over the wire, as a gateway would, and leaves nothing open; the number."""

    def register(name: str) -> str:
        number, text, reply = next(NUMBERS), "", b""
        for answer in ("", "1", name, "1", PIN, PIN, "2", PIN):
            text = f"{text}*{answer}" if text else answer
            form = {"sessionId": number, "phoneNumber": number, "serviceCode": "*284#", "text": text}
            reply = urlopen(
                f"http://127.0.0.1:{server.port}/ussd/africastalking", urlencode(form).encode()
            ).read()
        assert reply == b"END Your balance is UGX 100,000."
        return number

    return register


@pytest.fixture
def asha(open_desk: Open, member: Member) -> Desk:
    """The page with one phone, of Asha, who has an account; the menu is open."""
    desk = desk_of(open_desk(), member("Asha"))
    desk.phone().dial().shows("Hello Asha", "1 Send money")
    return desk


def desk_of(desk: Desk, number: str) -> Desk:
    desk.phone().number(number)
    return desk


def pay(sender: Handset, to: str, amount: str) -> Handset:
    """From the menu to what becomes of it."""
    return sender.answer("1", to, amount).shows("Send UGX").answer("1", PIN)


# --- what a phone does ---


def test_a_payment_from_one_phone_to_another(asha: Desk, member: Member) -> None:
    sender, to = asha.phone(), member("Binta")
    recipient = asha.add().number(to).dial().shows("Hello Binta")

    sender.answer("1", to, "5000").shows("Send UGX 5,000 to Binta", "Fee UGX").answer("1")
    expect(sender.field).to_have_attribute("type", "password")
    expect(sender.line).to_contain_text("secret asked for")
    sender.answer(PIN).shows("You sent UGX 5,000", "Ref")
    expect(sender.line).to_contain_text("Ended by the service")
    expect(sender.field).to_have_attribute("type", "text")

    recipient.answer("2", PIN).shows("105,000")


def test_what_a_page_takes_of_its_room(desk: Desk) -> None:
    phone = desk.phone().dial().answer("1", "Asha", "1", PIN, PIN, "?").shows("Invalid choice", "98 More")
    text = phone.screen.inner_text()
    expect(phone.meter).to_contain_text(f"{len(text)} of 156 septets")
    expect(phone.meter).to_contain_text("GSM-7")
    expect(phone.meter).to_contain_text("page 1 of 2")
    expect(phone.place.get_by_role("meter")).to_have_attribute("aria-valuenow", str(len(text)))
    phone.answer("98")
    expect(phone.meter).to_contain_text("page 2 of 2")
    phone.press("Drop line")
    expect(phone.meter).to_contain_text("page 2 of 2")


def test_the_keypad_types_and_shows_what_its_keys_mean(asha: Desk) -> None:
    phone = asha.phone()
    keys = phone.place.get_by_role("group", name="Keys of phone 1")
    keys.get_by_role("button", name="1, Send money").click()
    expect(phone.field).to_have_value("1")
    phone.press(re.compile("^Send$")).shows("phone number")
    expect(keys.get_by_role("button", name="0, Back")).to_be_visible()
    expect(keys.get_by_role("button", name="1, Send money")).to_have_count(0)


def test_a_language_chosen_beside_the_phone_is_spoken_at_the_next_dial(asha: Desk) -> None:
    phone = asha.phone().press("Hang up")
    language = phone.place.get_by_label("Language")
    expect(language).to_have_value("en")
    with asha.page.expect_response(re.compile("/language$")):
        language.select_option("Kiswahili")
    asha.advance("+1 h")
    phone.dial().shows("1 Tuma pesa")
    expect(language).to_have_value("sw")


def test_another_endpoint_is_another_gateway_and_another_tenant(asha: Desk) -> None:
    phone = asha.phone()
    service = phone.place.get_by_label("Service of phone 1")
    colour = "getComputedStyle(document.querySelector('.endpoint > .tile')).backgroundColor"
    assert asha.page.evaluate(colour) == "rgb(11, 110, 79)"
    with asha.page.expect_response(re.compile("/conversation$")):
        service.select_option("wallet-ghana")
    phone.settled()
    assert asha.page.evaluate(colour) == "rgb(240, 192, 64)"
    expect(phone.place).to_contain_text("The same app for another tenant")
    phone.shows("Dial *713*5#").dial().shows("Hello Asha")
    expect(asha.tab("Raw")).to_contain_text("POST /ussd/nalo")


@pytest.mark.parametrize(
    ("endpoint", "request_", "masked", "reply"),
    [
        ("by-xml", "POST /ussd/comviva_xml", "<subscriberInput>••••</subscriberInput>", "<freeflowState>FC"),
        ("by-a-query", "GET /ussd/comviva_flares?", "input=••••", "freeflow: FC"),
        ("by-a-call", "POST /ussd/ideamart", '"message": "••••"', '"statusCode": "S1000"'),
    ],
)
def test_gateways_of_other_kinds_are_spoken_and_show_no_pin(
    desk: Desk, endpoint: str, request_: str, masked: str, reply: str
) -> None:
    phone = desk.phone()
    with desk.page.expect_response(re.compile("/conversation$")):
        phone.place.get_by_label("Service of phone 1").select_option(endpoint)
    phone.settled().dial().shows("Choose language")
    phone.answer("1", "Asha", "1", PIN).shows("again")
    raw = desk.tab("Raw")
    sent = raw.get_by_label("Request", exact=True)
    expect(sent).to_contain_text(request_)
    expect(sent).to_contain_text(masked)
    expect(raw.get_by_label("Reply", exact=True)).to_contain_text(reply, ignore_case=True)
    call = raw.get_by_label("Call to the provider", exact=True)
    if endpoint == "by-a-call":
        expect(call).to_contain_text("POST https://api.ideamart.io/ussd/send")
        expect(call).to_contain_text("mt-cont")
        expect(call).to_contain_text('"password": "…"')
    else:
        expect(call).to_have_count(0)
    if (pictures := os.environ.get("SCREENSHOTS")) is not None:
        desk.page.screenshot(path=Path(pictures) / f"{endpoint}.png", full_page=True)
    phone.answer(PIN).shows("Hello Asha")
    for secret in (PIN, "the-password", "APP_000417"):
        assert secret not in desk.heard()


def test_another_number_is_another_member(asha: Desk) -> None:
    phone = asha.phone()
    phone.number(next(NUMBERS)).dial().shows("Choose language")


def test_a_line_that_drops_is_taken_up_again_at_a_redial(asha: Desk) -> None:
    phone = asha.phone().answer("1").shows("phone number").press("Drop line")
    expect(phone.line).to_contain_text("The line dropped")
    expect(asha.inspector).to_contain_text("send#1/to#1")
    phone.press("Redial").shows("1 Continue").answer("1").shows("phone number")


def test_hanging_up_is_told_by_a_gateway_that_tells_it(desk: Desk) -> None:
    phone = desk.phone().dial().press("Hang up")
    expect(phone.line).to_contain_text("You hung up")
    expect(desk.tab("History").get_by_role("listitem")).to_have_count(2)
    expect(phone.place.get_by_role("button", name="Hang up")).to_have_attribute("aria-disabled", "true")


def test_the_same_request_twice_gets_the_bytes_of_the_first_reply(asha: Desk) -> None:
    phone = asha.phone().answer("1")
    reply = asha.tab("Raw").locator("pre").nth(1)
    first = reply.inner_text()
    phone.press("Same again").shows("phone number")
    expect(asha.page.get_by_role("tabpanel")).to_contain_text("the bytes of the first reply")
    assert reply.inner_text() == first
    expect(asha.tab("History").get_by_role("listitem").last).to_contain_text("repeated")


def test_a_long_dial_answers_ahead(asha: Desk) -> None:
    phone = asha.phone().press("Hang up")
    asha.advance("+1 h")
    phone.dial("1*0772000999*5000").shows("Send UGX 5,000 to +256772000999")
    expect(asha.tab("History").get_by_role("listitem").last).to_contain_text("3 answers ahead")


# --- what stands beside it ---


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
        assert PIN not in desk.page.content(), tab
    expect(desk.tab("History").get_by_text("a secret, not kept")).to_have_count(3)
    assert PIN not in stored(desk.page)
    assert PIN not in desk.heard()


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
    expect(panel).to_contain_text(re.compile("4 min 5. s left"))
    desk.advance("+1 min")
    expect(panel).to_contain_text(re.compile("3 min 5. s left"))
    desk.page.get_by_label("Minutes to move forward").fill("2")
    desk.advance("Move")
    expect(panel).to_contain_text(re.compile("1 min 5. s left"))
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


# --- what goes wrong ---


def test_what_the_server_refuses_is_said_beside_the_phone(desk: Desk) -> None:
    phone = desk.phone().number("12")
    problem = phone.place.get_by_role("alert")
    expect(problem).to_contain_text("must be international")
    problem.get_by_role("button", name="Dismiss").click()
    expect(problem).to_have_count(0)
    phone.number(next(NUMBERS)).dial().shows("Choose language")


def test_a_server_that_does_not_answer_is_said_so(open_desk: Open) -> None:
    desk = open_desk()
    desk.page.route("**/dial", lambda route: route.abort())
    phone = desk.phone()
    phone.field.press("Enter")
    expect(phone.place.get_by_role("alert")).to_contain_text("The server does not answer")
    expect(phone.field).to_be_focused()
    desk.page.unroute("**/dial")
    phone.dial().shows("1")
    desk.problems.remove("Failed to load resource: net::ERR_FAILED")


def test_a_phone_that_came_while_the_server_was_away_is_put_there_later(desk: Desk) -> None:
    desk.page.route("**/phones", lambda route: route.abort())
    desk.page.get_by_role("button", name="Add a phone").click()
    phone = desk.phone(2)
    expect(phone.place.get_by_role("alert")).to_contain_text("The server does not answer")
    desk.page.unroute("**/phones")
    phone.dial().shows("1")
    desk.problems.remove("Failed to load resource: net::ERR_FAILED")


def test_a_phone_that_the_server_forgot_is_put_back(desk: Desk) -> None:
    desk.phone().dial()
    desk.page.evaluate(
        """fetch('/simulator/api/phones').then(r => r.json()).then(all => Promise.all(all.map(({id}) =>
        fetch(`/simulator/api/phones/${id}`, {method: 'DELETE', headers: {'Content-Type': 'application/json'}}))))"""
    )
    desk.phone().answer("1")
    expect(desk.phone().place.get_by_role("alert")).to_contain_text("no such phone")
    desk.phone().dial().shows("language")


def test_a_reload_keeps_the_phones_and_their_numbers(desk: Desk) -> None:
    numbers = [next(NUMBERS), next(NUMBERS)]
    desk.phone().number(numbers[0])
    desk.add().number(numbers[1])
    desk.tab("History")
    desk.page.reload()
    expect(desk.page.get_by_role("article")).to_have_count(2)
    assert [desk.phone(n).place.get_by_label("Number").input_value() for n in (1, 2)] == numbers
    expect(desk.page.get_by_role("tab", name="History")).to_have_attribute("aria-selected", "true")
    desk.phone(1).place.get_by_role("button", name="Remove phone 1").click()
    expect(desk.page.get_by_role("article")).to_have_count(1)
    assert desk.phone().place.get_by_label("Number").input_value() == numbers[1]


# --- for everybody ---


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


def test_without_chromium_these_tests_are_skipped_or_fail_where_they_are_demanded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("DEMAND_BROWSER", raising=False)
    with pytest.raises(pytest.skip.Exception, match="there is no chromium"), chromium():
        pass
    monkeypatch.setenv("DEMAND_BROWSER", "1")
    with pytest.raises(pytest.fail.Exception, match="there is no chromium"), chromium():
        pass
