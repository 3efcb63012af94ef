"""What the wallet asks of a bank: the embedded `Ledger`, or an adapter to a core-banking system.

Members are named by their MSISDN in E.164 (`+256700000001`). Money is an `Amount` in integer minor units.

Every method that takes a `key` honours it as an idempotency key. On that rests the promise that no payment
runs twice:

- the same key with the same request gives the stored result again, without looking at the PIN;
- the same key with another request is refused (`REJECTED`);
- a `Refused` is not stored: nothing happened, and a later attempt is judged anew;
- a key that `find` answered with `Voided` is refused for ever, however late the call arrives.

A PIN is never part of what is compared, stored under a key, logged or raised. Wrong PINs are counted by the
bank, per account, so that going back, redialling or a crash cannot reset them. A new PIN is entered twice and
compared by the bank, so that a conversation never holds it: `propose_pin`, then `open_account` or `change_pin`.
"""

from __future__ import annotations

from typing import Final, Literal, Protocol

import msgspec

from kikao.conversation.errors import ErrorCode
from kikao.conversation.examples import examples
from kikao.conversation.outcomes import Done, Refused, Unknown, Voided
from kikao.conversation.secrets import Secret
from kikao.i18n.messages import t, tn
from kikao.i18n.money import Amount
from kikao_apps.wallet.tariff import TARIFFS, fee

CURRENCIES: Final = ("UGX", "KES", "TZS", "RWF")
"""The currencies an account may have (ISO 4217)."""


class Account(msgspec.Struct, frozen=True, tag="account"):
    """What may be known of an account without its PIN."""

    number: str
    """The MSISDN of its member, E.164."""
    name: str
    currency: str
    locked: bool
    """True after too many wrong PINs; only the bank can unlock."""
    new_pin_due: bool = False
    """True after the bank gave the member a start PIN: they choose a PIN of their own before anything else."""


class Balance(msgspec.Struct, frozen=True, tag="balance"):
    """What an account held when it was asked."""

    amount: Amount


class Receipt(msgspec.Struct, frozen=True, tag="receipt"):
    """A transfer that happened."""

    ref: str
    """Unique in the bank, and easy to read out: eight capitals and digits without 0, O, 1, I and L."""
    amount: Amount
    """What the recipient got."""
    fee: Amount
    """What the sender paid on top."""
    to: str
    """The recipient's MSISDN, E.164."""
    balance: Amount
    """What the sender has left."""


class Movement(msgspec.Struct, frozen=True, tag="movement"):
    """A transfer as one of its two members sees it."""

    kind: Literal["sent", "received", "gift", "returned"]
    """`returned` is money that the recipient never claimed."""
    at: float
    """Seconds since the epoch."""
    party: str
    """The other member's MSISDN, E.164; empty for the bank itself and for a member who was forgotten."""
    name: str
    """The other member's name; empty where there is none to tell."""
    amount: Amount
    fee: Amount
    """What this member paid on top."""
    ref: str


class Statement(msgspec.Struct, frozen=True, tag="statement"):
    """The last movements of an account, the newest first."""

    movements: tuple[Movement, ...]


class PinChange(msgspec.Struct, frozen=True, tag="pin_change"):
    """The right to choose a new PIN, for 10 minutes. It holds no PIN."""

    id: str


Result = Account | Balance | Receipt | Statement | PinChange | None
"""What can be stored under a key; None for a PIN that was proposed or changed."""

MOVEMENTS: Final = 10
"""The most movements of a statement."""


# What a bank may answer, with the longest values: `kikao check` holds the wallet's conversations with it.

SOMEBODY: Final = "+256772000002"
LONG_NAME: Final = "Nakalembe Nabukenya Joseph Kiwanuka Okel"
"""40 characters, as many as a name may have; of its words, so many are shown as ever are."""

FOREIGN_NAME: Final = "Ŋŋaŋŋa Նարեկ"
"""With letters that not every phone can show."""

REF: Final = "ABCD2345"

ACCOUNT: Final = Account(SOMEBODY, LONG_NAME, "UGX", locked=False)
ACCOUNTS: Final = (
    *(Account(SOMEBODY, LONG_NAME, currency, locked=False) for currency in CURRENCIES),
    Account(SOMEBODY, FOREIGN_NAME, "UGX", locked=False),
    Account(SOMEBODY, LONG_NAME, "UGX", locked=True),
    Account(SOMEBODY, LONG_NAME, "UGX", locked=False, new_pin_due=True),
)


def largest(currency: str) -> Amount:
    """The largest transfer."""
    return Amount(currency, TARIFFS[currency].most)


def receipt(sender: str, to: str, amount: Amount, *, pin: Secret, key: str) -> Done[Receipt]:
    """Of a transfer that happened."""
    return Done(Receipt(REF, amount, fee(amount), to, 10 * largest(amount.currency)))


def to_nobody(sender: str, to: str, amount: Amount, *, pin: Secret, key: str) -> Done[Receipt]:
    """Of one to a member who was forgotten before the key was asked for again."""
    return Done(Receipt(REF, amount, fee(amount), "", 10 * largest(amount.currency)))


RECEIPT: Final = Receipt(REF, largest("UGX"), fee(largest("UGX")), SOMEBODY, 10 * largest("UGX"))


