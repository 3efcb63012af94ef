"""What happened on an account: its transfers as movements, read from the entries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from kikao.i18n.money import Amount
from kikao_apps.wallet.bank import Movement
from kikao_apps.wallet.tables import ACCOUNTS, ENTRIES, TRANSFERS

PSEUDONYM: Final = "forgotten-"
"""What stands before the random part of what replaces the number of a member who is forgotten."""

DEBITED: Final = ACCOUNTS.alias("debited")
CREDITED: Final = ACCOUNTS.alias("credited")

ROWS: Final = (
    sa.select(
        TRANSFERS.c.id, TRANSFERS.c.kind, TRANSFERS.c.ref, TRANSFERS.c.at,
        ENTRIES.c.debit_id, ENTRIES.c.currency, ENTRIES.c.amount,
        DEBITED.c.msisdn.label("debited"), DEBITED.c.name.label("debited_name"),
        CREDITED.c.msisdn.label("credited"), CREDITED.c.name.label("credited_name"),
    )
    .join_from(ENTRIES, TRANSFERS, TRANSFERS.c.id == ENTRIES.c.transfer_id)
    .join(DEBITED, DEBITED.c.id == ENTRIES.c.debit_id)
    .join(CREDITED, CREDITED.c.id == ENTRIES.c.credit_id)
    .order_by(ENTRIES.c.transfer_id.desc(), ENTRIES.c.id)
)  # fmt: skip
"""Entries with their transfer and both accounts, a transfer's first one first: its second, if any, is the fee."""


def latest(connection: Connection, account_id: int, count: int) -> list[int]:
    """The ids of the last `count` transfers of an account, the newest first."""
    sides = []
    for side in (ENTRIES.c.debit_id, ENTRIES.c.credit_id):
        own = sa.select(ENTRIES.c.transfer_id).where(side == account_id)
        # A transfer has at most two entries on one account.
        sides.append(own.order_by(ENTRIES.c.id.desc()).limit(2 * count).subquery().select())
    ids = set(connection.execute(sa.union_all(*sides)).scalars())
    return sorted(ids, reverse=True)[:count]


def movements(connection: Connection, account_id: int, transfers: Sequence[int]) -> tuple[Movement, ...]:
    """These transfers as the account's member sees them, the newest first."""
    own = (ENTRIES.c.debit_id == account_id) | (ENTRIES.c.credit_id == account_id)
    rows = connection.execute(ROWS.where(ENTRIES.c.transfer_id.in_(transfers), own)).all()
    by_transfer: dict[int, list[Any]] = {}
    for row in rows:
        by_transfer.setdefault(row.id, []).append(row)
    return tuple(_movement(account_id, *entries) for entries in by_transfer.values())


def shown_number(msisdn: str | None) -> str:
    """A number as members may see it: nothing for the bank's own accounts and for who was forgotten."""
    return "" if msisdn is None or msisdn.startswith(PSEUDONYM) else msisdn


def _movement(account_id: int, first: Row[Any], fee: Row[Any] | None = None) -> Movement:
    out = first.debit_id == account_id
    party, name = (first.credited, first.credited_name) if out else (first.debited, first.debited_name)
    kinds = {"payment": "sent" if out else "received", "gift": "gift", "return": "returned"}
    return Movement(
        kind=kinds[first.kind],  # type: ignore[arg-type]
        at=first.at,
        party=shown_number(party),
        name=name or "",
        amount=Amount(first.currency, first.amount),
        fee=Amount(first.currency, fee.amount if fee else 0),
        ref=first.ref,
    )
