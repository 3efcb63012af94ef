"""A shop with a web chat: choices of every layout, a secret, a photo, a place, and a way to be logged out."""

from __future__ import annotations

from typing import Final

from kikao import App, Attached, Chat, Done, Files, Flows, Location, Media, Pin, Secret, t
from kikao.console.simulator.chats.phone import SAMPLE
from kikao.live import Hub, Live, anyone

WHAT: Final = {
    "tea": t("Tea"),
    "flavour": t("A flavour"),
    "pay": t("Pay"),
    "photo": t("Send a photo"),
    "where": t("Where you are"),
    "news": t("News"),
    "leave": t("Log out"),
}
FLAVOURS: Final = {
    name: t(name)
    for name in "Mint Ginger Lemon Vanilla Cardamom Cinnamon Hibiscus Rooibos Jasmine Clove Saffron Aniseed".split()
}

flows = Flows()


@flows.flow("shop", title=t("Shop"))
async def shop(chat: Chat) -> None:
    while True:
        what = await chat.choose("what", t("What would you like?"), WHAT)
        if what == "tea":
            size = await chat.choose("size", t("Which size?"), {"s": t("Small"), "l": t("Large")})
            await chat.say(t("A cup of tea: {size}.", size=size))
        elif what == "flavour":
            flavour = await chat.choose("flavour", t("Which flavour?"), FLAVOURS)
            await chat.say(t("With {flavour}: https://example.com/{flavour}.", flavour=flavour))
        elif what == "pay":
            await chat.secret("pin", Pin(), t("Enter PIN"), use=_paid)
            await chat.say(t("Paid."))
        elif what == "photo":
            photo = await chat.ask("photo", Media(("image",)), t("Of what you drink."))
            await chat.say(t("Thank you for the {mime}.", mime=photo.mime))
        elif what == "where":
            place = await chat.ask("where", Location(), t("Where are you?"))
            await chat.show(Attached.location(place, caption=t("There you are")))
        elif what == "news":
            await _show(chat)
        else:
            await chat.step("leave", lambda key: _log_out(chat), retry="key")
            await chat.end(t("Goodbye."))


async def _paid(pin: Secret, key: str) -> Done[str]:
    return Done("paid")


async def _show(chat: Chat) -> None:
    files = chat.service(Files)
    picture = await chat.read("picture", lambda: files.put(SAMPLE.read_bytes(), filename="news.jpg"))
    await chat.show(Attached.image(picture, caption=t("The new leaves")))


async def _log_out(chat: Chat) -> Done[str]:
    await chat.service(Hub).log_out("asha")
    return Done("out")


app = App(
    flows,
    entry="shop",
    locales={"en": "English", "sw": "Kiswahili"},
    live=Live(users=anyone),
    channels=("socket",),
)
