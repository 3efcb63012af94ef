"""A conversation in a web chat: what devices get, what each of them is told that another said, and what none is."""

from __future__ import annotations

from typing import Any, Final

import pytest

from kikao import Chat, Flows, Money, Pin, Secret, Text
from kikao.channels.socket.gateway import SocketGateway, entrances
from kikao.config import load
from kikao.conversation.errors import ErrorCode
from kikao.conversation.outcomes import Done, Refused
from kikao.i18n import t
from tests.channels.socket.webtalk import WebTalk, start

PIN: Final = "4711"

flows = Flows()

DRINKS: Final = {"tea": t("Tea"), "coffee": t("Coffee")}


@flows.flow("shop", title=t("Shop"))
async def shop(chat: Chat) -> None:
    drink = await chat.choose("drink", t("What would you like?"), DRINKS)
    name = await chat.ask("name", Text(), t("Your name?"))
    await chat.end(t("{drink} for {name} is coming.", drink=drink, name=name))


@flows.flow("send", title=t("Send money"))
async def send(chat: Chat) -> None:
    amount = await chat.ask("amount", Money("UGX"), t("Amount"))
    await chat.confirm("ok", t("Send {amount}?", amount=amount))

    async def use(pin: Secret, key: str) -> Any:
        return Done("R1") if pin.reveal() == PIN else Refused(ErrorCode.WRONG_SECRET)

    receipt = await chat.secret("pin", Pin(), t("Enter your PIN"), use=use)
    await chat.end(t("Sent. Ref {ref}.", ref=receipt))


@flows.flow("many", title=t("Many"))
async def many(chat: Chat) -> None:
    numbers = {f"n{n}": t("Row {n}", n=n) for n in range(120)}
    chosen = await chat.choose("row", t("Which?"), numbers)
    await chat.end(t("It is {chosen}.", chosen=chosen))


async def at_the_pin() -> WebTalk:
    asha = await start(flows, "send")
    await asha.says("hi")
    await asha.says("5000")
    await asha.taps("Confirm")
    return asha


def mine(messages: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(message["id"], message["text"]) for message in messages if message.get("mine")]


async def test_buttons_answer_and_other_devices_see_what_was_said() -> None:
    asha = await start(flows, "shop")
    said, asked = await asha.says("hi", "a1")
    assert said == {
        "id": "a1", "text": "hi", "choices": [], "layout": "text", "mark": "", "secret": False,
        "at": said["at"], "mine": True,
    }  # fmt: skip
    assert asked["text"] == "What would you like?"
    assert asked["choices"] == [{"key": "1", "label": "Tea"}, {"key": "2", "label": "Coffee"}]
    assert (asked["layout"], "mine" in asked) == ("buttons", False)
    assert asked["at"] == round(asha.process.clock(), 3)
    tapped, asked = await asha.taps("Tea", id_="a2")
    assert (tapped["id"], tapped["text"], tapped["mine"]) == ("a2", "Tea", True)
    assert asked["text"] == "Your name?"
    said, done = await asha.says("Asha", "a3")
    assert (said["text"], done["text"]) == ("Asha", "tea for Asha is coming.")


async def test_an_event_sent_again_is_done_once_and_shown_once() -> None:
    asha = await start(flows, "shop")
    await asha.says("hi")
    asked = asha.screen
    assert len(await asha.taps("Tea", asked, "a2")) == 2
    assert await asha.taps("Tea", asked, "a2") == []
    assert asha.reason == ""


async def test_a_message_that_may_have_been_kept_comes_again_under_the_same_id() -> None:
    """Nobody knows whether the store took it: a client knows copies by their id."""
    asha = await start(flows, "shop")
    asha.away = True
    assert await asha.says("hi", "a1") == []
    asha.away = False
    asha.process.clock.advance(5)
    first = await asha.arrived()
    assert [message["text"] for message in first] == ["hi", "What would you like?"]
    assert len({message["id"] for message in first}) == 2


