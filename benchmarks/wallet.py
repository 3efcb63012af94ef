"""The conversation of `benchmarks.conversation` in kikao. Nothing outside the process."""

from __future__ import annotations

from benchmarks.conversation import LEAST, MOST, NETWORKS
from kikao.conversation import Chat, Choice, Flows, Money, Number
from kikao.i18n import Amount, t

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
