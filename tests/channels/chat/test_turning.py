"""A turn in a chat: buttons answer the screen they stand on, typed labels mean what they say, and nothing crosses."""

from __future__ import annotations

from typing import Final

import pytest

from kikao import Chat, Flows, Text
from kikao.channels.inbound import Chatted, Inbound
from kikao.channels.outbox import Delivered, Destination, Dispatcher, Letter, Outcome, Rejected
from kikao.conversation.secrets import Secret
from kikao.i18n import t
from kikao.sessions.outgoing import Status
from tests.channels.chat.talk import Talk, start

flows = Flows()

DRINKS: Final = {"tea": t("Tea"), "coffee": t("Coffee")}


@flows.flow("shop", title=t("Shop"))
async def shop(chat: Chat) -> None:
    drink = await chat.choose("drink", t("What would you like?"), DRINKS)
    size = await chat.choose("size", t("Which size?"), {"s": t("Small"), "l": t("Large")})
    name = await chat.ask("name", Text(), t("Your name?"))
    await chat.confirm("ok", t("{size} {drink} for {name}?", size=size, drink=drink, name=name))
    await chat.end(t("{drink} for {name} is coming.", drink=drink, name=name))


async def test_what_opens_a_conversation_is_no_answer_but_for_an_option_by_its_name() -> None:
    asha = await start(flows, "shop")
    (asked,) = await asha.writes("hi")
    assert asked.text == "What would you like?"
    assert [choice.label for choice in asked.choices] == ["Tea", "Coffee"]

    brian = await start(flows, "shop")
    (asked,) = await brian.writes("  COFFEE ")
    assert asked.text.startswith("Which size?")


async def test_a_number_that_opens_a_conversation_is_no_answer() -> None:
    asha = await start(flows, "shop")
    (asked,) = await asha.writes("2")
    assert asked.text == "What would you like?"


async def test_buttons_answer_and_an_old_one_answers_nothing_else() -> None:
    asha = await start(flows, "shop")
    await asha.writes("hi")
    drinks = asha.got[-1]
    (asked,) = await asha.taps("Tea")
    assert asked.text.startswith("Which size?")
    (again,) = await asha.taps("Coffee", on=drinks)
    assert again.text.startswith("That button is of an older message. Here is where we are:\nWhich size?")
    (asked,) = await asha.taps("Large", on=asha.got[-1])
    assert asked.text == "Your name?"
    assert [choice.label for choice in asked.choices] == ["Back", "Home"]


async def test_the_same_question_shown_again_keeps_its_buttons() -> None:
    asha = await start(flows, "shop")
    await asha.writes("hi")
    drinks = asha.got[-1]
    await asha.writes("something else")
    assert asha.got[-1].message.text != drinks.message.text
    (asked,) = await asha.taps("Tea", on=drinks)
    assert asked.text.startswith("Which size?")


async def test_a_redelivered_tap_is_answered_as_before_and_nothing_leaves_twice() -> None:
    asha = await start(flows, "shop")
    await asha.writes("hi")
    drinks = asha.got[-1]
    await asha.taps("Tea", on=drinks, id_="one")
    first = asha.answer
    assert await asha.taps("Tea", on=drinks, id_="one") == []
    assert asha.answer == first


async def test_a_confirmation_that_waits_to_leave_is_not_answered_by_what_is_typed() -> None:
    asha = await start(flows, "shop")
    await asha.writes("hi")
    await asha.taps("Tea")
    await asha.taps("Small")
    (asked,) = await asha.writes("Asha")
    assert asked.text.startswith("s tea for Asha?")
    (again,) = await asha.writes("1")  # nothing was sent yet: this was typed before it was seen
    assert again.text.startswith("s tea for Asha?")
    (done,) = await asha.taps("Confirm")
    assert done.text == "tea for Asha is coming."


async def test_what_the_provider_numbered_before_is_late() -> None:
    asha = await start(flows, "shop")
    await asha.writes("hi", order=10)
    (asked,) = await asha.writes("Tea", order=12)
    (late,) = await asha.writes("Large", order=11)
    assert late.text == asked.text