async def test_an_old_button_answers_nothing_and_nobody_is_told_that_it_was_tapped() -> None:
    asha = await start(flows, "shop")
    await asha.says("hi")
    drinks = asha.screen
    await asha.taps("Tea")
    (again,) = await asha.taps("Coffee", drinks)
    assert again["text"].startswith("That button is of an older message.")


async def test_a_tap_of_nothing_that_is_on_the_screen_is_told_to_nobody() -> None:
    asha = await start(flows, "shop")
    await asha.says("hi")
    asha.screen["choices"].append({"key": "77", "label": "made up"})
    assert mine(await asha.taps("made up")) == []


@pytest.mark.parametrize("under", ["", "the mark of another one"])
async def test_what_was_written_under_another_message_confirms_nothing(under: str) -> None:
    """On a device that was offline, say, and sent it when it was back."""
    asha = await start(flows, "send")
    await asha.says("hi")
    (said, asked) = await asha.says("5000")
    (again,) = await asha.says("1", under=under or said["mark"])
    assert (again["text"], again["secret"]) == (asked["text"], False)
    assert (await asha.says("1"))[-1]["secret"]


async def test_a_secret_tapped_as_a_choice_is_no_answer() -> None:
    asha = await at_the_pin()
    asha.screen["choices"].append({"key": PIN, "label": "made up"})
    (again,) = await asha.taps("made up")
    assert again["text"].startswith("Do not write it as a message.")
    assert not await asha.process.holds(PIN)


async def test_a_secret_has_a_field_in_the_chat_and_is_echoed_to_nobody() -> None:
    asha = await at_the_pin()
    asked = asha.screen
    assert asked["secret"]
    assert asked["mark"]
    assert "link" not in asked
    assert asked["text"].startswith("Enter your PIN")
    (done,) = await asha.enters(PIN)
    assert done["text"] == "Sent. Ref R1."
    assert not done["secret"]
    assert PIN not in str(asha.stream)
    assert not await asha.process.holds(PIN)


async def test_a_wrong_secret_is_asked_for_again_in_a_field() -> None:
    asha = await at_the_pin()
    (again,) = await asha.enters("0000")
    assert again["secret"]
    (done,) = await asha.enters(PIN)
    assert done["text"] == "Sent. Ref R1."


async def test_a_secret_written_as_a_message_is_refused_in_words_and_echoed_to_nobody() -> None:
    asha = await at_the_pin()
    (again,) = await asha.says(PIN)
    assert again["text"].startswith("Do not write it as a message. Enter it in the field.\nEnter your PIN")
    assert again["secret"]
    assert PIN not in str(asha.stream)
    assert not await asha.process.holds(PIN)
    (done,) = await asha.enters(PIN)
    assert done["text"] == "Sent. Ref R1."


async def test_keys_of_the_navigation_work_where_a_secret_is_asked() -> None:
    asha = await at_the_pin()
    (asked,) = await asha.says("0")  # not echoed: nobody knows it from a secret
    assert not asked["secret"]
    asha = await at_the_pin()
    said, asked = await asha.taps("Back")
    assert (said["text"], asked["secret"]) == ("Back", False)


async def test_what_is_entered_in_a_field_that_is_no_more_answers_nothing() -> None:
    asha = await at_the_pin()
    pin = asha.screen["mark"]
    await asha.taps("Back")
    (again,) = await asha.enters(PIN, pin)
    assert again["text"].startswith("That question is over.")
    assert PIN not in str(asha.stream)


async def test_what_is_entered_where_no_secret_is_asked_is_no_answer_even_with_the_right_mark() -> None:
    asha = await start(flows, "shop")
    await asha.says("hi")
    (again,) = await asha.enters("2")
    assert again["text"].startswith("That question is over.")
    assert [choice["label"] for choice in again["choices"]] == ["Tea", "Coffee"]


async def test_a_number_that_answers_nothing_is_echoed_to_nobody() -> None:
    """It may be a PIN whose question is over."""
    asha = await at_the_pin()
    asha.process.clock.advance(1801)
    (asked,) = await asha.says(PIN)
    assert asked["text"].startswith("Amount")
    assert PIN not in str(asha.stream)
    assert not await asha.process.holds(PIN)


