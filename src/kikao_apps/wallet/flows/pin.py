"""Entering a PIN, and choosing a new one. No PIN is ever here: it goes from the member to the bank."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Any, Final

from kikao.conversation import Chat, ErrorCode, Flows, Pin, RefusedError, Secret
from kikao.i18n import Text, t
from kikao_apps.wallet.bank import PinChange
from kikao_apps.wallet.flows.believed import NOTHING, bank_of
from kikao_apps.wallet.flows.support import locked

flows = Flows()

PIN: Final = Pin()

ENTER: Final = t("Enter your PIN")

CHANGED: Final = t("Your PIN is changed.")

SHOWN_SECONDS: Final = 600
"""So long after a PIN was asked for, what was asked with it is shown: later, another may have the phone."""


async def with_pin(
    chat: Chat,
    name: str,
    prompt: Text,
    use: Callable[[Secret, str], Awaitable[Any]],
    kind: type[Any],
    *,
    done: Text | Callable[[Any], Text] | None = None,
) -> Any:
    """Ask for a PIN, use it at once, and return the result, which is of this kind; see `Chat.secret`.

    An account that is locked, or is now, ends the conversation with whom to call. Raises `RefusedError` for what else
    the bank refused.
    """
    try:
        return await chat.secret(name, PIN, prompt, use=use, check=bank_of(chat).finds(kind), done=done)
    except RefusedError as refused:
        if refused.code is ErrorCode.LOCKED:
            await chat.end(locked(chat))
        raise


async def shown_for_pin(chat: Chat, use: Callable[[Secret, str], Awaitable[Any]], kind: type[Any]) -> Any:
    """What the bank shows of an account for its PIN. Who comes back for it too late starts again."""
    asked = await chat.now()
    result = await with_pin(chat, "pin", ENTER, use, kind)
    if await too_late(chat, asked):
        await chat.say(t("This took too long. Please start again."))
        await chat.goto("wallet")
    return result


async def too_late(chat: Chat, asked: dt.datetime) -> bool:
    """Whether a PIN was asked for so long ago that nothing is shown for it any more."""
    return (await chat.now() - asked).total_seconds() > SHOWN_SECONDS


async def choose_pin(chat: Chat, prompt: Text) -> None:
    """Check the present PIN (or start PIN), and have a new one entered twice."""
    bank, msisdn = bank_of(chat), chat.member.msisdn
    change: PinChange = await with_pin(
        chat,
        "present",
        prompt,
        lambda pin, key: bank.begin_pin_change(msisdn, pin, key=key),
        PinChange,
    )
    while True:
        await with_pin(
            chat,
            "new",
            t("Choose a new 4-digit PIN"),
            lambda pin, key: bank.propose_pin(msisdn, pin, change=change, key=key),
            NOTHING,
        )
        try:
            await with_pin(
                chat,
                "again",
                t("Enter the new PIN again"),
                lambda pin, key: bank.change_pin(msisdn, pin, change=change, key=key),
                NOTHING,
                done=CHANGED,
            )
        except RefusedError as refused:
            if refused.code is not ErrorCode.REJECTED:
                raise
            await chat.say(refused.text)
        else:
            return


@flows.flow("start-pin", title=t("Change PIN"))
async def start_pin(chat: Chat) -> None:
    """Who forgot the PIN chooses one with the start PIN that the bank gave them, before anything else."""
    await choose_pin(chat, t("Enter the start PIN that we gave you"))
    await chat.say(CHANGED)


@flows.flow("change-pin", title=t("Change PIN"))
async def change_pin(chat: Chat) -> None:
    """The present PIN, then a new one twice."""
    await choose_pin(chat, t("Enter your present PIN"))
    await chat.end(CHANGED)
