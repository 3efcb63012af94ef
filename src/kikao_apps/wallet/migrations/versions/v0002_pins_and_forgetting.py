"""Peppered PINs, changing a PIN, statements, and members who are forgotten.

- A PIN carries the id of the secret key whose pepper is in its hash; those that are there have none.
- A result under a key names accounts by their id, never by number or name, and a key says whose it is: so a member can
  be forgotten without touching any result. All that may change in a key is that its request is forgotten.
- Entries are found by account from the newest on.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Connection

revision = "0002"
down_revision = "0001"

BATCH = 1000
"""Keys that are rewritten at a time."""

FORGET_ONLY = (
    "NEW.key = OLD.key AND NEW.result = OLD.result AND NEW.at = OLD.at AND NEW.request = 'forgotten' "
    "AND (NEW.owner IS NULL OR NEW.owner = OLD.owner)"
)


def upgrade() -> None:
    for table in ("wallet_pins", "wallet_proposed_pins"):
        op.add_column(table, sa.Column("kid", sa.Text, nullable=False, server_default=""))
    op.add_column("wallet_pins", sa.Column("start_until", sa.Double))
    op.create_table(
        "wallet_pin_changes",
        sa.Column("msisdn", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
    )
    op.create_index("wallet_pin_changes_expiry", "wallet_pin_changes", ["expires_at"])
    for side in ("debit_id", "credit_id"):
        op.drop_index(f"ix_wallet_entries_{side}", "wallet_entries")
        op.create_index(f"wallet_entries_newest_{side}", "wallet_entries", [side, "id"])
    op.add_column("wallet_keys", sa.Column("owner", sa.Text))
    op.create_index("wallet_keys_owner", "wallet_keys", ["owner"])
    _let_keys_be_forgotten(op.get_bind())


def _let_keys_be_forgotten(connection: Connection) -> None:
    """Replace the rule that a key never changes; in between, what is there gets its new form."""
    sqlite = connection.dialect.name == "sqlite"
    op.execute("DROP TRIGGER wallet_keys_unchanged" + ("" if sqlite else " ON wallet_keys"))
    if not sqlite:
        op.execute("DROP FUNCTION wallet_keys_unchanged()")
    write = sa.text("UPDATE wallet_keys SET owner = :owner, result = :result WHERE key = :key")
    for batch in _rewritten(connection):
        connection.execute(write, batch)
    # A tombstone compares with NULL, which is neither true nor false: COALESCE makes it false.
    when = f"BEFORE UPDATE ON wallet_keys FOR EACH ROW WHEN (NOT COALESCE({FORGET_ONLY}, FALSE))"
    why = "a key can only be forgotten"
    if sqlite:
        op.execute(f"CREATE TRIGGER wallet_keys_unchanged {when} BEGIN SELECT RAISE(ABORT, '{why}'); END")
    else:
        raises = f"RAISE EXCEPTION '{why}' USING ERRCODE = 'integrity_constraint_violation'"
        function = "CREATE FUNCTION wallet_keys_unchanged() RETURNS trigger LANGUAGE plpgsql"
        op.execute(f"{function} AS $$ BEGIN {raises}; END $$")
        op.execute(f"CREATE TRIGGER wallet_keys_unchanged {when} EXECUTE FUNCTION wallet_keys_unchanged()")


def _rewritten(connection: Connection) -> Iterator[list[dict[str, Any]]]:
    """Every key that has a result: whose it is, and its result with account ids."""
    owners = _owners(connection)
    accounts = {
        (row.msisdn, row.currency): row.id
        for row in connection.execute(
            sa.text("SELECT id, msisdn, currency FROM wallet_accounts WHERE msisdn IS NOT NULL")
        )
    }
    payments = sa.text(
        "SELECT sender.msisdn AS sender, e.credit_id AS payee FROM wallet_transfers t "
        "JOIN wallet_entries e ON e.transfer_id = t.id "
        "JOIN wallet_accounts sender ON sender.id = e.debit_id "
        "JOIN wallet_accounts payee ON payee.id = e.credit_id AND payee.kind <> 'fees' "
        "WHERE t.key = :key AND t.kind = 'payment'"
    )
    page = sa.text(
        "SELECT key, request, result FROM wallet_keys WHERE key > :last AND request IS NOT NULL "
        "ORDER BY key LIMIT :batch"
    )
    last = ""
    while rows := connection.execute(page, {"last": last, "batch": BATCH}).all():
        last = rows[-1].key
        batch = []
        for row in rows:
            owner, result = owners.get(row.request), json.loads(row.result)
            if result and result["type"] == "account":
                owner = result["number"]
                result = {"type": "account", "id": accounts[owner, result["currency"]]}
            elif result and result["type"] == "receipt":
                owner, result["to"] = connection.execute(payments, {"key": row.key}).one()
            batch.append({"key": row.key, "owner": owner, "result": json.dumps(result)})
        yield batch


def _owners(connection: Connection) -> dict[str, str]:
    """Numbers by the fingerprints of the requests that their results do not tell."""
    numbers = connection.execute(sa.text("SELECT msisdn FROM wallet_numbers")).scalars()
    return {_fingerprint(call, number): number for number in numbers for call in ("balance", "propose_pin")}


def _fingerprint(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts, separators=(",", ":")).encode()).hexdigest()