async def test_a_number_that_no_choice_has_is_echoed_to_nobody() -> None:
    asha = await start(flows, "shop")
    await asha.says("hi")
    (asked,) = await asha.says(PIN)
    assert "What would you like?" in asked["text"]
    said, _ = await asha.says("2")
    assert said["text"] == "2"


async def test_a_secret_that_cannot_be_dealt_with_now_is_kept_nowhere() -> None:
    asha = await at_the_pin()
    asha.process.store.unavailable = True
    assert await asha.enters(PIN, id_="p1") == []
    assert asha.reason == "unavailable"
    asha.process.store.unavailable = False
    assert [message async for message in asha.process.store.messages(state="waiting")] == []
    (done,) = await asha.enters(PIN, id_="p1")
    assert (done["text"], asha.reason) == ("Sent. Ref R1.", "")


async def test_long_lists_have_pages_and_a_list_that_opens() -> None:
    asha = await start(flows, "many")
    _, asked = await asha.says("hi")
    assert asked["text"].startswith("Which?\n1 Row 0\n")
    assert asked["text"].endswith("50 Row 49")
    assert [choice["label"] for choice in asked["choices"]] == ["More"]
    _, asked = await asha.taps("More")
    assert "51 Row 50" in asked["text"]

    few = Flows()

    @few.flow("few", title=t("Few"))
    async def rows(chat: Chat) -> None:
        chosen = await chat.choose("row", t("Which?"), {f"n{n}": t("Row {n}", n=n) for n in range(20)})
        await chat.end(t("It is {chosen}.", chosen=chosen))

    asha = await start(few, "few")
    _, asked = await asha.says("hi")
    assert (asked["layout"], asked["opens"], len(asked["choices"])) == ("list", "Choose", 20)


# --- opening ---


async def test_opening_begins_and_opening_again_soon_shows_where_we_are() -> None:
    asha = await start(flows, "shop")
    (asked,) = await asha.opens()
    assert asked["text"] == "What would you like?"
    await asha.taps("Tea")
    asha.process.clock.advance(29)
    (asked,) = await asha.opens()
    assert asked["text"] == "Your name?"
    _, done = await asha.says("Asha")
    assert done["text"] == "tea for Asha is coming."


async def test_opening_again_soon_shows_a_secret_question_and_a_confirmation_as_they_are() -> None:
    asha = await at_the_pin()
    pin = asha.screen
    (asked,) = await asha.opens()
    assert (asked["text"], asked["secret"], asked["mark"]) == (pin["text"], True, pin["mark"])
    await asha.taps("Back")
    confirmation = asha.screen["text"]
    (asked,) = await asha.opens()
    assert asked["text"] == confirmation


async def test_opening_later_asks_whether_to_go_on() -> None:
    asha = await start(flows, "shop")
    await asha.opens()
    await asha.taps("Tea")
    asha.process.clock.advance(1000)
    (offer,) = await asha.opens()
    assert [choice["label"] for choice in offer["choices"]] == ["Continue", "Start again"]
    tapped, asked = await asha.taps("Continue")
    assert (tapped["text"], asked["text"]) == ("Continue", "Your name?")
    asha.process.clock.advance(1801)
    (asked,) = await asha.opens()
    assert asked["text"] == "What would you like?"


@pytest.mark.parametrize("ahead", ["", "5000"])
async def test_what_a_link_brings_that_no_shortcut_has_is_nothing(ahead: str) -> None:
    asha = await start(flows, "send")
    (asked,) = await asha.opens(ahead)
    assert asked["text"].startswith("Amount")


# --- what it is to the rest ---


def test_it_is_called_by_nobody_and_no_webhook_is_its() -> None:
    gateway = SocketGateway()
    assert (gateway.line, gateway.pushes, gateway.dedupe) == ("socket/phoenix", "socket/phoenix", "exact")
    assert gateway.api_url == ""
    assert entrances(load({}), [gateway]) == {}
    with pytest.raises(AssertionError):
        gateway.destination(None, lambda: 0.0)  # type: ignore[arg-type]
