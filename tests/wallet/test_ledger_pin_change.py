"""Choosing a new PIN: the present one is checked and counted, the new one is entered twice and never kept."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

import pytest

from kikao.conversation.errors import ErrorCode
from kikao.conversation.outcomes import Done, Refused, Voided
from kikao.conversation.redaction import holds
from kikao.conversation.secrets import Secret
from kikao.testing import Clock
from kikao_apps.wallet.bank import PinChange
from kikao_apps.wallet.ledger import Ledger
from tests.wallet.ledgers import (
    ASHA,
    BINTA,
    PIN,
    STRANGER,
    WRONG,
    StallingPins,
    a_key,
    a_ledger,
    done,
    held,
    register,
)

NEW = Secret("7041")


async def begun(ledger: Ledger, member: str = ASHA, pin: Secret = PIN) -> PinChange:
    return done(await ledger.begin_pin_change(member, pin, key=a_key()))


def refused(outcome: object) -> tuple[ErrorCode, str]:
    assert isinstance(outcome, Refused)
    return outcome.code, outcome.text.msgid if outcome.text else ""


TOO_LATE = (ErrorCode.SESSION_EXPIRED, "This took too long. Please start again.")
DIFFER = (ErrorCode.REJECTED, "PINs do not match.")
CHOOSE_AGAIN = (ErrorCode.REJECTED, "Please choose your PIN again.")


async def test_no_pin_is_found_in_the_id_of_a_change(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the PIN stands by chance it would be taken out, and the change could not be made."""
    monkeypatch.setattr(secrets, "token_hex", lambda size: "a2580f" + "0123456789abcdef" * 2)
    change = await begun(ledger)
    assert len(change.id) == 38
    assert change.id.isalpha()
    assert not holds(change.id, PIN.reveal())


async def test_a_member_changes_the_pin(ledger: Ledger) -> None:
    change = await begun(ledger)
    assert await ledger.propose_pin(ASHA, NEW, change=change, key="p") == Done(None)
    assert isinstance(await ledger.balance(ASHA, PIN, key=a_key()), Done)  # until it was entered twice
    assert await ledger.change_pin(ASHA, NEW, change=change, key="c") == Done(None)

    assert await held(ledger, ASHA, NEW)
    assert refused(await ledger.balance(ASHA, PIN, key=a_key()))[0] is ErrorCode.WRONG_SECRET


async def test_a_wrong_present_pin_is_counted(ledger: Ledger) -> None:
    for _ in range(2):
        code, _text = refused(await ledger.begin_pin_change(ASHA, WRONG, key=a_key()))
        assert code is ErrorCode.WRONG_SECRET
    assert refused(await ledger.balance(ASHA, WRONG, key=a_key()))[0] is ErrorCode.LOCKED
    assert refused(await ledger.begin_pin_change(ASHA, PIN, key=a_key()))[0] is ErrorCode.LOCKED


async def test_two_new_pins_that_differ_change_nothing(ledger: Ledger) -> None:
    change = await begun(ledger)
    await ledger.propose_pin(ASHA, NEW, change=change, key="p")
    assert refused(await ledger.change_pin(ASHA, WRONG, change=change, key="c")) == DIFFER
    assert isinstance(await ledger.change_pin(ASHA, NEW, change=change, key="d"), Done)


async def test_the_new_pin_is_another_one_and_not_easy(ledger: Ledger) -> None:
    change = await begun(ledger)
    for pin, text in (
        (PIN, "This is your present PIN. Choose another."),
        (Secret("1234"), "This PIN is easy to guess. Choose another."),
        (Secret("704"), "A PIN has 4 to 8 digits."),
    ):
        answer = await ledger.propose_pin(ASHA, pin, change=change, key=a_key())
        assert refused(answer) == (ErrorCode.INVALID_INPUT, text)
    assert refused(await ledger.change_pin(ASHA, PIN, change=change, key="c")) == CHOOSE_AGAIN


