"""Idempotency keys: what became of each, kept for ever.

A row holds the fingerprint of a request and its result, or neither: then it is a tombstone, the key is void.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import Final

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from kikao.conversation.errors import ErrorCode
from kikao.conversation.outcomes import Done, Refused, Voided
from kikao.i18n.messages import t
from kikao.i18n.money import Amount
from kikao_apps.wallet.bank import Result
from kikao_apps.wallet.kept import KEPT, Kept, told
from kikao_apps.wallet.tables import ENTRIES, KEYS, TRANSFERS

FORGOTTEN: Final = "forgotten"
"""In place of a fingerprint: a hash of a phone number tells the number to whoever tries them all."""

KEEP: Final = sa.text(
    "INSERT INTO wallet_keys (key, request, result, owner, at) VALUES (:key, :request, :result, :owner, :at) "
    "ON CONFLICT (key) DO NOTHING"
)


class Overtaken(Exception):
    """Another transaction was first to change what this one is about; roll back, and look again."""


class Request(msgspec.Struct, frozen=True):
    """A call under a key: who asks, and what the key must never be used for besides."""

    key: str
    owner: str
    """MSISDN, E.164."""
    fingerprint: str


def request(key: str, owner: str, call: str, *arguments: str | Amount) -> Request:
    """Names what is asked, so that a key cannot be used for another request. Never give it a PIN."""
    return Request(key, owner, hashlib.sha256(msgspec.json.encode([call, owner, *arguments])).hexdigest())


def stored(connection: Connection, asked: Request) -> Done[Result] | Refused | None:
    """What a call under this key must answer without doing anything; None when it may go ahead."""
    row = connection.execute(_row(asked.key)).first()
    if row is None:
        return None
    if row.request is None:
        return Refused(ErrorCode.REJECTED, t("This request was cancelled. Please start again."))
    # Whom it paid may be forgotten since. Refused would say that nothing happened, and the member would pay again.
    same = row.request == asked.fingerprint or (row.request == FORGOTTEN and row.owner == asked.owner)
    if not same:
        return Refused(ErrorCode.REJECTED, t("This request was already used for something else."))
    return Done(_decode(connection, row.result))


def keep(connection: Connection, asked: Request, result: Kept, at: float) -> Done[Result]:
    """Store a result under its key. Raises `Overtaken` when the key was decided meanwhile."""
    written = msgspec.json.encode(result).decode()
    values = {
        "key": asked.key,
        "request": asked.fingerprint,
        "owner": asked.owner,
        "result": written,
        "at": at,
    }
    if connection.execute(KEEP, values).rowcount != 1:
        raise Overtaken
    return Done(told(connection, result))


def settle(connection: Connection, key: str, at: float) -> Done[Result] | Voided:
    """What became of a key; a key that nobody used gets its tombstone."""
    connection.execute(KEEP, {"key": key, "request": None, "result": None, "owner": None, "at": at})
    row = connection.execute(_row(key)).one()
    return Voided() if row.request is None else Done(_decode(connection, row.result))


def forget(connection: Connection, msisdn: str, accounts: Collection[int]) -> None:
    """Let no key tell the number of a member, as the one who asked or as one of a transfer's two."""
    mine = sa.update(KEYS).where(KEYS.c.owner == msisdn)
    connection.execute(mine.values(request=FORGOTTEN, owner=None))
    theirs = (
        sa.select(TRANSFERS.c.key)
        .join_from(TRANSFERS, ENTRIES, ENTRIES.c.transfer_id == TRANSFERS.c.id)
        .where(ENTRIES.c.debit_id.in_(accounts) | ENTRIES.c.credit_id.in_(accounts))
    )
    connection.execute(sa.update(KEYS).where(KEYS.c.key.in_(theirs)).values(request=FORGOTTEN))


def _row(key: str) -> sa.Select[tuple[str | None, str | None, str | None]]:
    return sa.select(KEYS.c.request, KEYS.c.result, KEYS.c.owner).where(KEYS.c.key == key)


def _decode(connection: Connection, result: str | None) -> Result:
    return told(connection, KEPT.decode(result or "null"))
