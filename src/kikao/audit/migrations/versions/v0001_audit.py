"""The audit trail: one row for each thing that happened, written once however often it is brought."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "kikao_audit",
        sa.Column("message", sa.LargeBinary, primary_key=True),
        sa.Column("n", sa.Integer, primary_key=True),
        sa.Column("at", sa.Double, nullable=False, index=True),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("session", sa.Text, nullable=False, index=True),
        sa.Column("member", sa.Text, nullable=False, index=True),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("gateway", sa.Text, nullable=False),
        sa.Column("release", sa.Integer, nullable=False),
        sa.Column("fields", sa.Text, nullable=False),
    )
