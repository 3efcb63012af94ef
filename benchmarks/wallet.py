"""The conversation that is measured: a wallet's menu, four questions, a receipt. Nothing outside the process.

`TYPED` is what a member types, the dial first, and `SEEN` a word of each screen, which every implementation must show.
"""

from __future__ import annotations

from typing import Final

from kikao.conversation import Chat, Choice, Flows, Money, Number
from kikao.i18n import Amount, t

TYPED: Final = ("", "1", "2", "3", "5000", "1")
SEEN: Final = ("Choose", "network", "months", "Amount", "Confirm", "Thank you")

NETWORKS: Final = {"mtn": "MTN", "airtel": "Airtel", "lyca": "Lycamobile"}
LEAST: Final = 500
MOST: Final = 5_000_000

flows = Flows()


@flows.flow("wallet", title=t("Wallet"))
async def wallet(chat: Chat) -> None:
    """The entry."""
    await chat.menu("menu", t("Hello {name}. Choose an option.", name="Amina"), [airtime, balance])


@flows.flow("airtime", title=t("Buy airtime"))
async def airtime(chat: Chat) -> None:
    """Network, months, amount, confirmation."""
    network = await chat.ask("network", Choice(NETWORKS), t("Choose a network"))
    months = await chat.ask("months", Number(1, 12), t("For how many months?"))
    amount: Amount = await chat.ask("amount", Money("UGX", min=LEAST, max=MOST), t("Amount"))
    await chat.confirm(
        "ok",
        t(
            "{amount} on {network} for {n} months",
            amount=amount,
            network=NETWORKS[network],
            n=months,
        ),
    )
    await chat.end(t("Thank you. {amount} airtime is on its way.", amount=amount))


@flows.flow("balance", title=t("Balance"))
async def balance(chat: Chat) -> None:
    """The other choice."""
    await chat.end(t("Your balance is {amount}.", amount=Amount("UGX", 12_345)))
