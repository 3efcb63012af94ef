"""A bank whose answers are looked at before a conversation believes them.

An adapter to a core-banking system may answer nonsense: nothing, another type, an account without a currency. A
conversation must neither break on that nor tell it to a member. What such an answer means depends on what was asked:

- for a look-up, that the bank is away;
- for a call that does nothing that counts (a balance), that it was refused: the member may try again;
- for money, accounts and PINs, that nobody knows what happened: the bank is asked by the key (`find`).
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from typing import Any, Final, TypeGuard, TypeVar

import msgspec

from kikao.conversation import Chat
from kikao.conversation.errors import BackendError, ErrorCode
from kikao.conversation.outcomes import Check, Checked, Done, Refused, Unknown, Voided
from kikao.conversation.secrets import Secret
from kikao.i18n.money import Amount
from kikao_apps.wallet.bank import CURRENCIES, Account, Balance, Bank, PinChange, Receipt, Statement

R = TypeVar("R")

UNAVAILABLE: Final = Refused(ErrorCode.BACKEND_UNAVAILABLE)
NOTHING: Final = type(None)

log = logging.getLogger(__name__)


def bank_of(chat: Chat) -> Believed:
    """The app's bank."""
    return Believed(chat.service(Bank))


class Believed:
    """The methods of `Bank`, with answers that are what they say. Nonsense is logged by its type, never by content."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank

    async def account(self, msisdn: str) -> Account | None:
        """See `Bank.account`. Raises `BackendError` for nonsense, too."""
        found = await self._bank.account(msisdn)
        if found is None or _is(found, Account):
            return found
        raise _away("account", found)

    async def fee(self, amount: Amount) -> Amount:
        """See `Bank.fee`. Raises `BackendError` for nonsense, too."""
        found = await self._bank.fee(amount)
        if _is(found, Amount) and found.currency == amount.currency and found.minor >= 0:
            return found
        raise _away("fee", found)

    async def balance(self, msisdn: str, pin: Secret, *, key: str) -> Done[Balance] | Refused:
        """See `Bank.balance`."""
        return await _harmless("balance", self._bank.balance(msisdn, pin, key=key), Balance)

    async def statement(self, msisdn: str, pin: Secret, *, key: str) -> Done[Statement] | Refused:
        """See `Bank.statement`."""
        return await _harmless("statement", self._bank.statement(msisdn, pin, key=key), Statement)

    async def begin_pin_change(self, msisdn: str, pin: Secret, *, key: str) -> Done[PinChange] | Refused:
        """See `Bank.begin_pin_change`."""
        return await _harmless(
            "begin_pin_change", self._bank.begin_pin_change(msisdn, pin, key=key), PinChange
        )

    async def propose_pin(
        self, msisdn: str, pin: Secret, *, change: PinChange | None = None, key: str
    ) -> Done[None] | Refused:
        """See `Bank.propose_pin`."""
        return await _harmless(
            "propose_pin", self._bank.propose_pin(msisdn, pin, change=change, key=key), NOTHING
        )

    async def open_account(
        self, msisdn: str, name: str, currency: str, pin: Secret, *, key: str
    ) -> Done[Account] | Refused | Unknown:
        """See `Bank.open_account`."""
        answer = await self._bank.open_account(msisdn, name, currency, pin, key=key)
        return _outcome("open_account", answer, Account)

    async def change_pin(
        self, msisdn: str, pin: Secret, *, change: PinChange, key: str
    ) -> Done[None] | Refused | Unknown:
        """See `Bank.change_pin`."""
        answer = await self._bank.change_pin(msisdn, pin, change=change, key=key)
        return _outcome("change_pin", answer, NOTHING)

    async def transfer(
        self, sender: str, to: str, amount: Amount, *, pin: Secret, key: str
    ) -> Done[Receipt] | Refused | Unknown:
        """See `Bank.transfer`."""
        answer = await self._bank.transfer(sender, to, amount, pin=pin, key=key)
        return _outcome("transfer", answer, Receipt)

    def finds(self, kind: type[Any]) -> Check:
        """`Bank.find` for a key whose result is of this kind."""

        async def find(key: str) -> Checked:
            answer = await self._bank.find(key)
            if isinstance(answer, Voided | Unknown):
                return answer
            outcome = _outcome("find", answer, kind)
            return outcome if isinstance(outcome, Done) else Unknown("find answered Refused")

        return find


async def _harmless(call: str, answering: Awaitable[Done[R] | Refused], kind: type[R]) -> Done[R] | Refused:
    """The answer to a call that changes nothing that counts: what went wrong may be tried again."""
    try:
        outcome = _outcome(call, await answering, kind)
    except Exception as error:  # noqa: BLE001 - whatever it was, nothing happened
        log.warning("wallet: %s failed with %s", call, type(error).__name__)  # its text may hold the PIN
        return UNAVAILABLE
    return UNAVAILABLE if isinstance(outcome, Unknown) else outcome


def _outcome(call: str, answer: Any, kind: type[R]) -> Done[R] | Refused | Unknown:
    if isinstance(answer, Unknown) or (isinstance(answer, Refused) and _is(answer, Refused)):
        return answer
    if isinstance(answer, Done) and _is(answer.result, kind):
        return answer
    return Unknown(_nonsense(call, answer.result if isinstance(answer, Done) else answer))


def _away(call: str, answer: Any) -> BackendError:
    _nonsense(call, answer)
    return BackendError()


def _nonsense(call: str, answer: Any) -> str:
    reason = f"the bank answered {call} with a {type(answer).__name__} that is not right"
    log.error("wallet: %s", reason)
    return reason


def _is(value: Any, kind: type[R]) -> TypeGuard[R]:
    """Whether a value is of this kind, with fields of the right types and a currency that there is."""
    if kind is NOTHING or not isinstance(value, kind):
        return value is None and kind is NOTHING
    try:
        msgspec.convert(msgspec.to_builtins(value), kind)
    except (msgspec.ValidationError, TypeError, ValueError):
        return False
    return not isinstance(value, Account) or value.currency in CURRENCIES
