"""A bank may answer what it likes: a conversation believes only what is right."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from kikao.conversation.errors import BackendError, ErrorCode
from kikao.conversation.outcomes import Done, Refused, Unknown, Voided
from kikao.conversation.secrets import Secret
from kikao.i18n.messages import t
from kikao.i18n.money import Amount
from kikao_apps.wallet.bank import Account, Balance, Movement, PinChange, Receipt, Statement
from kikao_apps.wallet.flows.believed import Believed

PIN = Secret("2580")
ASHA, BINTA = "+256700000001", "+256700000002"
UGX = Amount("UGX", 5000)
ACCOUNT = Account(number=ASHA, name="Asha", currency="UGX", locked=False)
RECEIPT = Receipt(ref="ABCD2345", amount=UGX, fee=UGX, to=BINTA, balance=UGX)
AWAY = Refused(ErrorCode.BACKEND_UNAVAILABLE)


def wrong(value: Any) -> Any:
    """A value where the type says that there is none like it."""
    return value


NONSENSE = [
    None,
    "OK",
    {"currency": "UGX"},
    RECEIPT,
    Done("OK"),
    Done({"amount": UGX}),
    Done(Balance(wrong("5000"))),
    Done(Balance(Amount("UGX", wrong(None)))),
    Done(Account(number=wrong(None), name="Asha", currency="UGX", locked=False)),
    Done(Receipt(ref=wrong(7), amount=UGX, fee=UGX, to=BINTA, balance=UGX)),
    Done(Statement(wrong([1, 2]))),
    Done(PinChange(wrong(object()))),
    Refused(wrong("no such code")),
    Refused(ErrorCode.LOCKED, wrong("a text that is no message")),
]


class Echo:
    """A bank of which every method answers the same."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def __getattr__(self, name: str) -> Any:
        async def method(*args: Any, **kwargs: Any) -> Any:
            if isinstance(self._answer, Exception):
                raise self._answer
            return self._answer

        return method


def bank(answer: Any) -> Believed:
    return Believed(wrong(Echo(answer)))


@pytest.mark.parametrize("answer", NONSENSE)
async def test_nonsense_is_never_an_outcome(answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    believed = bank(answer)
    change = PinChange("id")
    for outcome in (
        await believed.transfer(ASHA, BINTA, UGX, pin=PIN, key="k"),
        await believed.open_account(ASHA, "Asha", "UGX", PIN, key="k"),
        await believed.change_pin(ASHA, PIN, change=change, key="k"),
        await believed.finds(Receipt)("k"),
    ):
        assert isinstance(outcome, Unknown)
    for refused in (
        await believed.balance(ASHA, PIN, key="k"),
        await believed.statement(ASHA, PIN, key="k"),
        await believed.begin_pin_change(ASHA, PIN, key="k"),
        await believed.propose_pin(ASHA, PIN, key="k"),
    ):
        assert refused == AWAY
    assert "that is not right" in caplog.text
    assert BINTA not in caplog.text


@pytest.mark.parametrize(
    "answer",
    [
        "OK",
        {"number": ASHA, "currency": "UGX"},
        RECEIPT,
        Account(number=ASHA, name="Asha", currency="XXX", locked=False),
        Account(number=ASHA, name=wrong(None), currency="UGX", locked=False),
        Account(number=ASHA, name="Asha", currency="UGX", locked=wrong("no")),
    ],
    ids=repr,
)
async def test_nonsense_instead_of_an_account_is_a_bank_that_is_away(answer: Any) -> None:
    with pytest.raises(BackendError):
        await bank(answer).account(ASHA)


@pytest.mark.parametrize(
    "answer", [None, 100, Amount("KES", 100), Amount("UGX", -1), Amount("UGX", wrong(1.5))], ids=repr
)
async def test_nonsense_instead_of_a_fee_is_a_bank_that_is_away(answer: Any) -> None:
    with pytest.raises(BackendError):
        await bank(answer).fee(UGX)


async def test_what_is_right_is_passed_on_as_it_is() -> None:
    assert await bank(ACCOUNT).account(ASHA) is ACCOUNT
    assert await bank(None).account(ASHA) is None
    assert await bank(UGX).fee(UGX) is UGX
    paid = Done(RECEIPT)
    assert await bank(paid).transfer(ASHA, BINTA, UGX, pin=PIN, key="k") is paid
    assert await bank(paid).finds(Receipt)("k") is paid
    refused = Refused(ErrorCode.REJECTED, t("No."))
    assert await bank(refused).transfer(ASHA, BINTA, UGX, pin=PIN, key="k") is refused
    assert await bank(refused).balance(ASHA, PIN, key="k") is refused
    held = Done(Balance(UGX))
    assert await bank(held).balance(ASHA, PIN, key="k") is held
    movement = Movement(kind="sent", at=1.5, party=BINTA, name="", amount=UGX, fee=UGX, ref="ABCD2345")
    shown = Done(Statement((movement,)))
    assert await bank(shown).statement(ASHA, PIN, key="k") is shown
    assert await bank(Voided()).finds(Receipt)("k") == Voided()
    assert await bank(Unknown("away")).finds(Receipt)("k") == Unknown("away")
    assert await bank(Done(None)).propose_pin(ASHA, PIN, key="k") == Done(None)


async def test_a_result_of_another_kind_is_not_what_was_looked_for() -> None:
    assert isinstance(await bank(Done(Balance(UGX))).finds(Receipt)("k"), Unknown)
    assert isinstance(await bank(Refused(ErrorCode.REJECTED)).finds(Receipt)("k"), Unknown)


async def test_an_error_that_holds_a_pin_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    assert await bank(ValueError("core refused 2580")).balance(ASHA, PIN, key="k") == AWAY
    assert "ValueError" in caplog.text
    assert "2580" not in caplog.text
