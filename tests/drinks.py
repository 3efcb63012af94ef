"""Parts of a shop on which chats are tried: choices of every layout, a secret, a photo, a picture."""

from __future__ import annotations

from typing import Final

from kikao import Attached, Chat, Done, File, Files, Media, Message, Pin, Refused, Secret, t
from kikao.console.simulator.chats.phone import SAMPLE

WHAT: Final = {"tea": t("Tea"), "flavour": t("A flavour"), "pay": t("Pay")}

FLAVOURS: Final = {
    name: t(name)
    for name in "Mint Ginger Lemon Vanilla Cardamom Cinnamon Hibiscus Rooibos Jasmine Clove Saffron Aniseed".split()
}
"""More than a list of WhatsApp has rows."""


async def tea(chat: Chat) -> None:
    size = await chat.choose("size", t("Which size?"), {"s": t("Small"), "l": t("Large")})
    await chat.say(t("A cup of tea: {size}.", size=size))


async def flavour(chat: Chat, flavours: dict[str, Message]) -> str:
    chosen: str = await chat.choose("flavour", t("Which flavour?"), flavours)
    return chosen


async def pay(chat: Chat) -> None:
    await chat.secret("pin", Pin(), t("Enter PIN"), use=_paid)
    await chat.say(t("Paid."))


async def _paid(pin: Secret, key: str) -> Done[str] | Refused:
    return Done("paid")


async def photo(chat: Chat) -> File:
    return await chat.ask("photo", Media(("image",)), t("Of what you drink."))


async def show(chat: Chat, caption: Message) -> None:
    files = chat.service(Files)
    picture = await chat.read("picture", lambda: files.put(SAMPLE.read_bytes(), filename="news.jpg"))
    await chat.show(Attached.image(picture, caption=caption))
