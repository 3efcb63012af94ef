"""The ledger's tables as SQLAlchemy sees them; `migrations/` makes them and says what they hold true."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

METADATA: Final = sa.MetaData()

LEDGER: Final = sa.Table(
    "kikao_ledger",
    METADATA,
    sa.Column("session", sa.LargeBinary, primary_key=True),  # its key
    sa.Column("version", sa.BigInteger),  # that the write made
    sa.Column("expires_at", sa.Double),  # of the session, as far as that is known
    sa.Column("write", sa.LargeBinary),  # what was written, sealed as in the store
    sa.Column("at", sa.Double),
)

INTENTS: Final = sa.Table(
    "kikao_ledger_intents",
    METADATA,
    sa.Column("session", sa.LargeBinary, primary_key=True),
    sa.Column("id", sa.LargeBinary, primary_key=True),
    sa.Column("open", sa.Boolean),  # false once it is settled
    sa.Column("fence", sa.BigInteger),
    sa.Column("lease_until", sa.Double),
    sa.Column("due_at", sa.Double),
    sa.Column("tries", sa.Integer),
)
