"""The audit trail's table as SQLAlchemy sees it; `migrations/` makes it."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

AUDIT: Final = sa.Table(
    "kikao_audit",
    sa.MetaData(),
    sa.Column("message", sa.LargeBinary, primary_key=True),  # the id of the message that brought it
    sa.Column("n", sa.Integer, primary_key=True),  # its place among those of that message
    sa.Column("at", sa.Double),
    sa.Column("event", sa.Text),  # "step.done"
    sa.Column("session", sa.Text),  # the short form of its key, a keyed hash, as in the log
    sa.Column("member", sa.Text),  # the random id, which an erased member leaves behind
    sa.Column("channel", sa.Text),
    sa.Column("gateway", sa.Text),
    sa.Column("release", sa.Integer),
    sa.Column("fields", sa.Text),  # JSON: what else the event says
)
