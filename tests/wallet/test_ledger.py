"""A member's dealings with the embedded bank: registering, sending, receiving, asking for the balance."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kikao.conversation.errors import ErrorCode
from kikao.conversation.outcomes import Done, Refused
from kikao.conversation.secrets import Secret
from kikao.i18n.money import Amount
from kikao.testing import Clock
from kikao_apps.wallet.bank import CURRENCIES, Account, Balance, Bank
from kikao_apps.wallet.ledger import REF_ALPHABET, Ledger
from kikao_apps.wallet.tariff import TARIFFS, limits
from tests.wallet.ledgers import (
    ASHA,
    BINTA,
    CHIDI,
    GIFT,
    PIN,
    STRANGER,
    WRONG,
    StallingPins,
    a_key,
    a_ledger,
    done,
    held,
    register,
    ugx,
)


@pytest.fixture
async def ledger(tmp_path: Path, clock: Clock) -> AsyncIterator[Ledger]:
    async with a_ledger(tmp_path, clock=clock) as ledger:
        yield ledger
        assert (await ledger.audit()).right


def text_of(outcome: object) -> str:
    assert isinstance(outcome, Refused)
    assert outcome.text is not None
    return outcome.text.msgid


async def test_it_is_a_bank(ledger: Ledger) -> None:
    bank: Bank = ledger
    assert await bank.account(ASHA) is None


# --- registering ---


async def test_a_member_chooses_a_pin_twice_and_has_an_account(ledger: Ledger) -> None:
    assert await ledger.propose_pin(ASHA, PIN, key="1") == Done(None)
    opened = await ledger.open_account(ASHA, "Asha", "KES", PIN, key="2")

    asha = Account(number=ASHA, name="Asha", currency="KES", locked=False)
    assert opened == Done(asha)
    assert await ledger.account(ASHA) == asha
    assert await ledger.balance(ASHA, PIN, key="3") == Done(Balance(Amount("KES", GIFT)))


async def test_a_mistyped_second_pin_opens_nothing_and_may_be_entered_again(ledger: Ledger) -> None:
    await ledger.propose_pin(ASHA, PIN, key="1")
    refused = await ledger.open_account(ASHA, "Asha", "UGX", WRONG, key="2")

    assert isinstance(refused, Refused)
    assert (refused.code, text_of(refused)) == (ErrorCode.REJECTED, "PINs do not match.")
    assert await ledger.account(ASHA) is None
    assert isinstance(await ledger.open_account(ASHA, "Asha", "UGX", PIN, key="3"), Done)


async def test_the_last_proposed_pin_counts(ledger: Ledger) -> None:
    await ledger.propose_pin(ASHA, WRONG, key="1")
    await ledger.propose_pin(ASHA, PIN, key="2")
    assert text_of(await ledger.open_account(ASHA, "Asha", "UGX", WRONG, key="3")) == "PINs do not match."
    assert isinstance(await ledger.open_account(ASHA, "Asha", "UGX", PIN, key="4"), Done)


async def test_a_pin_replaced_while_it_was_compared_opens_nothing(tmp_path: Path) -> None:
    stalling = StallingPins()
    async with a_ledger(tmp_path) as ledger, a_ledger(tmp_path, pins=stalling) as stalled:
        await ledger.propose_pin(ASHA, PIN, key="1")
        opening = asyncio.create_task(stalled.open_account(ASHA, "Asha", "UGX", PIN, key="2"))
        await stalling.compared.wait()
        await ledger.propose_pin(ASHA, WRONG, key="3")
        stalling.go_on.set()
        assert text_of(await opening) == "Please choose your PIN again."
        assert await ledger.account(ASHA) is None


async def test_a_proposed_pin_waits_ten_minutes(ledger: Ledger, clock: Clock) -> None:
    await ledger.propose_pin(ASHA, PIN, key="1")
    await ledger.propose_pin(BINTA, PIN, key="2")
    clock.now += 599
    assert isinstance(await ledger.open_account(ASHA, "Asha", "UGX", PIN, key="3"), Done)
    clock.now += 1
    assert text_of(await ledger.open_account(BINTA, "Binta", "UGX", PIN, key="4")) == (
        "Please choose your PIN again."
    )


async def test_nobody_opens_an_account_without_proposing_a_pin(ledger: Ledger) -> None:
    assert text_of(await ledger.open_account(ASHA, "Asha", "UGX", PIN, key="1")) == (
        "Please choose your PIN again."
    )


async def test_a_member_has_one_account(ledger: Ledger) -> None:
    await ledger.propose_pin(ASHA, PIN, key="1")
    await ledger.open_account(ASHA, "Asha", "UGX", PIN, key="2")
    assert text_of(await ledger.propose_pin(ASHA, PIN, key="3")) == "You already have an account."
    assert (
        text_of(await ledger.open_account(ASHA, "Eve", "KES", PIN, key="4")) == "You already have an account."
    )


@pytest.mark.parametrize("pin", ["", "258", "258025802", "25a8", "٢٥٨٠", "2580 "])
async def test_a_pin_has_four_to_eight_digits(ledger: Ledger, pin: str) -> None:
    refused = await ledger.propose_pin(ASHA, Secret(pin), key="1")
    assert text_of(refused) == "A PIN has 4 to 8 digits."


@pytest.mark.parametrize(
    "pin", ["0000", "777777", "1234", "456789", "7890", "9876", "1098", "1212", "258258", "0001", "00000001"]
)
async def test_a_pin_that_is_easy_to_guess_is_refused(ledger: Ledger, pin: str) -> None:
    refused = await ledger.propose_pin(ASHA, Secret(pin), key="1")
    assert isinstance(refused, Refused)
    assert (refused.code, text_of(refused)) == (
        ErrorCode.INVALID_INPUT,
        "This PIN is easy to guess. Choose another.",
    )


@pytest.mark.parametrize("pin", ["2580", "1357", "1235", "1221", "0010", "123454321"[:8]])
async def test_other_pins_are_taken(ledger: Ledger, pin: str) -> None:
    assert await ledger.propose_pin(ASHA, Secret(pin), key="1") == Done(None)


async def test_accounts_are_kept_in_four_currencies(ledger: Ledger) -> None:
    for n, currency in enumerate(CURRENCIES):
        await register(ledger, f"+25670000010{n}", currency=currency)
    await ledger.propose_pin(ASHA, PIN, key="1")
    assert text_of(await ledger.open_account(ASHA, "Asha", "EUR", PIN, key="2")) == (
        "There are no accounts in {currency}."
    )


# --- sending ---


async def test_money_moves_and_the_sender_pays_the_fee(ledger: Ledger) -> None:
    await register(ledger, ASHA, BINTA)
    assert await ledger.fee(ugx(12_500)) == ugx(500)

    receipt = done(await ledger.transfer(ASHA, BINTA, ugx(12_500), pin=PIN, key="t"))

    assert (receipt.amount, receipt.fee, receipt.to) == (ugx(12_500), ugx(500), BINTA)
    assert receipt.balance == ugx(GIFT - 13_000)
    assert len(receipt.ref) == 8
    assert set(receipt.ref) <= set(REF_ALPHABET)
    assert await held(ledger, ASHA) == GIFT - 13_000
    assert await held(ledger, BINTA) == GIFT + 12_500


async def test_a_member_can_send_everything_but_not_more(ledger: Ledger) -> None:
    await register(ledger, ASHA, BINTA)
    over = await ledger.transfer(ASHA, BINTA, ugx(GIFT - 999), pin=PIN, key="1")
    assert over == Refused(ErrorCode.INSUFFICIENT_BALANCE)
    assert done(await ledger.transfer(ASHA, BINTA, ugx(GIFT - 1000), pin=PIN, key="2")).balance == ugx(0)


@pytest.mark.parametrize(
    ("to", "amount", "said"),
    [
        (ASHA, ugx(1000), "You cannot send money to yourself."),
        (BINTA, Amount("KES", 1000), "Your account is in {currency}."),
        (BINTA, ugx(499), "Send between {least} and {most}."),
        (BINTA, ugx(5_000_001), "Send between {least} and {most}."),
        (BINTA, ugx(0), "Send between {least} and {most}."),
        (BINTA, ugx(-1000), "Send between {least} and {most}."),
        (CHIDI, ugx(1000), "This number receives {currency} only."),
        ("0700000002", ugx(1000), "This is not a phone number."),
    ],
)
async def test_what_the_bank_does_not_do(ledger: Ledger, to: str, amount: Amount, said: str) -> None:
    await register(ledger, ASHA, BINTA)
    await register(ledger, CHIDI, currency="KES")
    refused = await ledger.transfer(ASHA, to, amount, pin=PIN, key="t")
    assert isinstance(refused, Refused)
    assert (refused.code, text_of(refused)) == (ErrorCode.REJECTED, said)


async def test_who_has_no_account_sends_nothing(ledger: Ledger) -> None:
    assert text_of(await ledger.transfer(STRANGER, ASHA, ugx(1000), pin=PIN, key="t")) == (
        "You have no account yet."
    )
    assert text_of(await ledger.balance(STRANGER, PIN, key="b")) == "You have no account yet."


async def test_references_are_unique_even_when_chance_repeats_itself(tmp_path: Path) -> None:
    refs = iter(["AAAAAAAA", "BBBBBBBB", "CCCCCCCC", "CCCCCCCC", "AAAAAAAA", "DDDDDDDD"])
    async with a_ledger(tmp_path, new_ref=lambda: next(refs)) as ledger:
        await register(ledger, ASHA, BINTA)
        got = [done(await ledger.transfer(ASHA, BINTA, ugx(500), pin=PIN, key=a_key())).ref for _ in range(2)]
    assert got == ["CCCCCCCC", "DDDDDDDD"]


# --- money that waits ---


async def test_money_for_a_stranger_waits_until_they_register(ledger: Ledger) -> None:
    await register(ledger, ASHA, BINTA)
    await ledger.transfer(ASHA, STRANGER, ugx(3000), pin=PIN, key="1")
    await ledger.transfer(BINTA, STRANGER, ugx(4000), pin=PIN, key="2")
    assert await ledger.account(STRANGER) is None

    await register(ledger, STRANGER)

    assert await held(ledger, STRANGER) == GIFT + 7000


async def test_waiting_money_goes_back_when_the_stranger_chooses_another_currency(ledger: Ledger) -> None:
    await register(ledger, ASHA, BINTA)
    await register(ledger, CHIDI, currency="KES")
    await ledger.transfer(ASHA, STRANGER, ugx(3000), pin=PIN, key="1")
    await ledger.transfer(ASHA, STRANGER, ugx(1000), pin=PIN, key="2")
    await ledger.transfer(BINTA, STRANGER, ugx(4000), pin=PIN, key="3")
    await ledger.transfer(CHIDI, STRANGER, Amount("KES", 50_00), pin=PIN, key="4")

    await register(ledger, STRANGER, currency="KES")

    assert await held(ledger, STRANGER) == GIFT + 50_00
    assert await held(ledger, ASHA) == GIFT - 200
    assert await held(ledger, BINTA) == GIFT - 100
    assert text_of(await ledger.transfer(ASHA, STRANGER, ugx(1000), pin=PIN, key="5")) == (
        "This number receives {currency} only."
    )


async def test_without_a_gift_an_account_begins_empty(tmp_path: Path) -> None:
    async with a_ledger(tmp_path, gift=None) as ledger:
        await register(ledger, ASHA)
        assert await held(ledger, ASHA) == 0


# --- the tariff ---


@pytest.mark.parametrize("currency", CURRENCIES)
async def test_a_larger_transfer_never_costs_less(ledger: Ledger, currency: str) -> None:
    least, most = limits(currency)
    edges = [upper for upper, _ in TARIFFS[currency].bands]
    amounts = sorted({least.minor, most.minor, *edges, *[edge + 1 for edge in edges[:-1]]})
    fees = [await ledger.fee(Amount(currency, minor)) for minor in amounts]
    assert fees == sorted(fees)
    assert {fee.currency for fee in fees} == {currency}


async def test_the_fee_changes_after_the_edge_of_a_band(ledger: Ledger) -> None:
    assert [(await ledger.fee(ugx(n))).minor for n in (5000, 5001, 60_000, 60_001)] == [100, 500, 500, 1000]
    assert await ledger.fee(ugx(999_999_999)) == ugx(2000)
    with pytest.raises(ValueError, match="no tariff for EUR"):
        await ledger.fee(Amount("EUR", 100))
