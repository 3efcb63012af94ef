"""Everything a phone can do on the page, and what it says when something goes wrong.

With the path of a folder in `SCREENSHOTS`, gateways of other kinds leave pictures there, to be looked at.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.console.browser import Desk
from tests.console.simulator_page.members import NUMBERS, PIN, Member, Open
from tests.digits import stands_in

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
    assert not stands_in(PIN, desk.heard())
    for secret in ("the-password", "APP_000417"):
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
