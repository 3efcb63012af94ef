"""Proof that the books are right: what must be zero, counted from the rows."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from kikao_apps.wallet.tables import ACCOUNTS, ENTRIES, KEYS, TRANSFERS


class Audit(msgspec.Struct, frozen=True):
    """What one reading of the books found, in minor units."""

    sums: dict[str, int]
    """All balances of a currency together; each must be 0."""
    drift: dict[int, int]
    """Accounts whose balance is not what their entries sum to, and by how much; must be empty."""
    overdrawn: int
    """Accounts below zero, other than the bank's float; must be 0."""
    unkept: int
    """Payments without a result under their key; must be 0."""
    payments: int
    """Transfers that members made."""

    @property
    def right(self) -> bool:
        """True when everything that must be zero is."""
        return not (any(self.sums.values()) or self.drift or self.overdrawn or self.unkept)


def audit(connection: Connection) -> Audit:
    """Read the books in two statements, each of which sees one state of them."""
    credited = sa.select(ENTRIES.c.credit_id.label("id"), ENTRIES.c.amount.label("amount"))
    debited = sa.select(ENTRIES.c.debit_id.label("id"), (-ENTRIES.c.amount).label("amount"))
    moved = sa.union_all(credited, debited).subquery()
    per_account = (
        sa.select(moved.c.id, sa.func.sum(moved.c.amount).label("amount")).group_by(moved.c.id).subquery()
    )
    accounts = sa.select(
        ACCOUNTS.c.id, ACCOUNTS.c.kind, ACCOUNTS.c.currency, ACCOUNTS.c.balance, per_account.c.amount
    ).join_from(ACCOUNTS, per_account, per_account.c.id == ACCOUNTS.c.id, isouter=True)
    sums: dict[str, int] = {}
    drift: dict[int, int] = {}
    overdrawn = 0
    for row in connection.execute(accounts):
        sums[row.currency] = sums.get(row.currency, 0) + row.balance
        if row.balance != int(row.amount or 0):
            drift[row.id] = row.balance - int(row.amount or 0)
        overdrawn += row.kind != "float" and row.balance < 0
    payments = sa.select(sa.func.count(), sa.func.count(KEYS.c.result)).select_from(
        sa.outerjoin(TRANSFERS, KEYS, KEYS.c.key == TRANSFERS.c.key)
    )
    made, kept = connection.execute(payments.where(TRANSFERS.c.kind == "payment")).one()
    return Audit(sums=sums, drift=drift, overdrawn=overdrawn, unkept=made - kept, payments=made)
