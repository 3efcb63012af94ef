"""The bank's tables as SQLAlchemy sees them; `migrations/` makes them and says what they hold true."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

METADATA: Final = sa.MetaData()

NUMBERS: Final = sa.Table("wallet_numbers", METADATA, sa.Column("msisdn", sa.Text, primary_key=True))
"""Every number that has or had an account, or the pseudonym in its place. Its row is what a transaction locks first."""

ACCOUNTS: Final = sa.Table(
    "wallet_accounts",
    METADATA,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("kind", sa.Text),  # member, unclaimed, float, fees
    sa.Column("msisdn", sa.Text),
    sa.Column("name", sa.Text),
    sa.Column("currency", sa.Text),
    sa.Column("balance", sa.BigInteger),  # kept by a trigger on the entries
    sa.Column("opened_at", sa.Double),
)

PINS: Final = sa.Table(
    "wallet_pins",
    METADATA,
    sa.Column("account_id", sa.BigInteger, primary_key=True),
    sa.Column("hash", sa.Text),
    sa.Column("kid", sa.Text),  # of the pepper in the hash; empty for none
    sa.Column("wrong", sa.Integer),
    sa.Column("start_until", sa.Double),  # until then it is a start PIN; null for a PIN of the member's own
)

PROPOSED_PINS: Final = sa.Table(
    "wallet_proposed_pins",
    METADATA,
    sa.Column("msisdn", sa.Text, primary_key=True),
    sa.Column("hash", sa.Text),
    sa.Column("kid", sa.Text),
    sa.Column("expires_at", sa.Double),
)

PIN_CHANGES: Final = sa.Table(
    "wallet_pin_changes",
    METADATA,
    sa.Column("msisdn", sa.Text, primary_key=True),
    sa.Column("id", sa.Text),
    sa.Column("expires_at", sa.Double),
)
"""Who may choose a new PIN, until when: the member showed that they know the present one."""

KEYS: Final = sa.Table(
    "wallet_keys",
    METADATA,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column(
        "request", sa.Text
    ),  # its fingerprint; null in a tombstone, "forgotten" for one who is forgotten
    sa.Column("result", sa.Text),  # JSON, without numbers and names; null in a tombstone
    sa.Column("owner", sa.Text),  # who asked; null in a tombstone, and once forgotten
    sa.Column("at", sa.Double),
)

TRANSFERS: Final = sa.Table(
    "wallet_transfers",
    METADATA,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("kind", sa.Text),  # payment, gift, return
    sa.Column("ref", sa.Text),
    sa.Column("key", sa.Text),
    sa.Column("at", sa.Double),
)

ENTRIES: Final = sa.Table(
    "wallet_entries",
    METADATA,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("transfer_id", sa.BigInteger),
    sa.Column("debit_id", sa.BigInteger),
    sa.Column("credit_id", sa.BigInteger),
    sa.Column("currency", sa.Text),
    sa.Column("amount", sa.BigInteger),
)
