"""What flows show besides text, as members of each channel get it."""

from __future__ import annotations

import pytest

from kikao import App, Attached, Chat, Flows, Misuse, Number, Text, t
from kikao.channels.chat.message import Parcel
from kikao.conversation.inputs import File, Place
from kikao.testing import Stage
from tests.channels.chat.talk import start

CARD = File("m1", "image/png", 2000, "ab" * 32, f"{'a' * 32}/{'b' * 32}", "kadi.png")
HEIC = File("m2", "image/heic", 2000, "ab" * 32, f"{'a' * 32}/{'c' * 32}")
flows = Flows()


@flows.flow("card", title=t("My card"))
async def card(chat: Chat) -> None:
    await chat.say(t("Here is your card."))
    await chat.show(Attached.image(CARD, caption=t("Card of {name}", name="Amina")))
    number = await chat.ask("many", Number(min=1), t("How many copies?"))
    await chat.show(Attached.document("https://example.com/terms.pdf", filename="terms.pdf"))
    await chat.say(t("{number} copies.", number=number))
    await chat.goto("where")


@flows.flow("where", title=t("Where"))
async def where(chat: Chat) -> None:
    await chat.ask("name", Text(), t("Your name?"))
    await chat.show(Attached.location(Place(0.3476, 32.5825), caption="Kampala"))
    await chat.end()


def shown(parcels: list[Parcel]) -> list[str]:
    return [
        f"{each.message.shows[0].kind}: {each.message.shows[0].caption}"
        if each.message.shows
        else each.message.text
        for each in parcels
    ]


async def test_a_chat_gets_each_thing_before_the_text_and_once() -> None:
    talk = await start(flows, "card")
    await talk.writes("hi")
    assert shown(talk.got) == ["image: Card of Amina", "Here is your card.\nHow many copies?"]
    assert talk.got[0].message.text == ""
    assert talk.got[0].message.shows[0].what == CARD
    talk.got.clear()
    await talk.writes("many")
    (again,) = shown(talk.got)
    assert again.endswith("Here is your card.\nHow many copies?"), "what was shown is not sent again"
    talk.got.clear()
    await talk.writes("2")
    assert shown(talk.got) == ["document: ", "2 copies.\nYour name?"], "a goto takes along what waits"
    talk.got.clear()
    await talk.writes("Amina")
    assert shown(talk.got) == ["location: ", "Kampala"], "Telegram shows no caption with a place"


async def test_what_a_channel_does_not_take_as_a_picture_goes_as_a_document() -> None:
    heic = Flows()

    @heic.flow("show", title=t("Show"))
    async def show(chat: Chat) -> None:
        await chat.show(Attached.image(HEIC))
        await chat.end(t("Bye."))

    talk = await start(heic, "show")
    await talk.writes("hi")
    assert shown(talk.got) == ["document: ", "Bye."]


async def test_over_ussd_it_is_said() -> None:
    async with Stage(App(flows, entry="card")) as stage:
        phone = stage.phone()
        assert await phone.dial() == (
            "Card of Amina\nThere is a photo, which cannot be shown here.\nHere is your card.\nHow many copies?"
        )
        assert "https://example.com/terms.pdf" in await phone.reply("2")
        assert await phone.reply("Amina") == "Kampala\n0.34760, 32.58250"
        assert phone.ended


async def test_only_what_is_attached_is_shown() -> None:
    wrong = Flows()

    @wrong.flow("show", title=t("Show"))
    async def show(chat: Chat) -> None:
        await chat.show(t("text"))  # type: ignore[arg-type]
        await chat.end()

    failed = []
    app = App(wrong, entry="show")
    app.on("turn.committed", lambda event: failed.append(event.error))
    async with Stage(app) as stage:
        await stage.phone().dial()
    assert "what is shown is an Attached" in failed[0]


def test_the_faces_of_it_are_kikaos() -> None:
    with pytest.raises(Misuse):
        Attached.image("http://example.com/a.png")
