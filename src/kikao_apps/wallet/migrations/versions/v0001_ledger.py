"""The books, the PINs and the keys of the embedded bank.

What the tables hold true without any code of ours:

- An entry is a debit and a credit of the same amount (> 0) between two accounts of its currency, so every
  transfer sums to zero, and so do all accounts together.
- Triggers carry an entry into the two balances; no account but the float can fall below zero.
- Entries, transfers and keys cannot be changed or deleted.
- A number has at most one member account, and a key at most one transfer.
"""

from collections.abc import Callable, Iterable

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

CURRENCIES = ("UGX", "KES", "TZS", "RWF")
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table("wallet_numbers", sa.Column("msisdn", sa.Text, primary_key=True))
    _create_accounts()
    _create_pins()
    _create_keys()
    _create_books()
    for name, on, body in _rules():
        if op.get_bind().dialect.name == "sqlite":
            op.execute(f"CREATE TRIGGER {name} {on} BEGIN {body}; END")
        else:
            function = f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql"
            op.execute(f"{function} AS $$ BEGIN {body}; END $$")
            op.execute(f"CREATE TRIGGER {name} {on} EXECUTE FUNCTION {name}()")
    accounts = sa.table("wallet_accounts", sa.column("kind"), sa.column("currency"), sa.column("opened_at"))
    op.bulk_insert(
        accounts,
        [
            {"kind": kind, "currency": currency, "opened_at": 0.0}
            for kind in ("float", "fees")
            for currency in CURRENCIES
        ],
    )


def _create_accounts() -> None:
    op.create_table(
        "wallet_accounts",
        sa.Column("id", ID, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("msisdn", sa.Text, sa.ForeignKey("wallet_numbers.msisdn")),
        sa.Column("name", sa.Text),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("balance", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("opened_at", sa.Double, nullable=False),
        sa.CheckConstraint("kind IN ('member', 'unclaimed', 'float', 'fees')", name="wallet_accounts_kind"),
        sa.CheckConstraint("(kind IN ('float', 'fees')) = (msisdn IS NULL)", name="wallet_accounts_owner"),
        sa.CheckConstraint("(kind = 'member') = (name IS NOT NULL)", name="wallet_accounts_name"),
        sa.CheckConstraint("balance >= 0 OR kind = 'float'", name="wallet_accounts_overdraft"),
        sa.UniqueConstraint("id", "currency", name="wallet_accounts_id_currency"),
        sa.UniqueConstraint("msisdn", "currency", name="wallet_accounts_msisdn_currency"),
    )
    op.create_index(
        "wallet_accounts_one_member",
        "wallet_accounts",
        ["msisdn"],
        unique=True,
        sqlite_where=sa.text("kind = 'member'"),
        postgresql_where=sa.text("kind = 'member'"),
    )
    op.create_index(
        "wallet_accounts_one_of_the_bank",
        "wallet_accounts",
        ["kind", "currency"],
        unique=True,
        sqlite_where=sa.text("msisdn IS NULL"),
        postgresql_where=sa.text("msisdn IS NULL"),
    )


def _create_pins() -> None:
    op.create_table(
        "wallet_pins",
        sa.Column("account_id", ID, sa.ForeignKey("wallet_accounts.id"), primary_key=True),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("wrong", sa.Integer, nullable=False, server_default="0"),
        sa.CheckConstraint("wrong BETWEEN 0 AND 3", name="wallet_pins_wrong"),
    )
    op.create_table(
        "wallet_proposed_pins",
        sa.Column("msisdn", sa.Text, primary_key=True),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
    )
    op.create_index("wallet_proposed_pins_expiry", "wallet_proposed_pins", ["expires_at"])


def _create_keys() -> None:
    op.create_table(
        "wallet_keys",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("request", sa.Text),
        sa.Column("result", sa.Text),
        sa.Column("at", sa.Double, nullable=False),
        sa.CheckConstraint("(request IS NULL) = (result IS NULL)", name="wallet_keys_tombstone"),
    )


def _create_books() -> None:
    op.create_table(
        "wallet_transfers",
        sa.Column("id", ID, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("ref", sa.Text, nullable=False, unique=True),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.CheckConstraint("kind IN ('payment', 'gift', 'return')", name="wallet_transfers_kind"),
    )
    op.create_index(
        "wallet_transfers_one_payment_per_key",
        "wallet_transfers",
        ["key"],
        unique=True,
        sqlite_where=sa.text("kind = 'payment'"),
        postgresql_where=sa.text("kind = 'payment'"),
    )
    op.create_table(
        "wallet_entries",
        sa.Column("id", ID, primary_key=True),
        sa.Column("transfer_id", ID, sa.ForeignKey("wallet_transfers.id"), nullable=False, index=True),
        sa.Column("debit_id", ID, nullable=False, index=True),
        sa.Column("credit_id", ID, nullable=False, index=True),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.CheckConstraint("amount > 0", name="wallet_entries_amount"),
        sa.CheckConstraint("debit_id <> credit_id", name="wallet_entries_two_accounts"),
        sa.ForeignKeyConstraint(["debit_id", "currency"], ["wallet_accounts.id", "wallet_accounts.currency"]),
        sa.ForeignKeyConstraint(
            ["credit_id", "currency"], ["wallet_accounts.id", "wallet_accounts.currency"]
        ),
    )


def _rules() -> Iterable[tuple[str, str, str]]:
    """Triggers: their name, when they act, and what they do."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    refuse: Callable[[str], str] = _refuse_sqlite if sqlite else _refuse_postgresql
    carry = (
        "UPDATE wallet_accounts SET balance = balance - NEW.amount WHERE id = NEW.debit_id; "
        "UPDATE wallet_accounts SET balance = balance + NEW.amount WHERE id = NEW.credit_id"
    )
    yield (
        "wallet_entries_carried",
        "AFTER INSERT ON wallet_entries FOR EACH ROW",
        carry if sqlite else f"{carry}; RETURN NULL",
    )
    yield (
        "wallet_accounts_begin_empty",
        "BEFORE INSERT ON wallet_accounts FOR EACH ROW WHEN (NEW.balance <> 0)",
        refuse("an account begins with nothing"),
    )
    for table in ("wallet_entries", "wallet_transfers", "wallet_keys"):
        never = refuse(f"{table} is append-only")
        yield f"{table}_unchanged", f"BEFORE UPDATE ON {table} FOR EACH ROW", never
        yield f"{table}_undeleted", f"BEFORE DELETE ON {table} FOR EACH ROW", never
        if not sqlite:
            yield f"{table}_untruncated", f"BEFORE TRUNCATE ON {table} FOR EACH STATEMENT", never
    if sqlite:
        # REPLACE deletes without asking the trigger for DELETE: https://www.sqlite.org/lang_conflict.html
        yield (
            "wallet_entries_unreplaced",
            "BEFORE INSERT ON wallet_entries FOR EACH ROW "
            "WHEN EXISTS (SELECT 1 FROM wallet_entries WHERE id = NEW.id)",
            refuse("wallet_entries is append-only"),
        )
        yield (
            "wallet_transfers_unreplaced",
            "BEFORE INSERT ON wallet_transfers FOR EACH ROW "
            "WHEN EXISTS (SELECT 1 FROM wallet_transfers WHERE id = NEW.id)",
            refuse("wallet_transfers is append-only"),
        )


def _refuse_sqlite(why: str) -> str:
    return f"SELECT RAISE(ABORT, '{why}')"


def _refuse_postgresql(why: str) -> str:
    return f"RAISE EXCEPTION '{why}' USING ERRCODE = 'integrity_constraint_violation'"
