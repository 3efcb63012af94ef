"""A shop with a web chat: choices of every layout, a secret, a photo, a place, and a way to be logged out."""

from __future__ import annotations

from typing import Final

from kikao import App, Attached, Chat, Done, Flows, Location, t
from kikao.live import Hub, Live, anyone
from tests import drinks

WHAT: Final = {
    **drinks.WHAT,
    "photo": t("Send a photo"),
    "where": t("Where you are"),
    "news": t("News"),
    "leave": t("Log out"),
}

flows = Flows()


@flows.flow("shop", title=t("Shop"))
async def shop(chat: Chat) -> None:
    while True:
        what = await chat.choose("what", t("What would you like?"), WHAT)
        if what == "tea":
            await drinks.tea(chat)
        elif what == "flavour":
            flavour = await drinks.flavour(chat, drinks.FLAVOURS)
            await chat.say(t("With {flavour}: https://example.com/{flavour}.", flavour=flavour))
        elif what == "pay":
            await drinks.pay(chat)
        elif what == "photo":
            photo = await drinks.photo(chat)
            await chat.say(t("Thank you for the {mime}.", mime=photo.mime))
        elif what == "where":
            place = await chat.ask("where", Location(), t("Where are you?"))
            await chat.show(Attached.location(place, caption=t("There you are")))
        elif what == "news":
            await drinks.show(chat, t("The new leaves"))
        else:
            await chat.step("leave", lambda key: _log_out(chat), retry="key")
            await chat.end(t("Goodbye."))


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
