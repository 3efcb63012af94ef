"""A shop that is meant for phones and chats: choices of every layout, a secret, a file, somebody else to tell."""

from __future__ import annotations

from itertools import islice
from typing import Final

from kikao import App, Chat, Done, Flows, Phone, t
from kikao.channels.chat.messages import Messages
from kikao.channels.chat.templates import Template
from tests import drinks

LOCALES: Final = {"en": "English", "sw": "Kiswahili"}
WHAT: Final = {
    **drinks.WHAT,
    "tell": t("Tell a friend"),
    "news": t("News"),
    "photo": t("Send a photo"),
}
FLAVOURS: Final = dict(islice(drinks.FLAVOURS.items(), 6))

flows = Flows()


@flows.flow("shop", title=t("Shop"))
async def shop(chat: Chat) -> None:
    while True:
        what = await chat.choose("what", t("What would you like?"), WHAT)
        if what == "tea":
            await drinks.tea(chat)
        elif what == "flavour":
            flavour = await drinks.flavour(chat, FLAVOURS)
            await chat.say(t("With {flavour}.", flavour=flavour))
        elif what == "pay":
            await drinks.pay(chat)
        elif what == "tell":
            await _tell(chat)
        elif what == "photo":
            photo = await drinks.photo(chat)
            await chat.say(t("{size} octets of {mime}.", size=photo.size, mime=photo.mime))
        else:
            await drinks.show(chat, t("News"))


async def _tell(chat: Chat) -> None:
    messages = chat.service(Messages)
    number = await chat.ask("friend", Phone(), t("Whose number?"))
    how = await chat.choose("how", t("How?"), {"plain": t("In plain words"), "template": t("By a template")})

    async def tell(key: str) -> Done[str]:
        filled = TEMPLATE(name="Asha") if how == "template" else None
        said = t("A friend drinks tea here.")
        return Done(
            await messages.send(
                key, str(number), said, over="whatsapp", template=filled, good_for=7 * 86400.0
            )
        )

    await chat.step("told", tell, retry="key")
    await chat.say(t("Told."))


TEMPLATE: Final = Template("friend_drinks_tea", {"en": "en_US", "sw": "sw"}, body=("name",))
"""What a friend is told who has written nothing for a day."""


app = App(
    flows, entry="shop", locales=LOCALES, templates=[TEMPLATE], channels=("ussd", "whatsapp", "telegram")
)
