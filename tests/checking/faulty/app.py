"""The faulty app: a menu of menus, so that each screen of its own is short."""

from pathlib import Path

from kikao import App, Chat, Flows, t
from tests.checking.faulty import effects, screens, unsafe
from tests.checking.faulty.services import Bank

flows = Flows()
for part in (effects, screens, unsafe):
    flows.include(part.flows)


@flows.flow("main", title=t("Shop"))
async def main(chat: Chat) -> None:
    await chat.menu("menu", t("Choose"), [first, second, third, fourth])


@flows.flow("first", title=t("First"))
async def first(chat: Chat) -> None:
    await chat.menu("menu", t("Choose"), [screens.news, screens.letters, screens.towns, screens.words])


@flows.flow("second", title=t("Second"))
async def second(chat: Chat) -> None:
    await chat.menu("menu", t("Choose"), [screens.loop, screens.twice, effects.early, effects.pay])


@flows.flow("third", title=t("Third"))
async def third(chat: Chat) -> None:
    await chat.menu("menu", t("Choose"), [unsafe.swallow, unsafe.clean_up, unsafe.at_once, unsafe.look_up])


@flows.flow("fourth", title=t("Fourth"))
async def fourth(chat: Chat) -> None:
    await chat.menu("menu", t("Choose"), [unsafe.clock, unsafe.dice, unsafe.tag, screens.label])


@flows.flow("forgotten", title=t("Shop"))  # fault: K301
async def forgotten(chat: Chat) -> None:
    await chat.end(t("Done."))


app = App(
    flows,
    entry="main",
    services={Bank: Bank()},
    members=False,
    locales={"en": "English", "lg": "Luganda", "sw": "Kiswahili"},
    catalogs=[Path(__file__).parent / "locales"],
    channels=("ussd", "sms"),
)
