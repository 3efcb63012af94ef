"""Idempotency keys: what became of each, kept for ever.

A row holds the fingerprint of a request and its result, or neither: then it is a tombstone, the key is void.
"""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from kikao.conversation.errors import ErrorCode
from kikao.conversation.outcomes import Done, Refused, Voided
from kikao.i18n.messages import t
from kikao.i18n.money import Amount
from kikao_apps.wallet.bank import Result
from kikao_apps.wallet.tables import KEYS

RESULT: Final[msgspec.json.Decoder[Result]] = msgspec.json.Decoder(Result)
"""Tells the types of results apart by their tags."""

KEEP: Final = sa.text(
    "INSERT INTO wallet_keys (key, request, result, at) VALUES (:key, :request, :result, :at) "
    "ON CONFLICT (key) DO NOTHING"
)


class Taken(Exception):
    """Another transaction decided this key first; roll back, and look again."""


def fingerprint(call: str, *arguments: str | Amount) -> str:
    """Names a request, so that a key cannot be used for another one. Never give it a PIN."""
    return hashlib.sha256(msgspec.json.encode([call, *arguments])).hexdigest()


def stored(connection: Connection, key: str, request: str) -> Done[Result] | Refused | None:
    """What a call under this key must answer without doing anything; None when it may go ahead."""
    row = connection.execute(_row(key)).first()
    if row is None:
        return None
    if row.request is None:
        return Refused(ErrorCode.REJECTED, t("This request was cancelled. Please start again."))
    if row.request != request:
        return Refused(ErrorCode.REJECTED, t("This request was already used for something else."))
    return Done(_decode(row.result))


def keep(connection: Connection, key: str, request: str, result: Result, at: float) -> None:
    """Store a result under its key. Raises `Taken` when the key was decided meanwhile."""
    values = {"key": key, "request": request, "result": msgspec.json.encode(result).decode(), "at": at}
    if connection.execute(KEEP, values).rowcount != 1:
        raise Taken


def settle(connection: Connection, key: str, at: float) -> Done[Result] | Voided:
    """What became of a key; a key that nobody used gets its tombstone."""
    connection.execute(KEEP, {"key": key, "request": None, "result": None, "at": at})
    row = connection.execute(_row(key)).one()
    return Voided() if row.request is None else Done(_decode(row.result))


def _row(key: str) -> sa.Select[tuple[str | None, str | None]]:
    return sa.select(KEYS.c.request, KEYS.c.result).where(KEYS.c.key == key)


def _decode(result: str | None) -> Result:
    return RESULT.decode(result or "null")
