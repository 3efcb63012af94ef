"""The books: who has an account, and moving money between two of them. Every function runs in a transaction.

The order of locks in PostgreSQL: numbers (sorted), then a bank account by the trigger on the entries.
SQLite has one writer and needs none.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from kikao_apps.wallet.keys import Taken
from kikao_apps.wallet.tables import ACCOUNTS, ENTRIES, NUMBERS, PINS, PROPOSED_PINS, TRANSFERS

TRIES = 3
"""Wrong PINs in a row that lock an account."""

ADD_NUMBER = sa.text("INSERT INTO wallet_numbers (msisdn) VALUES (:msisdn) ON CONFLICT (msisdn) DO NOTHING")
ADD_UNCLAIMED = sa.text(
    "INSERT INTO wallet_accounts (kind, msisdn, currency, opened_at) "
    "VALUES ('unclaimed', :msisdn, :currency, :at) ON CONFLICT (msisdn, currency) DO NOTHING"
)
ADD_TRANSFER = sa.text(
    "INSERT INTO wallet_transfers (kind, ref, key, at) VALUES (:kind, :ref, :key, :at) "
    "ON CONFLICT DO NOTHING RETURNING id"
)
PROPOSE = sa.text(
    "INSERT INTO wallet_proposed_pins (msisdn, hash, expires_at) VALUES (:msisdn, :hash, :expires_at) "
    "ON CONFLICT (msisdn) DO UPDATE SET hash = excluded.hash, expires_at = excluded.expires_at"
)


class Member(msgspec.Struct, frozen=True):
    """A member's account as a transaction sees it."""

    id: int
    msisdn: str
    name: str
    currency: str
    balance: int
    hash: str
    wrong: int

    @property
    def locked(self) -> bool:
        return self.wrong >= TRIES


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


def member(connection: Connection, msisdn: str) -> Member | None:
    """The account a member has opened."""
    found = sa.select(
        ACCOUNTS.c.id, ACCOUNTS.c.msisdn, ACCOUNTS.c.name, ACCOUNTS.c.currency, ACCOUNTS.c.balance,
        PINS.c.hash, PINS.c.wrong,
    ).join_from(ACCOUNTS, PINS, PINS.c.account_id == ACCOUNTS.c.id)  # fmt: skip
    own = (ACCOUNTS.c.msisdn == msisdn) & (ACCOUNTS.c.kind == "member")
    row = connection.execute(found.where(own)).first()
    return Member(*row) if row else None


def count_try(connection: Connection, account: Member, right: bool) -> int:
    """Count a PIN that was compared; return how many wrong ones in a row there are now."""
    wrong = 0 if right else account.wrong + 1
    if wrong != account.wrong:
        connection.execute(sa.update(PINS).where(PINS.c.account_id == account.id).values(wrong=wrong))
    return wrong


def propose(connection: Connection, msisdn: str, hashed: str, now: float, until: float) -> None:
    """Keep the hash of a PIN for a number, and forget those whose time is over."""
    connection.execute(sa.delete(PROPOSED_PINS).where(PROPOSED_PINS.c.expires_at <= now))
    connection.execute(PROPOSE, {"msisdn": msisdn, "hash": hashed, "expires_at": until})


def proposed(connection: Connection, msisdn: str, now: float) -> str | None:
    """The hash of the PIN proposed for a number."""
    found = sa.select(PROPOSED_PINS.c.hash).where(
        PROPOSED_PINS.c.msisdn == msisdn, PROPOSED_PINS.c.expires_at > now
    )
    return connection.execute(found).scalar_one_or_none()


def add_number(connection: Connection, msisdn: str) -> None:
    """Make sure the number has a row, and lock it."""
    connection.execute(ADD_NUMBER, {"msisdn": msisdn})
    lock(connection, msisdn)


def open_account(
    connection: Connection, msisdn: str, name: str, currency: str, hashed: str, at: float
) -> int:
    """Make an account, or the one in which money waits, the member's, with their PIN. Returns its id."""
    connection.execute(ADD_UNCLAIMED, {"msisdn": msisdn, "currency": currency, "at": at})
    mine = (ACCOUNTS.c.msisdn == msisdn) & (ACCOUNTS.c.currency == currency)
    account_id = connection.execute(sa.select(ACCOUNTS.c.id).where(mine)).scalar_one()
    connection.execute(sa.update(ACCOUNTS).where(mine).values(kind="member", name=name, opened_at=at))
    connection.execute(sa.insert(PINS).values(account_id=account_id, hash=hashed, wrong=0))
    connection.execute(sa.delete(PROPOSED_PINS).where(PROPOSED_PINS.c.msisdn == msisdn))
    return int(account_id)


def receiving(connection: Connection, msisdn: str, currency: str, at: float) -> tuple[int, str]:
    """The account that gets money sent to a number, and its currency: the member's, else an unclaimed one."""
    if (found := member(connection, msisdn)) is None:
        add_number(connection, msisdn)
        found = member(connection, msisdn)
    if found:
        return found.id, found.currency
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


def move(
    connection: Connection, kind: str, key: str, at: float, new_ref: Callable[[], str], *entries: Entry
) -> str:
    """Write one transfer and its entries; triggers carry them into the balances. Returns its reference.

    Raises `Taken` when the key has paid already.
    """
    while True:
        ref = new_ref()
        made = connection.execute(ADD_TRANSFER, {"kind": kind, "ref": ref, "key": key, "at": at})
        if (transfer_id := made.scalar_one_or_none()) is not None:
            break
        paid = sa.select(TRANSFERS.c.id).where(TRANSFERS.c.key == key, TRANSFERS.c.kind == "payment")
        if kind == "payment" and connection.execute(paid).first():
            raise Taken
    rows = [{"transfer_id": transfer_id, **msgspec.structs.asdict(entry)} for entry in entries]
    connection.execute(sa.insert(ENTRIES), rows)
    return ref
