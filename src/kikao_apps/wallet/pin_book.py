"""PINs in the books: a member's own, wrong tries, and new ones until they were entered twice.

Every function runs in a transaction, which has locked the member's number where it writes.
"""

from __future__ import annotations

from typing import Final

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from kikao_apps.wallet.pins import PinHash
from kikao_apps.wallet.tables import ACCOUNTS, PIN_CHANGES, PINS, PROPOSED_PINS

TRIES: Final = 3
"""Wrong PINs in a row that lock an account."""

PROPOSE: Final = sa.text(
    "INSERT INTO wallet_proposed_pins (msisdn, hash, kid, expires_at) VALUES (:msisdn, :hash, :kid, :until) "
    "ON CONFLICT (msisdn) DO UPDATE SET hash = excluded.hash, kid = excluded.kid, "
    "expires_at = excluded.expires_at"
)
ALLOW: Final = sa.text(
    "INSERT INTO wallet_pin_changes (msisdn, id, expires_at) VALUES (:msisdn, :id, :until) "
    "ON CONFLICT (msisdn) DO UPDATE SET id = excluded.id, expires_at = excluded.expires_at"
)


class Member(msgspec.Struct, frozen=True):
    """A member's account as a transaction sees it."""

    id: int
    msisdn: str
    name: str
    currency: str
    balance: int
    pin: PinHash
    wrong: int
    start_until: float | None
    """Until then (seconds since the epoch) the PIN is a start PIN; None for a PIN of the member's own."""

    @property
    def new_pin_due(self) -> bool:
        """True when the PIN is a start PIN: it is good for choosing another, and for nothing else."""
        return self.start_until is not None

    def locked(self, now: float) -> bool:
        """True after too many wrong PINs, and when a start PIN was not used in time."""
        return self.wrong >= TRIES or (self.start_until is not None and self.start_until <= now)


def member(connection: Connection, msisdn: str) -> Member | None:
    """The account a member has opened."""
    found = sa.select(
        ACCOUNTS.c.id, ACCOUNTS.c.msisdn, ACCOUNTS.c.name, ACCOUNTS.c.currency, ACCOUNTS.c.balance,
        PINS.c.hash, PINS.c.kid, PINS.c.wrong, PINS.c.start_until,
    ).join_from(ACCOUNTS, PINS, PINS.c.account_id == ACCOUNTS.c.id)  # fmt: skip
    own = (ACCOUNTS.c.msisdn == msisdn) & (ACCOUNTS.c.kind == "member")
    row = connection.execute(found.where(own)).first()
    if row is None:
        return None
    return Member(*row[:5], PinHash(row.hash, row.kid), row.wrong, row.start_until)


def count_try(connection: Connection, account: Member, right: bool) -> int:
    """Count a PIN that was compared; return how many wrong ones in a row there are now."""
    wrong = 0 if right else account.wrong + 1
    if wrong != account.wrong:
        connection.execute(_of(account.id).values(wrong=wrong))
    return wrong


def add(connection: Connection, account_id: int, pin: PinHash) -> None:
    """The first PIN of an account."""
    connection.execute(sa.insert(PINS).values(account_id=account_id, hash=pin.hash, kid=pin.kid, wrong=0))


def rehash(connection: Connection, account_id: int, pin: PinHash) -> None:
    """Store the same PIN, hashed anew."""
    connection.execute(_of(account_id).values(hash=pin.hash, kid=pin.kid))


def replace(connection: Connection, account_id: int, pin: PinHash, start_until: float | None = None) -> None:
    """Another PIN, and no wrong tries; with `start_until` a start PIN."""
    fresh = {"hash": pin.hash, "kid": pin.kid, "wrong": 0, "start_until": start_until}
    connection.execute(_of(account_id).values(fresh))


def propose(connection: Connection, msisdn: str, pin: PinHash, now: float, until: float) -> None:
    """Keep the hash of a PIN for a number, and forget those whose time is over."""
    connection.execute(sa.delete(PROPOSED_PINS).where(PROPOSED_PINS.c.expires_at <= now))
    values = {"msisdn": msisdn, "hash": pin.hash, "kid": pin.kid, "until": until}
    connection.execute(PROPOSE, values)


def proposed(connection: Connection, msisdn: str, now: float) -> PinHash | None:
    """The hash of the PIN proposed for a number."""
    found = sa.select(PROPOSED_PINS.c.hash, PROPOSED_PINS.c.kid).where(
        PROPOSED_PINS.c.msisdn == msisdn, PROPOSED_PINS.c.expires_at > now
    )
    row = connection.execute(found).first()
    return PinHash(row.hash, row.kid) if row else None


def allow_change(connection: Connection, msisdn: str, change_id: str, now: float, until: float) -> None:
    """Let a new PIN be proposed under this id only, and forget what was proposed before."""
    connection.execute(sa.delete(PIN_CHANGES).where(PIN_CHANGES.c.expires_at <= now))
    connection.execute(ALLOW, {"msisdn": msisdn, "id": change_id, "until": until})
    connection.execute(sa.delete(PROPOSED_PINS).where(PROPOSED_PINS.c.msisdn == msisdn))


def may_change(connection: Connection, msisdn: str, change_id: str, now: float) -> bool:
    """Whether a new PIN may be proposed under this id."""
    found = sa.select(PIN_CHANGES.c.id).where(PIN_CHANGES.c.msisdn == msisdn, PIN_CHANGES.c.expires_at > now)
    return connection.execute(found).scalar_one_or_none() == change_id


def clear(connection: Connection, msisdn: str) -> None:
    """Forget what was proposed for a number and what was allowed to it."""
    for table in (PROPOSED_PINS, PIN_CHANGES):
        connection.execute(sa.delete(table).where(table.c.msisdn == msisdn))


def per_key(connection: Connection) -> dict[str, int]:
    """How many PINs there are by the id of the secret key in their hash."""
    counted = sa.select(PINS.c.kid, sa.func.count().label("pins")).group_by(PINS.c.kid).order_by(PINS.c.kid)
    return {row.kid: row.pins for row in connection.execute(counted)}


def _of(account_id: int) -> sa.Update:
    return sa.update(PINS).where(PINS.c.account_id == account_id)
