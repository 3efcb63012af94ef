"""How results are kept under their keys: accounts by their id, so that no result holds a number or a name.

They are looked up when the result is told. Once a member is forgotten, nothing is left to look up.
"""

from __future__ import annotations

from typing import Final

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from kikao.i18n.money import Amount
from kikao_apps.wallet.bank import Account, Balance, PinChange, Receipt, Result, Statement
from kikao_apps.wallet.history import movements, shown_number
from kikao_apps.wallet.tables import ACCOUNTS


class KeptAccount(msgspec.Struct, frozen=True, tag="account"):
    """An `Account` that was opened."""

    id: int


class KeptReceipt(msgspec.Struct, frozen=True, tag="receipt"):
    """A `Receipt`; `to` is the account that got the money."""

    ref: str
    amount: Amount
    fee: Amount
    to: int
    balance: Amount


class KeptStatement(msgspec.Struct, frozen=True, tag="statement"):
    """A `Statement`: which transfers it showed, the newest first."""

    id: int
    transfers: list[int]


Kept = KeptAccount | Balance | KeptReceipt | KeptStatement | PinChange | None
"""The kept form of each `Result`."""

KEPT: Final[msgspec.json.Decoder[Kept]] = msgspec.json.Decoder(Kept)
"""Tells the types apart by their tags."""


def told(connection: Connection, kept: Kept) -> Result:
    """A kept result with the numbers and names of those who are still known."""
    match kept:
        case KeptAccount(id=account_id):
            found = sa.select(ACCOUNTS.c.msisdn, ACCOUNTS.c.name, ACCOUNTS.c.currency)
            number, name, currency = connection.execute(found.where(ACCOUNTS.c.id == account_id)).one()
            return Account(number=shown_number(number), name=name, currency=currency, locked=False)
        case KeptReceipt():
            number = sa.select(ACCOUNTS.c.msisdn).where(ACCOUNTS.c.id == kept.to)
            to = shown_number(connection.execute(number).scalar_one())
            return Receipt(ref=kept.ref, amount=kept.amount, fee=kept.fee, to=to, balance=kept.balance)
        case KeptStatement():
            return Statement(movements(connection, kept.id, kept.transfers))
        case _:
            return kept
