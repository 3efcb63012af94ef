"""What may be written to which address, by line.

What the table holds true without any code of ours:

- There is one row for an address and a line, and nothing of the address but its hash.
- How an address stands is one of four.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    marks = [
        sa.Column(f"{mark}_{part}", sa.Double if part == "at" else sa.Text, nullable=False)
        for mark in ("blocked", "gone", "stopped", "refused", "paused")
        for part in ("at", "for")
    ]
    op.create_table(
        "kikao_reach",
        sa.Column("hash", sa.LargeBinary, primary_key=True),
        sa.Column("line", sa.Text, primary_key=True),
        sa.Column("lookup_kid", sa.Text, nullable=False, index=True),
        sa.Column("heard_at", sa.Double, nullable=False),
        *marks,
        sa.Column("unblocked_at", sa.Double, nullable=False),
        sa.Column("started_at", sa.Double, nullable=False),
        sa.Column("allowed_at", sa.Double, nullable=False),
        sa.Column("standing", sa.Text, nullable=False),
        sa.Column("refuses_marketing", sa.Boolean, nullable=False),
        sa.Column("latest", sa.Double, nullable=False, index=True),
        sa.CheckConstraint("length(hash) = 32", name="kikao_reach_hash"),
        sa.CheckConstraint("standing IN ('open', 'blocked', 'gone', 'stopped')", name="kikao_reach_standing"),
    )
