"""What an operator does to the bank: unlock an account, give a start PIN, forget a member, see which keys are in use.

Members cannot reach any of this. `python -m kikao_apps.wallet` is the way to it; it works beside a running server.
"""

from __future__ import annotations

import logging
import secrets
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from kikao.conversation.errors import ErrorCode, RefusedError
from kikao.conversation.secrets import Secret
from kikao.i18n.messages import t
from kikao.i18n.money import Amount
from kikao.records import Records, RecordsAway
from kikao_apps.wallet import books, keys, pin_book
from kikao_apps.wallet.history import PSEUDONYM
from kikao_apps.wallet.pin_rules import random_pin
from kikao_apps.wallet.pins import Pins
from kikao_apps.wallet.tables import ACCOUNTS, NUMBERS, PINS

START_PIN_SECONDS: Final = 24 * 3600
"""How long a start PIN may be used; after that the account is locked again."""

log = logging.getLogger(__name__)


class NoAccount(LookupError):
    """The number has no account."""


async def unlock(records: Records, msisdn: str, now: float) -> bool:
    """Forget the wrong tries of a member who remembers their PIN; False when that unlocks nothing.

    A start PIN that was not used in time needs another one. `now` is in seconds since the epoch.

    Raises `NoAccount`, `RecordsAway` and `CommitUnknown`.
    """

    def work(connection: Connection) -> bool:
        member = _account_held(connection, msisdn)
        pin_book.count_try(connection, member, right=True)
        return member.locked(now) and not _account_held(connection, msisdn).locked(now)

    return await records.write(work)


async def give_start_pin(records: Records, pins: Pins, msisdn: str, now: float) -> Secret:
    """Replace a forgotten PIN by one to tell the member: for one day, and good only for choosing a new one.

    Whoever gives it out makes sure first who is asking. `now` is in seconds since the epoch.

    Raises `NoAccount`, `PinsBusy`, `RecordsAway` and `CommitUnknown`.
    """
    pin = random_pin(msisdn)
    hashed = await pins.hash(msisdn, pin)

    def work(connection: Connection) -> None:
        member = _account_held(connection, msisdn)
        pin_book.replace(connection, member.id, hashed, start_until=now + START_PIN_SECONDS)
        pin_book.clear(connection, msisdn)

    await records.write(work)
    return pin


async def forget(records: Records, *msisdns: str) -> None:
    """Erase what tells who a member is: PIN, proposed PINs, name and number, in results of others, too.

    Entries and balances stay as they are, under a pseudonym that nothing leads back from: the books audit as before.
    The number may open an account again, which has nothing to do with the old one. Numbers that are unknown, or were
    forgotten before, are no error. All are forgotten, or none.

    Raises `RefusedError` while there is money on an account, waiting for a number, or sent from one and not claimed
    yet: it may come back, and nobody could take it. `RecordsAway`, `CommitUnknown`.
    """

    def work(connection: Connection) -> None:
        for msisdn in sorted(set(msisdns)):
            books.add_number(connection, msisdn)  # a number without a row could not be locked
        for msisdn in msisdns:
            _refuse_with_money(connection, msisdn)
        for msisdn in msisdns:
            _forget(connection, msisdn)

    await records.write(work)


async def report_missing_keys(records: Records, pins: Pins) -> None:
    """Log an error for PINs that cannot be compared, because the secret key in their hash is missing."""
    try:
        counted = await records.read(pin_book.per_key)
    except RecordsAway:
        return  # members are told as they come
    for kid, count in counted.items():
        if not pins.knows(kid):
            log.error(
                "wallet: %d %s cannot be compared: the secret key %r is not among KIKAO_SECRET_KEYS. "
                "Put it back behind the first; until then the wallet tells these members to try again later.",
                count,
                "PIN" if count == 1 else "PINs",
                kid,
            )


async def pins_per_key(records: Records) -> dict[str, int]:
    """How many PINs are hashed with the pepper of each secret key; an empty id is none. Raises `RecordsAway`."""
    return await records.read(pin_book.per_key)


def _account_held(connection: Connection, msisdn: str) -> pin_book.Member:
    """The account of a number that no other transaction touches before this one ends."""
    books.lock(connection, msisdn)
    member = pin_book.member(connection, msisdn)
    if member is None:
        raise NoAccount(f"wallet: {msisdn} has no account")
    return member


def _refuse_with_money(connection: Connection, msisdn: str) -> None:
    # First what may come back: if it does so meanwhile, it is on the account below.
    if sent := books.waiting_elsewhere(connection, msisdn):
        raise RefusedError(
            ErrorCode.REJECTED,
            t("{amount} that was sent from this number was not claimed yet.", amount=Amount(*sent)),
        )
    held = sa.select(ACCOUNTS.c.kind, ACCOUNTS.c.currency, ACCOUNTS.c.balance)
    of_theirs = (ACCOUNTS.c.msisdn == msisdn) & (ACCOUNTS.c.balance != 0)
    row = connection.execute(held.where(of_theirs).order_by(ACCOUNTS.c.id)).first()
    if row is None:
        return
    amount = Amount(row.currency, row.balance)
    if row.kind == "member":
        raise RefusedError(
            ErrorCode.REJECTED, t("There is {amount} on the account. Send it elsewhere first.", amount=amount)
        )
    raise RefusedError(
        ErrorCode.REJECTED, t("{amount} was sent to this number and was not claimed yet.", amount=amount)
    )


def _forget(connection: Connection, msisdn: str) -> None:
    pin_book.clear(connection, msisdn)
    mine = ACCOUNTS.c.msisdn == msisdn
    accounts = list(connection.execute(sa.select(ACCOUNTS.c.id).where(mine)).scalars())
    keys.forget(connection, msisdn, accounts)
    connection.execute(sa.delete(PINS).where(PINS.c.account_id.in_(accounts)))
    if accounts:
        pseudonym = PSEUDONYM + secrets.token_hex(8)
        connection.execute(sa.insert(NUMBERS).values(msisdn=pseudonym))
        connection.execute(sa.update(ACCOUNTS).where(mine & (ACCOUNTS.c.kind == "member")).values(name=""))
        connection.execute(sa.update(ACCOUNTS).where(mine).values(msisdn=pseudonym))
    connection.execute(sa.delete(NUMBERS).where(NUMBERS.c.msisdn == msisdn))