def free(amount: Amount) -> Amount:
    """The fee of a transfer that costs nothing."""
    return Amount(amount.currency, 0)


def movement(kind: Literal["sent", "received", "gift", "returned"], name: str, *, costs: bool) -> Movement:
    """The longest of its kind."""
    amount = largest("TZS")
    party = "" if kind == "gift" else SOMEBODY
    return Movement(kind, 1_795_000_000.0, party, name, amount, fee(amount) if costs else free(amount), REF)


STATEMENT: Final = Statement(
    (
        movement("sent", LONG_NAME, costs=True),
        movement("sent", "", costs=False),
        movement("received", FOREIGN_NAME, costs=False),
        movement("received", LONG_NAME, costs=False),
        movement("returned", LONG_NAME, costs=False),
        Movement("received", 1_795_000_000.0, "", "", largest("UGX"), Amount("UGX", 0), REF),
        movement("gift", "", costs=False),
        *[movement("sent", LONG_NAME, costs=True)] * 3,
    )
)
DONE: Final = Done(None)
WRONG_PIN: Final = Refused(
    ErrorCode.WRONG_SECRET, tn("Wrong PIN. {n} try left.", "Wrong PIN. {n} tries left.", 2)
)
EASY_PIN: Final = Refused(ErrorCode.INVALID_INPUT, t("This PIN is easy to guess. Choose another."))
PINS_DIFFER: Final = Refused(ErrorCode.REJECTED, t("PINs do not match."))


class Bank(Protocol):
    """A bank as the wallet sees it. A method that cannot say what happened raises; `find` tells later.

    `account` and `fee` raise `BackendError` when the bank is away.
    """

    @examples(*ACCOUNTS, None)
    async def account(self, msisdn: str) -> Account | None:
        """The member's account; None for those who have not opened one, even if money waits for them."""

    @examples(DONE, EASY_PIN)
    async def propose_pin(
        self, msisdn: str, pin: Secret, *, change: PinChange | None = None, key: str
    ) -> Done[None] | Refused:
        """Remember a PIN (hashed) for 10 minutes, for `open_account` or `change_pin` to compare with; the last counts.

        With `change`, it is for an account that there is. Refused with INVALID_INPUT when the PIN is not 4 to 8
        digits, easy to guess, or the present one; with REJECTED when the member has an account and no `change`; with
        SESSION_EXPIRED when the `change` is no longer good.
        """

    @examples(*map(Done, ACCOUNTS), PINS_DIFFER)
    async def open_account(
        self, msisdn: str, name: str, currency: str, pin: Secret, *, key: str
    ) -> Done[Account] | Refused:
        """Open an account with the proposed PIN, entered again; money that waited becomes the member's.

        Refused with REJECTED when the PINs differ, none was proposed in the last 10 minutes, the currency is
        none of `CURRENCIES`, or the member has an account.
        """

    @examples(fee, free)
    async def fee(self, amount: Amount) -> Amount:
        """What a transfer of `amount` costs its sender, in the same currency."""

    @examples(Done(Balance(10 * largest("UGX"))), Done(Balance(10 * largest("TZS"))), WRONG_PIN)
    async def balance(self, msisdn: str, pin: Secret, *, key: str) -> Done[Balance] | Refused:
        """What the account holds. Refused with WRONG_SECRET, LOCKED, or REJECTED (no account)."""

    @examples(Done(STATEMENT), Done(Statement(())), WRONG_PIN)
    async def statement(self, msisdn: str, pin: Secret, *, key: str) -> Done[Statement] | Refused:
        """The last `MOVEMENTS` movements. Refused as `balance` is."""

    @examples(Done(PinChange("1")), WRONG_PIN)
    async def begin_pin_change(self, msisdn: str, pin: Secret, *, key: str) -> Done[PinChange] | Refused:
        """Check the present PIN (or start PIN) and allow a new one to be chosen. Refused as `balance` is."""

    @examples(DONE, PINS_DIFFER)
    async def change_pin(
        self, msisdn: str, pin: Secret, *, change: PinChange, key: str
    ) -> Done[None] | Refused:
        """Make the proposed PIN, entered again, the member's, and forget wrong tries.

        Refused with REJECTED when the PINs differ or none was proposed; with SESSION_EXPIRED when the `change` is no
        longer good; with LOCKED.
        """

    @examples(receipt, to_nobody, WRONG_PIN)
    async def transfer(
        self, sender: str, to: str, amount: Amount, *, pin: Secret, key: str
    ) -> Done[Receipt] | Refused:
        """Move `amount` from `sender` to `to`; the sender pays `fee(amount)` on top.

        A recipient without an account need not register first: the money waits in an unclaimed account of the
        sender's currency. It becomes the recipient's when they open an account in that currency; if they
        choose another, it goes back to who sent it (the fee does not).

        Refused with WRONG_SECRET (the text says how many tries are left), LOCKED, INSUFFICIENT_BALANCE, or
        REJECTED (own number, unknown sender, not the currency of sender and recipient, outside the limits).
        """

    @examples(Done(ACCOUNT), Done(RECEIPT), Done(STATEMENT), DONE, Voided(), Unknown())
    async def find(self, key: str) -> Done[Result] | Voided | Unknown:
        """What became of a key. If nothing did, the bank refuses it from now on: `Voided`, in one atomic act.

        `Unknown` when the bank cannot be asked.
        """
