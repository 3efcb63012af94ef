"""A shop that is meant for phones and chats: choices of every layout, a secret, a file, somebody else to tell."""

from __future__ import annotations

from typing import Final

from kikao import App, Attached, Chat, Done, Files, Flows, Media, Phone, Pin, Refused, Secret, t
from kikao.channels.chat.messages import Messages
from kikao.channels.chat.templates import Template
from kikao.console.simulator.chats.phone import SAMPLE

LOCALES: Final = {"en": "English", "sw": "Kiswahili"}
WHAT: Final = {
    "tea": t("Tea"),
    "flavour": t("A flavour"),
    "pay": t("Pay"),
    "tell": t("Tell a friend"),
    "news": t("News"),
    "photo": t("Send a photo"),
}
FLAVOURS: Final = {name: t(name) for name in "Mint Ginger Lemon Vanilla Cardamom Cinnamon".split()}

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
            await chat.say(t("With {flavour}.", flavour=flavour))
        elif what == "pay":
            await chat.secret("pin", Pin(), t("Enter PIN"), use=_paid)
            await chat.say(t("Paid."))
        elif what == "tell":
            await _tell(chat)
        elif what == "photo":
            photo = await chat.ask("photo", Media(("image",)), t("Of what you drink."))
            await chat.say(t("{size} octets of {mime}.", size=photo.size, mime=photo.mime))
        else:
            await _show(chat)


async def _paid(pin: Secret, key: str) -> Done[str] | Refused:
    return Done("paid")


async def _show(chat: Chat) -> None:
    files = chat.service(Files)
    picture = await chat.read("picture", lambda: files.put(SAMPLE.read_bytes(), filename="news.jpg"))
    await chat.show(Attached.image(picture, caption=t("News")))


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
