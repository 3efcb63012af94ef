"""The embedded bank: double-entry books in the records database, PINs, and idempotency keys.

How one call is decided is in `calls`; what an operator does is in `operations`.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import Connection

from kikao.conversation.errors import BackendError, ErrorCode
from kikao.conversation.outcomes import Done, Refused, Unknown, Voided
from kikao.conversation.secrets import Secret
from kikao.i18n.e164 import is_e164
from kikao.i18n.messages import t
from kikao.i18n.money import Amount
from kikao.records import CommitUnknown, Records, RecordsAway
from kikao_apps.wallet import books, history, keys, operations, pin_book, tariff
from kikao_apps.wallet.audit import Audit, audit
from kikao_apps.wallet.bank import (
    CURRENCIES,
    MOVEMENTS,
    Account,
    Balance,
    PinChange,
    Receipt,
    Result,
    Statement,
)
from kikao_apps.wallet.books import Entry
from kikao_apps.wallet.calls import NO_ACCOUNT, Calls
from kikao_apps.wallet.kept import Kept, KeptAccount, KeptReceipt, KeptStatement
from kikao_apps.wallet.keys import Overtaken, Request, request
from kikao_apps.wallet.pin_book import Member
from kikao_apps.wallet.pin_rules import is_easy, is_pin
from kikao_apps.wallet.pins import PinHash, Pins

T = TypeVar("T")

MIGRATIONS: Final = Path(__file__).parent / "migrations"
VERSION_TABLE: Final = "wallet_version"

PROPOSED_SECONDS: Final = 600
"""How long a proposed PIN waits to be entered again, and the right to change a PIN to be used."""

REF_ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
REF_LENGTH: Final = 8

HAS_ACCOUNT: Final = Refused(ErrorCode.REJECTED, t("You already have an account."))
NOT_A_NUMBER: Final = Refused(ErrorCode.REJECTED, t("This is not a phone number."))
NOT_A_PIN: Final = Refused(ErrorCode.INVALID_INPUT, t("A PIN has 4 to 8 digits."))
EASY_PIN: Final = Refused(ErrorCode.INVALID_INPUT, t("This PIN is easy to guess. Choose another."))
SAME_PIN: Final = Refused(ErrorCode.INVALID_INPUT, t("This is your present PIN. Choose another."))
CHOOSE_AGAIN: Final = Refused(ErrorCode.REJECTED, t("Please choose your PIN again."))
PINS_DIFFER: Final = Refused(ErrorCode.REJECTED, t("PINs do not match."))
TOO_LATE: Final = Refused(ErrorCode.SESSION_EXPIRED, t("This took too long. Please start again."))

log = logging.getLogger(__name__)


def lettered_id() -> str:
    """128 random bits in letters: digits might be those of the PIN, which is taken out of what a step gives."""
    return secrets.token_hex(16).translate(_LETTERED)


_LETTERED: Final = str.maketrans("0123456789", "ghijkmnpqr")


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
        new_id: Callable[[], str] = lettered_id,
    ) -> None:
        """`opening_gift` is for demonstrations: minor units for each new account, from the bank's float.

        `clock` gives seconds since the epoch; `new_id` makes the ids of PIN changes, which nobody may guess.
        """
        self._records = records
        self._gift = opening_gift
        self._pins = pins or Pins()
        self._clock = clock
        self._new_ref = new_ref
        self._new_id = new_id
        self._calls = Calls(records, self._pins, clock)
        self._of_the_bank: dict[tuple[str, str], int] = {}

    async def start(self) -> None:
        """Bring the tables up to date, and log which PINs cannot be compared because a secret key is missing.

        Raises `RecordsRefused`, see `Records.migrate`.
        """
        await self._records.migrate(MIGRATIONS, VERSION_TABLE)
        await operations.report_missing_keys(self._records, self._pins)

    async def close(self) -> None:
        """Let the hashing threads go. The records belong to who made them."""
        self._pins.close()

    # --- looking ---

    async def account(self, msisdn: str) -> Account | None:
        """See `Bank.account`."""
        member = await self._read(lambda connection: pin_book.member(connection, msisdn))
        return _account(member, self._clock()) if member else None

    async def fee(self, amount: Amount) -> Amount:
        """See `Bank.fee`. Raises `ValueError` for a currency without a tariff."""
        return tariff.fee(amount)

    async def balance(self, msisdn: str, pin: Secret, *, key: str) -> Done[Balance] | Refused:
        """See `Bank.balance`."""

        def act(_: Connection, member: Member) -> Balance:
            return Balance(Amount(member.currency, member.balance))

        return await self._calls.once_with_pin(request(key, msisdn, "balance"), pin, act=act)

    async def statement(self, msisdn: str, pin: Secret, *, key: str) -> Done[Statement] | Refused:
        """See `Bank.statement`."""

        def act(connection: Connection, member: Member) -> KeptStatement:
            return KeptStatement(member.id, history.latest(connection, member.id, MOVEMENTS))

        return await self._calls.once_with_pin(request(key, msisdn, "statement"), pin, act=act)

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

    # --- PINs and accounts ---

    async def propose_pin(
        self, msisdn: str, pin: Secret, *, change: PinChange | None = None, key: str
    ) -> Done[None] | Refused:
        """See `Bank.propose_pin`."""
        if not is_e164(msisdn):
            return NOT_A_NUMBER
        if not is_pin(pin):
            return NOT_A_PIN
        if is_easy(pin, msisdn):
            return EASY_PIN

        def look(connection: Connection) -> Member | None:
            return pin_book.member(connection, msisdn)

        async def hashed(member: Member | None) -> tuple[Member | None, bool, PinHash]:
            compare = member is not None and change is not None
            same = compare and await self._pins.verify(msisdn, pin, member.pin if member else None)
            return member, same, await self._pins.hash(msisdn, pin)

        def act(connection: Connection, found: tuple[Member | None, bool, PinHash]) -> Refused | None:
            (before, same, proposed), now = found, self._clock()
            member = pin_book.member(connection, msisdn)
            if member and not change:
                return HAS_ACCOUNT
            if change and not pin_book.may_change(connection, msisdn, change.id, now):
                return TOO_LATE
            if (member and member.pin) != (before and before.pin):
                raise Overtaken
            if same:
                return SAME_PIN
            pin_book.propose(connection, msisdn, proposed, now, now + PROPOSED_SECONDS)
            return None

        asked = request(key, msisdn, "propose_pin", *([change.id] if change else []))
        return await self._calls.once(
            asked, lock=lambda c: books.lock(c, msisdn), look=look, hashed=hashed, act=act
        )

    async def open_account(
        self, msisdn: str, name: str, currency: str, pin: Secret, *, key: str
    ) -> Done[Account] | Refused:
        """See `Bank.open_account`."""
        if not is_e164(msisdn):
            return NOT_A_NUMBER
        if currency not in CURRENCIES:
            return Refused(ErrorCode.REJECTED, t("There are no accounts in {currency}.", currency=currency))

        def refuse(connection: Connection) -> Refused | None:
            return HAS_ACCOUNT if pin_book.member(connection, msisdn) else None

        def act(connection: Connection, proposed: PinHash) -> KeptAccount:
            now = self._clock()
            account_id = books.open_account(connection, msisdn, name, currency, now)
            pin_book.add(connection, account_id, proposed)
            pin_book.clear(connection, msisdn)
            self._send_back(connection, msisdn, key, now)
            if self._gift:
                giver = self._own(connection, "float", currency)
                gift = Entry(giver, account_id, currency, self._gift)
                books.move(connection, "gift", key, now, self._new_ref, gift)
            return KeptAccount(account_id)

        asked = request(key, msisdn, "open_account", name, currency)
        return await self._once_with_new_pin(asked, pin, lock=books.add_number, refuse=refuse, act=act)

    async def begin_pin_change(self, msisdn: str, pin: Secret, *, key: str) -> Done[PinChange] | Refused:
        """See `Bank.begin_pin_change`."""

        def act(connection: Connection, _: Member) -> PinChange:
            change, now = PinChange(self._new_id()), self._clock()
            pin_book.allow_change(connection, msisdn, change.id, now, now + PROPOSED_SECONDS)
            return change

        asked = request(key, msisdn, "begin_pin_change")
        return await self._calls.once_with_pin(asked, pin, act=act, start_pin=True)

    async def change_pin(
        self, msisdn: str, pin: Secret, *, change: PinChange, key: str
    ) -> Done[None] | Refused:
        """See `Bank.change_pin`."""

        def refuse(connection: Connection) -> Refused | None:
            member, now = pin_book.member(connection, msisdn), self._clock()
            if member is None:
                return NO_ACCOUNT
            if member.locked(now):
                return Refused(ErrorCode.LOCKED)
            return None if pin_book.may_change(connection, msisdn, change.id, now) else TOO_LATE

        def act(connection: Connection, proposed: PinHash) -> None:
            account = books.member_account(connection, msisdn)
            assert account is not None
            pin_book.replace(connection, account[0], proposed)
            pin_book.clear(connection, msisdn)

        asked = request(key, msisdn, "change_pin", change.id)
        return await self._once_with_new_pin(asked, pin, lock=books.lock, refuse=refuse, act=act)

    async def forget(self, *msisdns: str) -> None:
        """Erase members from the wallet, see `operations.forget`. Raises `RefusedError` while they have money."""
        await operations.forget(self._records, *msisdns)

    # --- money ---

    async def transfer(
        self, sender: str, to: str, amount: Amount, *, pin: Secret, key: str
    ) -> Done[Receipt] | Refused:
        """See `Bank.transfer`."""

        def act(connection: Connection, member: Member) -> KeptReceipt | Refused:
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
            return KeptReceipt(ref, amount, fee, payee, Amount(currency, left))

        asked = request(key, sender, "transfer", to, amount)
        return await self._calls.once_with_pin(asked, pin, to, act=act)

    # --- how ---

    async def _read(self, look: Callable[[Connection], T]) -> T:
        try:
            return await self._records.read(look)
        except RecordsAway as error:
            log.warning("wallet: %s", error)
            raise BackendError from error

    async def _once_with_new_pin(
        self,
        asked: Request,
        pin: Secret,
        *,
        lock: Callable[[Connection, str], None],
        refuse: Callable[[Connection], Refused | None],
        act: Callable[[Connection, PinHash], Kept],
    ) -> Done[Any] | Refused:
        """Do `act` once with the PIN that was proposed, if `pin` is the same one."""

        def look(connection: Connection) -> PinHash | None:
            return pin_book.proposed(connection, asked.owner, self._clock())

        async def compared(proposed: PinHash | None) -> tuple[PinHash | None, bool]:
            return proposed, await self._pins.verify(asked.owner, pin, proposed)

        def decide(connection: Connection, found: tuple[PinHash | None, bool]) -> Kept | Refused:
            proposed, same = found
            if refused := refuse(connection):
                return refused
            if proposed is None or proposed != look(connection):
                return CHOOSE_AGAIN
            return act(connection, proposed) if same else PINS_DIFFER

        return await self._calls.once(
            asked, lock=lambda c: lock(c, asked.owner), look=look, hashed=compared, act=decide
        )

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


def _account(member: Member, now: float) -> Account:
    return Account(
        number=member.msisdn,
        name=member.name,
        currency=member.currency,
        locked=member.locked(now),
        new_pin_due=member.new_pin_due,
    )


def _impossible(sender: Member, to: str, amount: Amount) -> Refused | None:
    """Why this sender can never make this transfer."""
    if not is_e164(to):
        return NOT_A_NUMBER
    if to == sender.msisdn:
        return Refused(ErrorCode.REJECTED, t("You cannot send money to yourself."))
    if amount.currency != sender.currency:
        return Refused(ErrorCode.REJECTED, t("Your account is in {currency}.", currency=sender.currency))
    least, most = tariff.limits(amount.currency)
    if not least <= amount <= most:
        return Refused(ErrorCode.REJECTED, t("Send between {least} and {most}.", least=least, most=most))
    return None
