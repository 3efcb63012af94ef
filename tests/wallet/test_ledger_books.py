"""What the tables hold true, whoever writes to them; and how they come to be."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from kikao.records import RecordsRefused
from kikao_apps.wallet.bank import CURRENCIES
from kikao_apps.wallet.ledger import Ledger
from tests.databases import ON_POSTGRESQL, POSTGRESQL
from tests.wallet.ledgers import (
    ASHA,
    BINTA,
    GIFT,
    PIN,
    STRANGER,
    a_ledger,
    done,
    held,
    its_records,
    register,
    ugx,
)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    async with a_ledger(tmp_path) as ledger:
        await register(ledger, ASHA, BINTA)
        done(await ledger.transfer(ASHA, BINTA, ugx(1000), pin=PIN, key="t"))
        await ledger.find("void")
        yield ledger


async def tamper(folder: Path, statement: str) -> None:
    async with its_records(folder) as records:
        await records.write(lambda connection: connection.execute(text(statement)))


def entry(debit: str, credit: str, currency: str = "'UGX'", amount: str = "1") -> str:
    return (
        "INSERT INTO wallet_entries (transfer_id, debit_id, credit_id, currency, amount) "
        f"VALUES ((SELECT max(id) FROM wallet_transfers), ({debit}), ({credit}), {currency}, {amount})"
    )


def of(msisdn: str) -> str:
    return f"SELECT id FROM wallet_accounts WHERE msisdn = '{msisdn}'"


FEES_IN_KES = "SELECT id FROM wallet_accounts WHERE kind = 'fees' AND currency = 'KES'"
FLOAT_IN_UGX = "SELECT id FROM wallet_accounts WHERE kind = 'float' AND currency = 'UGX'"


STATEMENTS = [
    entry(of(ASHA), of(BINTA), amount="0"),
    entry(of(ASHA), of(BINTA), amount="-5"),
    entry(of(ASHA), of(ASHA)),
    entry(of(ASHA), "NULL"),
    entry(of(ASHA), "987654"),
    entry(of(ASHA), FEES_IN_KES),
    entry(of(ASHA), of(BINTA), currency="'KES'"),
    entry(of(ASHA), of(BINTA), amount=str(10 * GIFT)),
    "UPDATE wallet_entries SET amount = amount + 1",
    "DELETE FROM wallet_entries",
    "UPDATE wallet_transfers SET ref = 'FORGED22'",
    "DELETE FROM wallet_transfers",
    "UPDATE wallet_keys SET request = NULL, result = NULL",
    "UPDATE wallet_keys SET result = 'null'",
    "UPDATE wallet_keys SET request = 'forgotten', result = 'null'",
    "UPDATE wallet_keys SET request = 'forgotten', key = key || 'x'",
    f"UPDATE wallet_keys SET request = 'forgotten', owner = '{ASHA}' WHERE key = 'void'",
    f"UPDATE wallet_keys SET owner = '{BINTA}' WHERE key = 't'",
    "DELETE FROM wallet_keys",
    f"UPDATE wallet_accounts SET balance = -1 WHERE msisdn = '{ASHA}'",
    "INSERT INTO wallet_accounts (kind, currency, balance, opened_at) VALUES ('fees', 'EUR', 5, 0)",
    "INSERT INTO wallet_accounts (kind, currency, opened_at) VALUES ('fees', 'UGX', 0)",
    f"INSERT INTO wallet_accounts (kind, msisdn, currency, name, opened_at) "
    f"VALUES ('member', '{ASHA}', 'KES', 'Eve', 0)",
    "INSERT INTO wallet_transfers (kind, ref, key, at) VALUES ('payment', 'TWICE222', 't', 0)",
    "UPDATE wallet_pins SET wrong = 4",
    "DELETE FROM wallet_accounts",
]


@pytest.mark.parametrize("statement", STATEMENTS)
async def test_no_statement_can_break_the_books(tmp_path: Path, ledger: Ledger, statement: str) -> None:
    before = await ledger.audit()
    with pytest.raises(IntegrityError):
        await tamper(tmp_path, statement)
    assert await ledger.audit() == before
    assert before.right


@ON_POSTGRESQL
async def test_no_statement_can_break_the_books_in_postgresql(tmp_path: Path, ledger: Ledger) -> None:
    before = await ledger.audit()
    async with its_records(tmp_path) as records:
        for statement in STATEMENTS:
            with pytest.raises(IntegrityError):
                await records.write(lambda connection, said=statement: connection.execute(text(said)))  # type: ignore[misc]
    assert await ledger.audit() == before
    assert before.right


@pytest.mark.skipif(bool(POSTGRESQL), reason="SQLite's own way of overwriting")
@pytest.mark.parametrize("table", ["wallet_entries", "wallet_transfers"])
async def test_replacing_a_row_is_changing_it(tmp_path: Path, ledger: Ledger, table: str) -> None:
    with pytest.raises(IntegrityError, match="append-only"):
        await tamper(tmp_path, f"REPLACE INTO {table} SELECT * FROM {table}")


@ON_POSTGRESQL
async def test_truncating_is_deleting(tmp_path: Path, ledger: Ledger) -> None:
    with pytest.raises(IntegrityError, match="append-only"):
        await tamper(tmp_path, "TRUNCATE wallet_entries")


async def test_an_entry_carries_itself_into_both_balances(tmp_path: Path, ledger: Ledger) -> None:
    await tamper(tmp_path, entry(FLOAT_IN_UGX, of(BINTA), amount="250"))
    assert await held(ledger, BINTA) == GIFT + 1250
    assert (await ledger.audit()).right


async def test_the_audit_finds_a_balance_that_no_entry_explains(tmp_path: Path, ledger: Ledger) -> None:
    await tamper(tmp_path, f"UPDATE wallet_accounts SET balance = balance + 7 WHERE msisdn = '{ASHA}'")
    found = await ledger.audit()
    assert not found.right
    assert found.sums["UGX"] == 7
    assert list(found.drift.values()) == [7]


async def test_the_audit_of_right_books(ledger: Ledger) -> None:
    found = await ledger.audit()
    assert found.right
    assert found.sums == dict.fromkeys(CURRENCIES, 0)
    assert (found.drift, found.overdrawn, found.unkept, found.payments) == ({}, 0, 0, 1)


async def test_a_refused_transfer_leaves_no_trace(tmp_path: Path, ledger: Ledger) -> None:
    def rows(connection: Connection) -> list[int]:
        tables = ("numbers", "accounts", "transfers", "entries", "keys")
        return [
            connection.execute(text(f"SELECT count(*) FROM wallet_{table}")).scalar_one() for table in tables
        ]

    async with its_records(tmp_path) as records:
        before = await records.read(rows)
        await ledger.transfer(ASHA, STRANGER, ugx(2 * GIFT), pin=PIN, key="too much")
        assert await records.read(rows) == before


@pytest.mark.skipif(bool(POSTGRESQL), reason="a file")
async def test_a_newer_bank_is_not_opened_by_an_older_one(tmp_path: Path) -> None:
    async with a_ledger(tmp_path) as ledger:
        await register(ledger, ASHA)
    newest = set_revision(tmp_path, "9999")

    async with its_records(tmp_path) as records:
        with pytest.raises(RecordsRefused, match="revision 9999 of wallet_version"):
            await Ledger(records).start()

    set_revision(tmp_path, newest)
    async with a_ledger(tmp_path) as ledger:
        assert await held(ledger, ASHA) == GIFT


def set_revision(folder: Path, revision: str) -> str:
    """Pretend that the database is at another revision; returns the true one."""
    with closing(sqlite3.connect(folder / "bank" / "records.db")) as connection, connection:
        (before,) = connection.execute("SELECT version_num FROM wallet_version").fetchone()
        connection.execute("UPDATE wallet_version SET version_num = ?", [revision])
    return str(before)
