"""The tables of the inbox as SQLAlchemy sees them; `migrations/` makes them and says what they hold true."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

METADATA: Final = sa.MetaData()

INBOXES: Final = sa.Table(
    "kikao_inboxes",
    METADATA,
    sa.Column("id", sa.LargeBinary, primary_key=True),  # random
    sa.Column("hash", sa.LargeBinary),  # of the user's id
    sa.Column("lookup_kid", sa.Text),  # of the ring's key that the hash was made with
    sa.Column("kid", sa.Text),  # of the ring's key that the inbox's own is sealed under
    sa.Column("key", sa.LargeBinary),  # sealed: what erasing destroys
    sa.Column("owner", sa.LargeBinary),  # the id, sealed with the inbox's key
    sa.Column("muted", sa.LargeBinary),  # kinds that the user does not want, sealed; null for none
    sa.Column("seq", sa.BigInteger),  # of the newest notification
    sa.Column("version", sa.BigInteger),  # of what is unread
    sa.Column("due_at", sa.Double),  # when to tell what is unread; null when the devices know
)
"""One row a user. Whoever changes anything of theirs locks it first."""

NOTIFICATIONS: Final = sa.Table(
    "kikao_notifications",
    METADATA,
    sa.Column("inbox", sa.LargeBinary, primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True),  # 1, 2, 3 … of the inbox
    sa.Column("mark", sa.Text),  # random: the other half of the id
    sa.Column("cause", sa.LargeBinary),  # keyed hash of the key; null without one
    sa.Column("kind", sa.Text),
    sa.Column("body", sa.LargeBinary),  # JSON, sealed with the inbox's key
    sa.Column("at", sa.Double),
    sa.Column("expires_at", sa.Double),
    sa.Column("gone_at", sa.Double),  # when the row goes: later than it expires where a cause may come again
    sa.Column("is_unread", sa.Boolean),  # counts, unless it has expired
    sa.Column("state", sa.Text),  # new, told, done
    sa.Column("due_at", sa.Double),  # when to look after it again; null when done
    sa.Column("looks", sa.Integer),  # how often somebody took that on: the fence of who did
)
