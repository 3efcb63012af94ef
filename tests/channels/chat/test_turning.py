"""A turn in a chat: buttons answer the screen they stand on, typed labels mean what they say, and nothing crosses."""

from __future__ import annotations

from typing import Final

from kikao import Chat, Flows, Text
from kikao.i18n import t
from tests.channels.chat.talk import start

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