async def test_nothing_is_proposed_without_the_present_pin(ledger: Ledger) -> None:
    forged = PinChange("00000000000000000000000000000000")
    assert refused(await ledger.propose_pin(ASHA, NEW, change=forged, key="1")) == TOO_LATE
    assert refused(await ledger.propose_pin(ASHA, NEW, key="2"))[1] == "You already have an account."
    assert refused(await ledger.change_pin(ASHA, NEW, change=forged, key="3")) == TOO_LATE
    of_binta = await begun(ledger, BINTA)
    assert refused(await ledger.propose_pin(ASHA, NEW, change=of_binta, key="4")) == TOO_LATE
    assert refused(await ledger.propose_pin(STRANGER, NEW, change=of_binta, key="5")) == TOO_LATE


async def test_the_right_to_change_lasts_ten_minutes_and_one_change(ledger: Ledger, clock: Clock) -> None:
    change = await begun(ledger)
    clock.now += 599
    assert isinstance(await ledger.propose_pin(ASHA, NEW, change=change, key="1"), Done)
    clock.now += 1
    assert refused(await ledger.change_pin(ASHA, NEW, change=change, key="2")) == TOO_LATE

    change = await begun(ledger)
    await ledger.propose_pin(ASHA, NEW, change=change, key="3")
    await ledger.change_pin(ASHA, NEW, change=change, key="4")
    assert refused(await ledger.propose_pin(ASHA, WRONG, change=change, key="5")) == TOO_LATE


async def test_of_two_changes_at_once_the_later_begun_counts(ledger: Ledger) -> None:
    first = await begun(ledger)
    await ledger.propose_pin(ASHA, NEW, change=first, key="1")
    second = await begun(ledger)
    assert refused(await ledger.change_pin(ASHA, NEW, change=first, key="2")) == TOO_LATE
    assert refused(await ledger.change_pin(ASHA, NEW, change=second, key="3")) == CHOOSE_AGAIN


async def test_an_account_that_was_locked_meanwhile_keeps_its_pin(ledger: Ledger) -> None:
    change = await begun(ledger)
    await ledger.propose_pin(ASHA, NEW, change=change, key="p")
    for _ in range(3):
        await ledger.balance(ASHA, WRONG, key=a_key())
    assert refused(await ledger.change_pin(ASHA, NEW, change=change, key="c"))[0] is ErrorCode.LOCKED


async def test_every_part_of_a_change_happens_once_under_its_key(ledger: Ledger) -> None:
    began = await ledger.begin_pin_change(ASHA, PIN, key="b")
    assert await ledger.begin_pin_change(ASHA, WRONG, key="b") == began
    change = done(began)
    for _ in range(2):
        assert await ledger.propose_pin(ASHA, NEW, change=change, key="p") == Done(None)
    for _ in range(2):
        assert await ledger.change_pin(ASHA, NEW, change=change, key="c") == Done(None)
    assert [await ledger.find(key) for key in "bpc"] == [began, Done(None), Done(None)]
    assert await ledger.find("never") == Voided()
    assert isinstance(await ledger.change_pin(ASHA, NEW, change=change, key="never"), Refused)


async def test_a_pin_that_is_changed_while_another_call_compares_it_is_compared_again(tmp_path: Path) -> None:
    stalling = StallingPins()
    async with a_ledger(tmp_path) as ledger, a_ledger(tmp_path, pins=stalling) as stalled:
        await register(ledger, ASHA)
        asking = asyncio.create_task(stalled.balance(ASHA, PIN, key="b"))
        await stalling.compared.wait()
        change = await begun(ledger)
        await ledger.propose_pin(ASHA, NEW, change=change, key="p")
        await ledger.change_pin(ASHA, NEW, change=change, key="c")
        stalling.go_on.set()
        assert refused(await asking)[0] is ErrorCode.WRONG_SECRET
