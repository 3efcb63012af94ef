"""The tables of members as SQLAlchemy sees them; `migrations/` makes them and says what they hold true."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

METADATA: Final = sa.MetaData()

MEMBERS: Final = sa.Table(
    "kikao_members",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("created_at", sa.Double),
    sa.Column("erased_at", sa.Double),  # null while the member lives
    sa.Column("merged_into", sa.Text),  # null unless this id is an alias of that one, which never is one
    sa.Column("preferences", sa.LargeBinary),  # sealed with the member's key; null when erased
)
"""Rows stay for ever: others refer to their ids."""

KEYS: Final = sa.Table(
    "kikao_member_keys",
    METADATA,
    sa.Column("member_id", sa.Text, primary_key=True),
    sa.Column("kid", sa.Text),  # of the ring's key that it is sealed under
    sa.Column("sealed", sa.LargeBinary),
)
"""What erasure destroys. Aliases keep theirs while the member lives: services may have sealed with it."""

ADDRESSES: Final = sa.Table(
    "kikao_addresses",
    METADATA,
    sa.Column("hash", sa.LargeBinary, primary_key=True),
    sa.Column("lookup_kid", sa.Text),  # of the ring's key that the hash was made with
    sa.Column("member_id", sa.Text),
    sa.Column("kind", sa.Text),
    sa.Column("place", sa.Integer),  # the member's first address has the lowest
    sa.Column("sealed", sa.LargeBinary),  # with the member's key
    sa.Column("linked_at", sa.Double),
)

WISHES: Final = sa.Table(
    "kikao_links",
    METADATA,
    sa.Column("hash", sa.LargeBinary, primary_key=True),
    sa.Column("member_id", sa.Text, primary_key=True),
    sa.Column("lookup_kid", sa.Text),
    sa.Column("wish", sa.Text),  # link, unlink
    sa.Column("kind", sa.Text),
    sa.Column("sealed", sa.LargeBinary),  # with the key of member_id
    sa.Column("wished_at", sa.Double),
)
"""Links that are wished and not yet in force: what a member wishes last for an address."""

LOOKUP: Final = sa.Table(
    "kikao_lookup",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),  # always 1
    sa.Column("kid", sa.Text),
    sa.Column("proof", sa.LargeBinary),  # tells two keys of one id apart
    sa.Column("next_kid", sa.Text),  # while hashes move to another key
    sa.Column("next_proof", sa.LargeBinary),
)
"""Which key addresses are looked up with."""

REACH: Final = sa.Table(
    "kikao_reach",
    METADATA,
    sa.Column("hash", sa.LargeBinary, primary_key=True),  # as in `kikao_addresses`
    sa.Column("line", sa.Text, primary_key=True),
    sa.Column("lookup_kid", sa.Text),
    sa.Column("heard_at", sa.Double),
    *(
        sa.Column(f"{mark}_{part}", sa.Double if part == "at" else sa.Text)
        for mark in ("blocked", "gone", "stopped", "refused", "paused")
        for part in ("at", "for")
    ),
    sa.Column("unblocked_at", sa.Double),
    sa.Column("started_at", sa.Double),
    sa.Column("allowed_at", sa.Double),
    sa.Column("standing", sa.Text),  # read from the times above, for who asks in SQL
    sa.Column("refuses_marketing", sa.Boolean),  # as above
    sa.Column("latest", sa.Double),  # as above
)
"""What may be written to which address. It stays when an address is unlinked: the next member there has it."""
