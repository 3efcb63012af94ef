"""An app that learns much about its members, for tests of what a recording tells of them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec

from kikao import (
    Amount,
    App,
    Chat,
    Choice,
    Date,
    Done,
    Flows,
    Money,
    Number,
    Phone,
    Pin,
    Secret,
    Text,
    Unknown,
    t,
)


def said(backwards: str) -> str:
    """What a member said: not a word of the code, which a recording would keep."""
    return backwards[::-1]


class Account(msgspec.Struct, frozen=True):
    """What the lender knows."""

    holder: str
    status: str
    balance: Amount
    opened: dt.date
    score: float
    notes: dict[str, Any]


class Lender:
    """Knows everybody."""

    def __init__(self) -> None:
        self.outcome: Done[str] | Unknown = Unknown()

    async def account(self, msisdn: str) -> Account:
        """What is known of somebody."""
        return Account(
            said("urijnaW otakaN"),
            "active",
            Amount("UGX", 918_273),
            dt.date(1987, 6, 5),
            0.734,
            {"cousin": said("ollekO")},
        )

    async def lend(self, key: str) -> Done[str] | Unknown:
        """Lend."""
        return self.outcome


def an_app(*, at: int = 5_000, question: str = "why", args: Any = None, fee: bool = False) -> App:
    """Loans of `at` and more are asked about in another way; `question` is the last one."""
    flows = Flows()

    @flows.flow("loan")
    async def loan(chat: Chat) -> None:
        lender = chat.service(Lender)
        number = chat.member.msisdn
        account = await chat.read("account", lambda: lender.account(number))
        if account.status != "active" or account.balance.currency != "UGX" or number[:4] != "+256":
            await chat.end(t("No"))
        name = await chat.ask("name", Text(), t("Name"))
        await chat.ask("guarantor", Phone("UG"), t("Guarantor of {name}", name=name))
        await chat.ask("born", Date(), t("Born"))
        friend = await chat.choose(
            "friend",
            t("Friend"),
            [(said(each), said(f"{each} {place}174")) for place, each in enumerate(("ollekO", "gneihcA"))],
        )
        kind = await chat.ask("kind", Choice({"short": t("Short"), "long": t("Long")}), t("Kind"))
        amount = await chat.ask("amount", Money("UGX"), t("Amount"))
        await chat.now()
        await chat.session.set("friend", friend)
        if fee:
            await chat.ask("fee", Number(), t("Fee"))
        if kind == "long" and amount.minor >= at:
            await chat.ask(question, Text(), t("Why"))
        else:
            await chat.ask("what for", Text(), t("What for"))

        async def use(pin: Secret, key: str) -> Done[str] | Unknown:
            return await lender.lend(key)

        await chat.secret("pin", Pin(4), t("PIN"), use=use)
        await chat.step("lend", lender.lend, retry="key", args=args)
        await chat.ask("stars", Number(), t("Stars"))

    return App(flows, entry="loan", services={Lender: Lender()}, members=False)


PERSONAL = tuple(
    map(
        said,
        "otakaN urijnaW ollekO gneihcA 471 000277 321257 372819 437.0 7891 4991 4567".split(),
    )
)
"""What must not be found in a recording of somebody who answered ANSWERS."""

ANSWERS = tuple(map(said, ("otakaN", "6543212570", "49916050", "1", "2", "4567", "lli si ollekO")))
