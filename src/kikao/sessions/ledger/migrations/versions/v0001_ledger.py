"""Sessions as they were last written with a critical effect, and these effects.

What the tables hold true without any code of ours:

- An effect belongs to a session that is kept.
- A session with an open effect is not removed by accident: only with its effects.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "kikao_ledger",
        sa.Column("session", sa.LargeBinary, primary_key=True),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.Column("write", sa.LargeBinary, nullable=False),
        sa.Column("at", sa.Double, nullable=False, index=True),
    )
    op.create_table(
        "kikao_ledger_intents",
        sa.Column(
            "session",
            sa.LargeBinary,
            sa.ForeignKey("kikao_ledger.session", ondelete="CASCADE", onupdate="CASCADE"),
            primary_key=True,
        ),
        sa.Column("id", sa.LargeBinary, primary_key=True),
        sa.Column("open", sa.Boolean, nullable=False),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("lease_until", sa.Double, nullable=False),
        sa.Column("due_at", sa.Double, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
    )
    op.create_index(
        "kikao_ledger_due",
        "kikao_ledger_intents",
        ["due_at"],
        postgresql_where=sa.text("open"),
        sqlite_where=sa.text("open"),
    )
