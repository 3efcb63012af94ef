"""The sound app."""

import contextlib
from pathlib import Path

from kikao import App, Chat, Choice, Done, Flows, Number, Pin, RefusedError, Secret, Text, t, tn

flows = Flows()

GO_ON = Choice([(t("Go on"), "Go on")])


class Shop:
    """What the flows call."""

    async def pay(self, pin: Secret, key: str) -> Done[str]:
        return Done("AB12")

    async def reward(self, key: str) -> Done[None]:
        return Done(None)

    async def close(self) -> None: ...

    async def is_open(self) -> bool:
        return True


async def name_of(chat: Chat, key: str) -> str:
    """A helper that asks."""
    name: str = await chat.ask(key, Text(max=9), t("Name"))
    return name


@flows.flow("main", title=t("Shop"))
async def main(chat: Chat) -> None:
    await chat.menu("menu", t("Choose"), [buy, tell, loop])


@flows.flow("buy", title=t("Buy"))
async def buy(chat: Chat) -> None:
    shop = chat.service(Shop)
    count = await chat.ask("count", Number(min=1, max=9), t("How many"))
    if not await chat.read("open", shop.is_open):
        await chat.end(t("We are closed."))
    await chat.confirm("ok", tn("Buy {n} cup?", "Buy {n} cups?", count))
    try:
        await chat.secret("pin", Pin(), t("PIN"), use=shop.pay)
    except RefusedError:
        await chat.end(t("Not done."))
    await chat.step("reward", shop.reward, retry="key")
    await chat.read("close", shop.close)
    await chat.end(t("Done."))


@flows.flow("tell", title=t("Tell"))
async def tell(chat: Chat) -> None:
    first = await name_of(chat, "first")
    second = await name_of(chat, "second")
    with contextlib.suppress(ValueError):
        await chat.ask("ok", GO_ON, t("Go on"))
    at = await chat.now()
    drawn = chat.random("drawn").randint(1, 6)
    await chat.end(
        t("{first}, {second}: {hour}, {drawn}", first=first, second=second, hour=f"{at:%H}", drawn=drawn)
    )


@flows.flow("loop", title=t("Loop"))
async def loop(chat: Chat) -> None:
    while True:
        if await chat.choose("again", t("Again"), {True: t("Leave"), False: t("Once more")}):
            await chat.end(t("Done."))


app = App(
    flows,
    entry="main",
    services={Shop: Shop()},
    members=False,
    locales={"en": "English", "lg": "Luganda"},
    catalogs=[Path(__file__).parent / "locales"],
)
