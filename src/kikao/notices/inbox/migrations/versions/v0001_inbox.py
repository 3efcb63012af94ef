"""Notifications of users.

What the tables hold true without any code of ours:

- A user has one inbox, and nothing of their id is in it but its hash, and what is sealed.
- A cause notifies a user once.
- Of an inbox that is gone nothing is left.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "kikao_inboxes",
        sa.Column("id", sa.LargeBinary, primary_key=True),
        sa.Column("hash", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("lookup_kid", sa.Text, nullable=False, index=True),
        sa.Column("kid", sa.Text, nullable=False, index=True),
        sa.Column("key", sa.LargeBinary, nullable=False),
        sa.Column("owner", sa.LargeBinary, nullable=False),
        sa.Column("muted", sa.LargeBinary),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.Double, index=True),
        sa.CheckConstraint("length(hash) = 32", name="kikao_inboxes_hash"),
    )
    op.create_table(
        "kikao_notifications",
        sa.Column(
            "inbox",
            sa.LargeBinary,
            sa.ForeignKey("kikao_inboxes.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("seq", sa.BigInteger, primary_key=True),
        sa.Column("mark", sa.Text, nullable=False),
        sa.Column("cause", sa.LargeBinary),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.Column("gone_at", sa.Double, nullable=False, index=True),
        sa.Column("is_unread", sa.Boolean, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("due_at", sa.Double),
        sa.Column("looks", sa.Integer, nullable=False),
        sa.UniqueConstraint("inbox", "cause", name="kikao_notifications_cause"),
        sa.CheckConstraint("state IN ('new', 'told', 'done')", name="kikao_notifications_state"),
        sa.CheckConstraint("(due_at IS NULL) = (state = 'done')", name="kikao_notifications_due"),
    )
    op.create_index(
        "kikao_notifications_unread",
        "kikao_notifications",
        ["inbox", "kind", "expires_at"],
        sqlite_where=sa.text("is_unread = 1"),
        postgresql_where=sa.text("is_unread"),
    )
    op.create_index(
        "kikao_notifications_expiring",
        "kikao_notifications",
        ["expires_at"],
        sqlite_where=sa.text("is_unread = 1"),
        postgresql_where=sa.text("is_unread"),
    )
    due = sa.text("due_at IS NOT NULL")
    op.create_index(
        "kikao_notifications_due_at",
        "kikao_notifications",
        ["state", "due_at"],
        sqlite_where=due,
        postgresql_where=due,
    )
