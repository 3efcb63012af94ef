"""One call to the bank: decided once under its key, with PINs compared before its transaction begins.

Everything that one call changes is one transaction: its key, its entries, the balances and the count of wrong PINs. A
PIN is hashed before that transaction, so that nobody waits for the database while a core hashes; the transaction then
looks at the lock again and counts the try, so that guessing in parallel gains nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar, cast

from sqlalchemy import Connection

from kikao.conversation.errors import ErrorCode
from kikao.conversation.outcomes import Done, Refused
from kikao.conversation.secrets import Secret
from kikao.i18n.messages import t, tn
from kikao.records import Records, RecordsAway
from kikao_apps.wallet import books, keys, pin_book
from kikao_apps.wallet.bank import Result
from kikao_apps.wallet.kept import Kept
from kikao_apps.wallet.keys import Overtaken, Request
from kikao_apps.wallet.pin_book import Member
from kikao_apps.wallet.pins import PepperMissing, PinHash, Pins, PinsBusy

P = TypeVar("P")
Q = TypeVar("Q")

AWAY: Final = Refused(ErrorCode.BACKEND_UNAVAILABLE)
BUSY: Final = Refused(ErrorCode.BACKEND_UNAVAILABLE, t("The service is busy. Try again."))
NO_ACCOUNT: Final = Refused(ErrorCode.REJECTED, t("You have no account yet."))
NEW_PIN_FIRST: Final = Refused(ErrorCode.REJECTED, t("Dial again and choose a new PIN first."))

log = logging.getLogger(__name__)


class Calls:
    """Decides calls to the bank. When nothing was decided, the answer is BACKEND_UNAVAILABLE: nothing happened."""

    def __init__(self, records: Records, pins: Pins, clock: Callable[[], float]) -> None:
        """`clock` gives seconds since the epoch."""
        self._records = records
        self._pins = pins
        self._clock = clock

    async def once(
        self,
        asked: Request,
        *,
        lock: Callable[[Connection], None],
        look: Callable[[Connection], Q],
        hashed: Callable[[Q], Awaitable[P]],
        act: Callable[[Connection, P], Kept | Refused],
    ) -> Done[Any] | Refused:
        """Answer what is stored under the key; else `look`, hash, then `act` and store its result in one transaction.

        That begins with `lock`, so that a call which waited for the same one sees its result, not its effect.
        """

        def first(connection: Connection) -> tuple[Q | None, Done[Result] | Refused | None]:
            answer = keys.stored(connection, asked)
            return None if answer else look(connection), answer

        def decide(connection: Connection) -> Done[Result] | Refused:
            lock(connection)
            if answer := keys.stored(connection, asked):
                return answer
            result = act(connection, prepared)
            return (
                result if isinstance(result, Refused) else keys.keep(connection, asked, result, self._clock())
            )

        while True:
            try:
                seen, answer = await self._records.read(first)
                if answer is not None:
                    return answer
                prepared = await hashed(cast("Q", seen))
                return await self._records.write(decide)
            except Overtaken:
                continue  # what this call wrote is rolled back; what the other one did is there to be read
            except PinsBusy:
                return BUSY
            except PepperMissing as error:
                log.error("wallet: %s", error)
                return AWAY
            except RecordsAway as error:
                log.warning("wallet: %s", error)
                return AWAY

    async def once_with_pin(
        self,
        asked: Request,
        pin: Secret,
        *others: str,
        act: Callable[[Connection, Member], Kept | Refused],
        start_pin: bool = False,
    ) -> Done[Any] | Refused:
        """Do `act` once, for a member whose PIN is right; it may touch `others`.

        A start PIN is right only where `start_pin` allows it.
        """

        def lock(connection: Connection) -> None:
            books.lock(connection, asked.owner, *others)

        def look(connection: Connection) -> Member | None:
            return pin_book.member(connection, asked.owner)

        async def compared(member: Member | None) -> tuple[Member | None, bool, PinHash | None]:
            if member and member.locked(self._clock()):
                return member, False, None
            right = await self._pins.verify(asked.owner, pin, member.pin if member else None)
            anew = member is not None and right and self._pins.outdated(member.pin)
            return member, right, await self._pins.hash(asked.owner, pin) if anew else None

        def admit(
            connection: Connection, found: tuple[Member | None, bool, PinHash | None]
        ) -> Kept | Refused:
            before, right, anew = found
            if before is None:
                return NO_ACCOUNT
            member = pin_book.member(connection, asked.owner)
            if member is None or member.pin != before.pin:
                raise Overtaken
            if member.locked(self._clock()):
                return Refused(ErrorCode.LOCKED)
            if member.new_pin_due and not start_pin:
                return NEW_PIN_FIRST
            left = pin_book.TRIES - pin_book.count_try(connection, member, right)
            if not left:
                return Refused(ErrorCode.LOCKED)
            if not right:
                return Refused(
                    ErrorCode.WRONG_SECRET, tn("Wrong PIN. {n} try left.", "Wrong PIN. {n} tries left.", left)
                )
            if anew:
                pin_book.rehash(connection, member.id, anew)
            return act(connection, member)

        return await self.once(asked, lock=lock, look=look, hashed=compared, act=admit)
