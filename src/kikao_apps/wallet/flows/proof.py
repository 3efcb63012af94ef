"""Whose wallet it is: in a chat the member proves the number before anything of it is shown."""

from __future__ import annotations

from typing import NoReturn

from kikao.channels.chat.proving import prove_number, proven
from kikao.conversation import Chat
from kikao.i18n import t


async def prove(chat: Chat) -> NoReturn:
    """Have the number proven, and begin again with it."""
    await chat.say(t("Welcome to kikao wallet."))
    number = await prove_number(chat)
    await chat.choose("go on", proven(number), {"on": t("Open my wallet")})
    await chat.goto("wallet")
