"""The books: who has an account, and moving money between two of them. Every function runs in a transaction.

PINs are in `pin_book`, what is read from the entries in `history`.

The order of locks in PostgreSQL: numbers (sorted), then a bank account by the trigger on the entries.
SQLite has one writer and needs none.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from kikao_apps.wallet.keys import Overtaken
from kikao_apps.wallet.tables import ACCOUNTS, ENTRIES, NUMBERS, TRANSFERS

ADD_NUMBER = sa.text("INSERT INTO wallet_numbers (msisdn) VALUES (:msisdn) ON CONFLICT (msisdn) DO NOTHING")
ADD_UNCLAIMED = sa.text(
    "INSERT INTO wallet_accounts (kind, msisdn, currency, opened_at) "
    "VALUES ('unclaimed', :msisdn, :currency, :at) ON CONFLICT (msisdn, currency) DO NOTHING"
)
ADD_TRANSFER = sa.text(
    "INSERT INTO wallet_transfers (kind, ref, key, at) VALUES (:kind, :ref, :key, :at) "
    "ON CONFLICT DO NOTHING RETURNING id"
)


class Entry(msgspec.Struct, frozen=True):
    """Moves `amount` minor units of `currency` from the debited to the credited account."""

    debit_id: int
    credit_id: int
    currency: str
    amount: int


def lock(connection: Connection, *msisdns: str) -> None:
    """Let no other transaction touch these numbers before this one ends."""
    if connection.dialect.name == "sqlite":
        return  # no other transaction can write
    numbers = sa.select(NUMBERS.c.msisdn).where(NUMBERS.c.msisdn.in_(msisdns))
    connection.execute(numbers.order_by(NUMBERS.c.msisdn).with_for_update())


def add_number(connection: Connection, msisdn: str) -> None:
    """Make sure the number has a row, and lock it."""
    locked = sa.select(NUMBERS.c.msisdn).where(NUMBERS.c.msisdn == msisdn).with_for_update()
    while connection.execute(locked).first() is None:  # again, when its member is forgotten at this moment
        connection.execute(ADD_NUMBER, {"msisdn": msisdn})


def open_account(connection: Connection, msisdn: str, name: str, currency: str, at: float) -> int:
    """Make an account, or the one in which money waits, the member's. Returns its id."""
    connection.execute(ADD_UNCLAIMED, {"msisdn": msisdn, "currency": currency, "at": at})
    mine = (ACCOUNTS.c.msisdn == msisdn) & (ACCOUNTS.c.currency == currency)
    account_id = connection.execute(sa.select(ACCOUNTS.c.id).where(mine)).scalar_one()
    connection.execute(sa.update(ACCOUNTS).where(mine).values(kind="member", name=name, opened_at=at))
    return int(account_id)


def member_account(connection: Connection, msisdn: str) -> tuple[int, str] | None:
    """The id and currency of the account that a member has opened."""
    own = (ACCOUNTS.c.msisdn == msisdn) & (ACCOUNTS.c.kind == "member")
    row = connection.execute(sa.select(ACCOUNTS.c.id, ACCOUNTS.c.currency).where(own)).first()
    return (row.id, row.currency) if row else None


def receiving(connection: Connection, msisdn: str, currency: str, at: float) -> tuple[int, str]:
    """The account that gets money sent to a number, and its currency: the member's, else an unclaimed one."""
    if (found := member_account(connection, msisdn)) is None:
        add_number(connection, msisdn)
        found = member_account(connection, msisdn)
    if found:
        return found
    connection.execute(ADD_UNCLAIMED, {"msisdn": msisdn, "currency": currency, "at": at})
    mine = (ACCOUNTS.c.msisdn == msisdn) & (ACCOUNTS.c.currency == currency)
    account_id = connection.execute(sa.select(ACCOUNTS.c.id).where(mine)).scalar_one()
    return int(account_id), currency


def of_the_bank(connection: Connection, kind: str, currency: str) -> int:
    """The bank's own account: `float` or `fees`."""
    own = (ACCOUNTS.c.kind == kind) & (ACCOUNTS.c.currency == currency)
    return int(connection.execute(sa.select(ACCOUNTS.c.id).where(own)).scalar_one())


def unclaimed_entries(connection: Connection, msisdn: str) -> list[Entry]:
    """What was sent to a number that never became a member's account."""
    waiting = sa.select(ACCOUNTS.c.id).where(ACCOUNTS.c.msisdn == msisdn, ACCOUNTS.c.kind == "unclaimed")
    sent = sa.select(ENTRIES.c.debit_id, ENTRIES.c.credit_id, ENTRIES.c.currency, ENTRIES.c.amount)
    rows = connection.execute(sent.where(ENTRIES.c.credit_id.in_(waiting)).order_by(ENTRIES.c.id))
    return [Entry(*row) for row in rows]


def waiting_elsewhere(connection: Connection, msisdn: str) -> tuple[str, int] | None:
    """What a number has sent that nobody claimed yet, which may come back to it: a currency and minor units."""
    payer, payee = ACCOUNTS.alias(), ACCOUNTS.alias()
    sent = (
        sa.select(ENTRIES.c.currency, sa.func.sum(ENTRIES.c.amount).label("amount"))
        .join(payer, payer.c.id == ENTRIES.c.debit_id)
        .join(payee, payee.c.id == ENTRIES.c.credit_id)
        .where(payer.c.msisdn == msisdn, payee.c.kind == "unclaimed", payee.c.balance > 0)
        .group_by(ENTRIES.c.currency)
    )
    row = connection.execute(sent).first()
    return (row.currency, int(row.amount)) if row else None


def move(
    connection: Connection, kind: str, key: str, at: float, new_ref: Callable[[], str], *entries: Entry
) -> str:
    """Write one transfer and its entries; triggers carry them into the balances. Returns its reference.

    Raises `Overtaken` when the key has paid already.
    """
    while True:
        ref = new_ref()
        made = connection.execute(ADD_TRANSFER, {"kind": kind, "ref": ref, "key": key, "at": at})
        if (transfer_id := made.scalar_one_or_none()) is not None:
            break
        paid = sa.select(TRANSFERS.c.id).where(TRANSFERS.c.key == key, TRANSFERS.c.kind == "payment")
        if kind == "payment" and connection.execute(paid).first():
            raise Overtaken
    rows = [{"transfer_id": transfer_id, **msgspec.structs.asdict(entry)} for entry in entries]
    connection.execute(sa.insert(ENTRIES), rows)
    return ref
