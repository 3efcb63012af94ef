"""A payment service that can be retried: one SQLite transaction decides a key, once."""

import asyncio
import secrets
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from kikao import Amount, Done, ErrorCode, Refused, Voided

T = TypeVar("T")

TABLES = """
CREATE TABLE IF NOT EXISTS balances (member TEXT PRIMARY KEY, minor INTEGER NOT NULL CHECK (minor >= 0));
CREATE TABLE IF NOT EXISTS keys (key TEXT PRIMARY KEY, request BLOB, receipt BLOB);
"""


class Receipt(msgspec.Struct, frozen=True):
    ref: str
    amount: Amount


class Payments:
    def __init__(self, path: Path) -> None:
        self.path = path
        with sqlite3.connect(path) as connection:
            connection.executescript(f"PRAGMA journal_mode = WAL; {TABLES}")

    async def pay(self, member: str, amount: Amount, *, key: str) -> Done[Receipt] | Refused:
        request = msgspec.json.encode([member, amount])  # all that makes the request; never a PIN

        def work(connection: sqlite3.Connection) -> Done[Receipt] | Refused:
            row = connection.execute("SELECT request, receipt FROM keys WHERE key = ?", (key,)).fetchone()
            if row is not None:
                if row[0] != request:  # another request, or a tombstone
                    return Refused(ErrorCode.REJECTED)
                return Done(msgspec.json.decode(row[1], type=Receipt))
            paid = connection.execute(
                "UPDATE balances SET minor = minor - ?2 WHERE member = ?1 AND minor >= ?2",
                (member, amount.minor),
            )
            if paid.rowcount == 0:
                return Refused(ErrorCode.INSUFFICIENT_BALANCE)  # not stored: a later attempt is judged anew
            receipt = Receipt(secrets.token_hex(4).upper(), amount)
            connection.execute(
                "INSERT INTO keys VALUES (?, ?, ?)", (key, request, msgspec.json.encode(receipt))
            )
            return Done(receipt)

        return await asyncio.to_thread(self._transact, work)

    async def find(self, key: str) -> Done[Receipt] | Voided:
        def work(connection: sqlite3.Connection) -> Done[Receipt] | Voided:
            connection.execute("INSERT INTO keys VALUES (?, NULL, NULL) ON CONFLICT DO NOTHING", (key,))
            (receipt,) = connection.execute("SELECT receipt FROM keys WHERE key = ?", (key,)).fetchone()
            return Voided() if receipt is None else Done(msgspec.json.decode(receipt, type=Receipt))

        return await asyncio.to_thread(self._transact, work)

    def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        connection = sqlite3.connect(self.path, isolation_level=None)
        try:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN IMMEDIATE")  # the only writer from here on
            result = work(connection)
            connection.execute("COMMIT")
            return result
        finally:
            connection.close()  # without a COMMIT nothing happened
