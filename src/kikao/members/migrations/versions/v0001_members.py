"""Members, their keys, their addresses, links under way, and which key looks addresses up.

What the tables hold true without any code of ours:

- An address has at most one member, and a member's addresses have an order.
- A member who was erased keeps the row and nothing that says anything of them.
- There is one look-up key.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "kikao_members",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("erased_at", sa.Double),
        sa.Column("merged_into", sa.Text, sa.ForeignKey("kikao_members.id"), index=True),
        sa.Column("preferences", sa.LargeBinary),
        sa.CheckConstraint("length(id) = 32", name="kikao_members_id"),
        sa.CheckConstraint("merged_into <> id", name="kikao_members_alias"),
        sa.CheckConstraint("erased_at IS NULL OR preferences IS NULL", name="kikao_members_erased"),
    )
    op.create_table(
        "kikao_member_keys",
        sa.Column("member_id", sa.Text, sa.ForeignKey("kikao_members.id"), primary_key=True),
        sa.Column("kid", sa.Text, nullable=False, index=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "kikao_addresses",
        sa.Column("hash", sa.LargeBinary, primary_key=True),
        sa.Column("lookup_kid", sa.Text, nullable=False, index=True),
        sa.Column("member_id", sa.Text, sa.ForeignKey("kikao_members.id"), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("linked_at", sa.Double, nullable=False),
        sa.UniqueConstraint("member_id", "place", name="kikao_addresses_place"),
        sa.CheckConstraint("length(hash) = 32", name="kikao_addresses_hash"),
        sa.CheckConstraint(f"kind IN {KINDS}", name="kikao_addresses_kind"),
    )
    op.create_table(
        "kikao_links",
        sa.Column("hash", sa.LargeBinary, primary_key=True),
        sa.Column("member_id", sa.Text, sa.ForeignKey("kikao_members.id"), primary_key=True, index=True),
        sa.Column("lookup_kid", sa.Text, nullable=False, index=True),
        sa.Column("wish", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("wished_at", sa.Double, nullable=False, index=True),
        sa.CheckConstraint("wish IN ('link', 'unlink')", name="kikao_links_wish"),
        sa.CheckConstraint(f"kind IN {KINDS}", name="kikao_links_kind"),
    )
    op.create_table(
        "kikao_lookup",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("kid", sa.Text, nullable=False),
        sa.Column("proof", sa.LargeBinary, nullable=False),
        sa.Column("next_kid", sa.Text),
        sa.Column("next_proof", sa.LargeBinary),
        sa.CheckConstraint("id = 1", name="kikao_lookup_one"),
        sa.CheckConstraint("(next_kid IS NULL) = (next_proof IS NULL)", name="kikao_lookup_next"),
    )


KINDS = "('msisdn', 'whatsapp', 'telegram', 'user', 'token')"