async def test_commands_move_start_anew_or_are_not_known() -> None:
    asha = await start(flows, "shop")
    await asha.writes("hi")
    await asha.taps("Tea")
    (asked,) = await asha.commands("back")
    assert asked.text.startswith("What would you like?")
    (unknown,) = await asha.commands("balance")
    assert unknown.text.startswith("I do not know that command.\nWhat would you like?")
    (asked,) = await asha.starts("whatever_was_in_the_link")
    assert asked.text == "What would you like?"


async def test_nothing_is_said_while_the_store_is_away() -> None:
    asha = await start(flows, "shop")
    asha.process.store.unavailable = True
    assert await asha.writes("hi") == []
    assert asha.answer is not None
    assert asha.answer.status == 503


class Post:
    """A provider that takes everything, or nothing."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome

    async def send(self, letter: Letter) -> Outcome:
        return self.outcome


async def posted(talk: Talk, outcome: Outcome) -> Dispatcher:
    """What waits leaves, with this outcome; then time passes."""
    post = {talk.gateway.line: Destination(sender=Post(outcome))}
    dispatcher = Dispatcher(talk.process.sessions, post, talk.process.publish)
    await dispatcher.once()
    talk.process.clock.advance(5)
    return dispatcher


@pytest.mark.parametrize("how", ["refused", "failed"])
async def test_a_confirmation_that_never_came_is_not_answered_by_what_is_typed(how: str) -> None:
    asha = await start(flows, "shop")
    await asha.writes("hi")
    await asha.taps("Tea")
    await posted(asha, Rejected("400"))
    await asha.taps("Small")
    await posted(asha, Delivered("one"))
    await asha.writes("Asha")
    dispatcher = await posted(asha, Rejected("400") if how == "refused" else Delivered("two"))
    if how == "failed":
        assert await dispatcher.report(asha.gateway.line, "two", Status.FAILED) == "raised"
    (again,) = await asha.writes("1")  # they answer what they saw last
    assert again.text.startswith("s tea for Asha?")
    await posted(asha, Delivered("three"))
    (done,) = await asha.writes("1")
    assert done.text == "tea for Asha is coming."


@pytest.mark.parametrize("counts", [False, True])  # by their times, and by the provider's count
async def test_what_was_sent_before_a_tap_without_a_time_is_still_late(counts: bool) -> None:
    asha = await start(flows, "shop")
    now = asha.process.clock()

    async def says(text: str, at: int | None, pressed: str = "") -> str:
        chat = Chatted(pressed=pressed, order=100 + at if counts and at is not None else 0)
        inbound = Inbound(
            channel="telegram", gateway="bot-api", identity="700", happening="reply", text=Secret(text),
            message_id=Secret(text), sent_at=None if counts or at is None else now + at, chat=chat,
        )  # fmt: skip
        await asha.process.turns.handle(inbound, asha.gateway)
        return (await asha.arrived())[-1].text

    await says("hi", 0)
    await says("Tea", 10)
    assert (await says("1", None, asha.got[-1].mark)) == "Your name?"
    assert (await says("typed long ago", 5)) == "Your name?"
    assert (await says("Asha", 20)).startswith("s tea for Asha?")


async def test_a_button_of_no_screen_is_as_if_it_was_typed_but_confirms_nothing() -> None:
    """It stands on a template that was sent at some time, and says "1", or "Confirm"."""
    asha = await start(flows, "shop")
    await asha.writes("hi")
    (asked,) = await asha.says("Tea", Chatted(message="wamid.template"))
    assert asked.text.startswith("Which size?")
    await asha.taps("Small")
    await posted(asha, Delivered("one"))
    await asha.writes("Asha")
    await posted(asha, Delivered("two"))
    for said in ("1", "Confirm"):
        (again,) = await asha.says(said, Chatted(message="wamid.template"))
        assert again.text.startswith("s tea for Asha?")
        await posted(asha, Delivered(said))
    (done,) = await asha.writes("1")
    assert done.text == "tea for Asha is coming."


async def test_an_old_button_does_not_answer_where_what_came_before_is_answered_otherwise() -> None:
    asha = await start(flows, "shop")
    await asha.writes("hi")
    await asha.taps("Tea")
    sizes = asha.got[-1]
    await asha.commands("back")
    await asha.taps("Coffee")
    (again,) = await asha.taps("Large", on=sizes)
    assert again.text.startswith("That button is of an older message.")
    (asked,) = await asha.taps("Large")
    assert asked.text == "Your name?"
