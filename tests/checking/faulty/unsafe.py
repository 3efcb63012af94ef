"""What replay cannot bear."""

import asyncio
import datetime as d
import random as dice_of
import urllib.request
from uuid import uuid4 as new

from kikao import Chat, Choice, Flows, t
from tests.checking.faulty.services import Bank

flows = Flows()

GO_ON = Choice(["OK"])


@flows.flow("swallow", title=t("Swallow"))
async def swallow(chat: Chat) -> None:
    try:
        await chat.ask("ok", GO_ON, t("Go on"))
    except:  # noqa: E722  # fault: K401
        return
    await chat.end(t("Done."))


@flows.flow("clean-up", title=t("Clean up"))
async def clean_up(chat: Chat) -> None:
    bank = chat.service(Bank)
    try:
        await chat.ask("ok", GO_ON, t("Go on"))
    finally:
        await bank.close()  # fault: K402
    await chat.end(t("Done."))


@flows.flow("at-once", title=t("At once"))
async def at_once(chat: Chat) -> None:
    await chat.ask("ok", GO_ON, t("Go on"))
    await asyncio.gather(chat.ask("a", GO_ON, t("Go on")), chat.ask("b", GO_ON, t("Go on")))  # fault: K403
    await chat.end(t("Done."))


@flows.flow("look-up", title=t("Look up"))
async def look_up(chat: Chat) -> None:
    await chat.ask("ok", GO_ON, t("Go on"))
    urllib.request.urlopen("http://127.0.0.1:9/")  # noqa: ASYNC210  # fault: K407
    await chat.end(t("Done."))


@flows.flow("clock", title=t("Clock"))
async def clock(chat: Chat) -> None:
    await chat.ask("ok", GO_ON, t("Go on"))
    at = d.datetime.now(d.UTC)  # fault: K404
    await chat.end(t("It is {hour}.", hour=f"{at:%H}"))


@flows.flow("dice", title=t("Dice"))
async def dice(chat: Chat) -> None:
    await chat.ask("ok", GO_ON, t("Go on"))
    await chat.end(t("It is {hour}.", hour=dice_of.randint(1, 6)))  # fault: K405


@flows.flow("tag", title=t("Tag"))
async def tag(chat: Chat) -> None:
    await chat.ask("ok", GO_ON, t("Go on"))
    await chat.end(t("It is {hour}.", hour=new().hex[:4]))  # fault: K406
