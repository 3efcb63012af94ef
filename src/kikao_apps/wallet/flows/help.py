"""What sending costs, whom to call, and the keys that work everywhere."""

from __future__ import annotations

from typing import Final

from kikao.conversation import Chat, Flows
from kikao.i18n import Amount, t
from kikao_apps.wallet.flows.believed import bank_of
from kikao_apps.wallet.flows.support import support
from kikao_apps.wallet.tariff import TARIFFS

flows = Flows()

KEYS: Final = t("Keys: 0 Back, 00 Home, 98 More, 99 Cancel.")
"""The default `Navigation`, in words; an app with other keys needs another sentence."""


@flows.flow("help", title=t("Help"))
async def help_(chat: Chat) -> None:
    """The tariff of the member's currency, the support line, the keys."""
    bank = bank_of(chat)
    account = await chat.read("account", lambda: bank.account(chat.member.msisdn))
    await chat.say(t("Help: call {phone}.", phone=support(chat).phone))
    await chat.say(KEYS)
    if account is not None:
        await chat.say(t("Sending costs:"))
        for most, fee in TARIFFS[account.currency].bands:
            upto, cost = Amount(account.currency, most), Amount(account.currency, fee)
            if fee:
                await chat.say(t("up to {amount}: {fee}", amount=upto, fee=cost))
            else:
                await chat.say(t("up to {amount}: no fee", amount=upto))
    await chat.end()
