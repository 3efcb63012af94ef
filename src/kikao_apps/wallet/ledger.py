"""The embedded bank: double-entry books in the records database, PINs, and idempotency keys.

Everything that one call changes is one transaction: its key, its entries, the balances and the count of wrong
PINs. A PIN is hashed before that transaction begins, so that nobody waits for the database while a core hashes;
the transaction then looks at the lock again and counts the try, so that guessing in parallel gains nothing.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeVar, cast

from sqlalchemy import Connection

from kikao.conversation.errors import BackendError, ErrorCode
from kikao.conversation.outcomes import Done, Refused, Unknown, Voided
from kikao.conversation.secrets import Secret
from kikao.i18n.messages import t, tn
from kikao.i18n.money import Amount
from kikao.records import CommitUnknown, Records, RecordsAway
from kikao_apps.wallet import books, keys, tariff
from kikao_apps.wallet.audit import Audit, audit
from kikao_apps.wallet.bank import CURRENCIES, Account, Balance, Receipt, Result
from kikao_apps.wallet.books import Entry, Member
from kikao_apps.wallet.pins import Pins, PinsBusy

R = TypeVar("R", bound=Result)
P = TypeVar("P")
Q = TypeVar("Q")

MIGRATIONS: Final = Path(__file__).parent / "migrations"
VERSION_TABLE: Final = "wallet_version"

PROPOSED_SECONDS: Final = 600
"""How long a proposed PIN waits to be entered again."""

REF_ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
REF_LENGTH: Final = 8

MSISDN: Final = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
PIN: Final = re.compile(r"\d{4,8}", re.ASCII)

BUSY: Final = Refused(ErrorCode.BACKEND_UNAVAILABLE, t("The service is busy. Try again."))
AWAY: Final = Refused(ErrorCode.BACKEND_UNAVAILABLE)
NO_ACCOUNT: Final = Refused(ErrorCode.REJECTED, t("You have no account yet."))
HAS_ACCOUNT: Final = Refused(ErrorCode.REJECTED, t("You already have an account."))
NOT_A_NUMBER: Final = Refused(ErrorCode.REJECTED, t("This is not a phone number."))

log = logging.getLogger(__name__)


def readable_ref() -> str:
    """A random reference that can be read out over a bad line."""
    return "".join(secrets.choice(REF_ALPHABET) for _ in range(REF_LENGTH))


class Ledger:
    """A `Bank` in the records database. Call `start` before the first use and `close` after the last.

    When too many PINs wait to be hashed, or the database fails before anything was decided, a call is refused
    with BACKEND_UNAVAILABLE: nothing happened, and the member may try again. When the database fails while it
    commits, `CommitUnknown` is raised: only `find` can tell what happened.
    """

    def __init__(
        self,
        records: Records,
        *,
        opening_gift: int | None = None,
        pins: Pins | None = None,
        clock: Callable[[], float] = time.time,
        new_ref: Callable[[], str] = readable_ref,
    ) -> None:
        """`opening_gift` is for demonstrations: minor units for each new account, from the bank's float."""
        self._records = records
        self._gift = opening_gift
        self._pins = pins or Pins()
        self._clock = clock
        self._new_ref = new_ref
        self._of_the_bank: dict[tuple[str, str], int] = {}

    async def start(self) -> None:
        """Bring the tables up to date. Raises `RecordsRefused`, see `Records.migrate`."""
        await self._records.migrate(MIGRATIONS, VERSION_TABLE)

    async def close(self) -> None:
        """Let the hashing threads go. The records belong to who made them."""
        self._pins.close()

    async def account(self, msisdn: str) -> Account | None:
        """See `Bank.account`."""
        try:
            member = await self._records.read(lambda connection: books.member(connection, msisdn))
        except RecordsAway as error:
            log.warning("wallet: %s", error)
            raise BackendError from error
        return _account(member) if member else None

    async def fee(self, amount: Amount) -> Amount:
        """See `Bank.fee`. Raises `ValueError` for a currency without a tariff."""
        return tariff.fee(amount)

    async def propose_pin(self, msisdn: str, pin: Secret, *, key: str) -> Done[None] | Refused:
        """See `Bank.propose_pin`."""
        if not MSISDN.fullmatch(msisdn):
            return NOT_A_NUMBER
        if not PIN.fullmatch(pin.reveal()):
            return Refused(ErrorCode.REJECTED, t("A PIN has 4 to 8 digits."))

        def look(connection: Connection) -> None:
            pass

        async def hashed(_: None) -> str:
            return await self._pins.hash(msisdn, pin)

        def act(connection: Connection, proposed: str) -> Refused | None:
            if books.member(connection, msisdn):
                return HAS_ACCOUNT
            now = self._clock()
            books.propose(connection, msisdn, proposed, now, now + PROPOSED_SECONDS)
            return None

        def lock(connection: Connection) -> None:
            books.lock(connection, msisdn)

        return await self._once(key, keys.fingerprint("propose_pin", msisdn), lock, look, hashed, act)

    async def open_account(
        self, msisdn: str, name: str, currency: str, pin: Secret, *, key: str
    ) -> Done[Account] | Refused:
        """See `Bank.open_account`."""
        if not MSISDN.fullmatch(msisdn):
            return NOT_A_NUMBER
        if currency not in CURRENCIES:
            return Refused(ErrorCode.REJECTED, t("There are no accounts in {currency}.", currency=currency))

        def look(connection: Connection) -> str | None:
            return books.proposed(connection, msisdn, self._clock())

        async def compared(hashed: str | None) -> tuple[str | None, bool]:
            return hashed, await self._pins.verify(msisdn, pin, hashed)

        def act(connection: Connection, found: tuple[str | None, bool]) -> Account | Refused:
            hashed, same = found
            if books.member(connection, msisdn):
                return HAS_ACCOUNT
            now = self._clock()
            if hashed is None or hashed != books.proposed(connection, msisdn, now):
                return Refused(ErrorCode.REJECTED, t("Please choose your PIN again."))
            if not same:
                return Refused(ErrorCode.REJECTED, t("PINs do not match."))
            account_id = books.open_account(connection, msisdn, name, currency, hashed, now)
            self._send_back(connection, msisdn, key, now)
            if self._gift:
                giver = self._own(connection, "float", currency)
                gift = Entry(giver, account_id, currency, self._gift)
                books.move(connection, "gift", key, now, self._new_ref, gift)
            return Account(number=msisdn, name=name, currency=currency, locked=False)

        def lock(connection: Connection) -> None:
            books.add_number(connection, msisdn)

        request = keys.fingerprint("open_account", msisdn, name, currency)
        return await self._once(key, request, lock, look, compared, act)

    async def balance(self, msisdn: str, pin: Secret, *, key: str) -> Done[Balance] | Refused:
        """See `Bank.balance`."""

        def act(_: Connection, member: Member) -> Balance | Refused:
            return Balance(Amount(member.currency, member.balance))

        return await self._once_with_pin(key, keys.fingerprint("balance", msisdn), msisdn, pin, act)

    async def transfer(
        self, sender: str, to: str, amount: Amount, *, pin: Secret, key: str
    ) -> Done[Receipt] | Refused:
        """See `Bank.transfer`."""

        def act(connection: Connection, member: Member) -> Receipt | Refused:
            if refused := _impossible(member, to, amount):
                return refused
            fee, now = tariff.fee(amount), self._clock()
            left = member.balance - amount.minor - fee.minor
            if left < 0:
                return Refused(ErrorCode.INSUFFICIENT_BALANCE)
            payee, currency = books.receiving(connection, to, amount.currency, now)
            if currency != amount.currency:
                return Refused(
                    ErrorCode.REJECTED, t("This number receives {currency} only.", currency=currency)
                )
            entries = [Entry(member.id, payee, currency, amount.minor)]
            if fee.minor:
                fees = self._own(connection, "fees", currency)
                entries.append(Entry(member.id, fees, currency, fee.minor))
            ref = books.move(connection, "payment", key, now, self._new_ref, *entries)
            return Receipt(ref=ref, amount=amount, fee=fee, to=to, balance=Amount(currency, left))

        request = keys.fingerprint("transfer", sender, to, amount)
        return await self._once_with_pin(key, request, sender, pin, act, to)

    async def find(self, key: str) -> Done[Result] | Voided | Unknown:
        """See `Bank.find`."""
        try:
            return await self._records.write(lambda connection: keys.settle(connection, key, self._clock()))
        except (RecordsAway, CommitUnknown) as error:
            log.warning("wallet: %s", error)
            return Unknown("the records database does not answer")

    async def audit(self) -> Audit:
        """Whether the books are right, from one reading of all of them."""
        return await self._records.read(audit)

    async def _once_with_pin(
        self,
        key: str,
        request: str,
        msisdn: str,
        pin: Secret,
        act: Callable[[Connection, Member], R | Refused],
        *others: str,
    ) -> Done[R] | Refused:
        """Do `act` once, for a member whose PIN is right. It may touch `others`."""

        def look(connection: Connection) -> Member | None:
            return books.member(connection, msisdn)

        async def compared(member: Member | None) -> tuple[Member | None, bool]:
            if member and member.locked:
                return member, False
            return member, await self._pins.verify(msisdn, pin, member.hash if member else None)

        def admit(connection: Connection, found: tuple[Member | None, bool]) -> R | Refused:
            before, right = found
            if before is None:
                return NO_ACCOUNT
            member = books.member(connection, msisdn)
            if member is None or member.hash != before.hash:
                return AWAY
            if member.locked:
                return Refused(ErrorCode.LOCKED)
            left = books.TRIES - books.count_try(connection, member, right)
            if not left:
                return Refused(ErrorCode.LOCKED)
            if not right:
                return Refused(
                    ErrorCode.WRONG_SECRET, tn("Wrong PIN. {n} try left.", "Wrong PIN. {n} tries left.", left)
                )
            return act(connection, member)

        def lock(connection: Connection) -> None:
            books.lock(connection, msisdn, *others)

        return await self._once(key, request, lock, look, compared, admit)

    async def _once(
        self,
        key: str,
        request: str,
        lock: Callable[[Connection], None],
        look: Callable[[Connection], Q],
        hashed: Callable[[Q], Awaitable[P]],
        act: Callable[[Connection, P], R | Refused],
    ) -> Done[R] | Refused:
        """Answer what is stored under `key`; else look, hash, then act and store the result in one transaction.

        That begins with `lock`, so that a call which waited for the same one sees its result, not its effect.
        """

        def first(connection: Connection) -> tuple[Q | None, Done[Result] | Refused | None]:
            answer = keys.stored(connection, key, request)
            return None if answer else look(connection), answer

        def decide(connection: Connection) -> Done[Result] | Refused:
            lock(connection)
            if answer := keys.stored(connection, key, request):
                return answer
            result = act(connection, prepared)
            if isinstance(result, Refused):
                return result
            keys.keep(connection, key, request, result, self._clock())
            return Done(result)

        try:
            seen, answer = await self._records.read(first)
            if answer is None:
                prepared = await hashed(cast("Q", seen))
                answer = await self._records.write(decide)
        except keys.Taken:
            # What this call wrote is rolled back; the other one's result (or tombstone) is there to be read.
            return await self._once(key, request, lock, look, hashed, act)
        except PinsBusy:
            return BUSY
        except RecordsAway as error:
            log.warning("wallet: %s", error)
            return AWAY
        return cast("Done[R] | Refused", answer)

    def _own(self, connection: Connection, kind: str, currency: str) -> int:
        """The id of an account of the bank's own; it never changes."""
        if (kind, currency) not in self._of_the_bank:
            self._of_the_bank[kind, currency] = books.of_the_bank(connection, kind, currency)
        return self._of_the_bank[kind, currency]

    def _send_back(self, connection: Connection, msisdn: str, key: str, now: float) -> None:
        """Give senders back what waits for this number in a currency that its member did not choose."""
        for sent in books.unclaimed_entries(connection, msisdn):
            back = Entry(sent.credit_id, sent.debit_id, sent.currency, sent.amount)
            books.move(connection, "return", key, now, self._new_ref, back)


def _account(member: Member) -> Account:
    return Account(number=member.msisdn, name=member.name, currency=member.currency, locked=member.locked)


def _impossible(sender: Member, to: str, amount: Amount) -> Refused | None:
    """Why this sender can never make this transfer."""
    if not MSISDN.fullmatch(to):
        return NOT_A_NUMBER
    if to == sender.msisdn:
        return Refused(ErrorCode.REJECTED, t("You cannot send money to yourself."))
    if amount.currency != sender.currency:
        return Refused(ErrorCode.REJECTED, t("Your account is in {currency}.", currency=sender.currency))
    least, most = tariff.limits(amount.currency)
    if not least <= amount <= most:
        return Refused(ErrorCode.REJECTED, t("Send between {least} and {most}.", least=least, most=most))
    return None
