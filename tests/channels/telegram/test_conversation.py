"""Conversations on Telegram, through the server and an emulated Bot API: what a member sees, and what is called."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from kikao import App, Chat, Flows, Number, Text
from kikao.i18n import t
from tests.channels.telegram.rig import talking

flows = Flows()

DRINKS: Final = {"tea": t("Tea"), "coffee": t("Coffee")}


@flows.flow("shop", title=t("Shop"))
async def shop(chat: Chat) -> None:
    drink = await chat.choose("drink", t("What would you like?"), DRINKS)
    cups = await chat.ask("cups", Number(min=1, max=9), t("How many cups?"))
    name = await chat.ask("name", Text(), t("Your name?"))
    await chat.confirm("ok", t("{cups} {drink} for {name}?", cups=cups, drink=drink, name=name))
    await chat.end(t("{drink} for {name} is coming.", drink=drink, name=name))


app = App(flows, entry="shop", members=False, channels=("telegram",))


async def test_a_conversation_by_taps_and_by_typing(tmp_path: Path) -> None:
    async with talking(app, tmp_path) as rig:
        asha = rig.api.member("Asha")
        (asked,) = await asha.start()
        assert (asked.text, asked.buttons) == ("What would you like?", ["Tea", "Coffee"])
        (asked,) = await asha.tap("Coffee")
        assert asked.text == "How many cups?"
        assert asha.spinning == set()
        await asha.write("2")
        (asked,) = await asha.write("Asha")
        assert asked.text == "2 coffee for Asha?"
        (told,) = await asha.tap("Confirm")
        assert told.text == "coffee for Asha is coming."
        assert rig.api.refused == []
        assert rig.api.ignored == set()
