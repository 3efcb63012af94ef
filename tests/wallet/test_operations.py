"""What operators do: unlock, give a start PIN, forget a member."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from kikao.conversation.errors import ErrorCode, RefusedError
from kikao.conversation.outcomes import Done, Refused
from kikao.conversation.secrets import Secret
from kikao.i18n.catalogs import Catalogs
from kikao.i18n.money import Amount
from kikao.records import Records
from kikao.testing import Clock
from kikao_apps.wallet import operations
from kikao_apps.wallet.bank import Account, Receipt, Statement
from kikao_apps.wallet.calls import NEW_PIN_FIRST
from kikao_apps.wallet.ledger import Ledger
from kikao_apps.wallet.operations import NoAccount
from tests.databases import ON_BOTH
from tests.wallet.ledgers import (
    ASHA,
    BINTA,
    CHIDI,
    GIFT,
    PIN,
    STRANGER,
    WRONG,
    a_key,
    a_ledger,
    cheap_pins,
    done,
    held,
    its_records,
    register,
    ugx,
)

NEW = Secret("7041")
ENGLISH = Catalogs().translate("en")


@pytest.fixture
async def records(tmp_path: Path, ledger: Ledger) -> AsyncIterator[Records]:
    """The operator's own connection to the same database."""
    async with its_records(tmp_path) as records:
        yield records


def code(outcome: object) -> ErrorCode:
    assert isinstance(outcome, Refused)
    return outcome.code


async def lock_out(ledger: Ledger, member: str = ASHA) -> None:
    answers = [code(await ledger.balance(member, WRONG, key=a_key())) for _ in range(3)]
    assert answers[-1] is ErrorCode.LOCKED


def another(pin: Secret) -> Secret:
    return Secret(f"{(int(pin.reveal()) + 1) % 10_000:04d}")


# --- unlocking ---


async def test_who_remembers_the_pin_is_unlocked(ledger: Ledger, records: Records, clock: Clock) -> None:
    await lock_out(ledger)
    assert await operations.unlock(records, ASHA, clock.now) is True
    assert await held(ledger, ASHA) == GIFT
    assert await operations.unlock(records, ASHA, clock.now) is False
    with pytest.raises(NoAccount, match="has no account"):
        await operations.unlock(records, STRANGER, clock.now)


async def test_who_forgot_the_pin_chooses_another_with_a_start_pin(
    ledger: Ledger, records: Records, clock: Clock
) -> None:
    await lock_out(ledger)
    start = await operations.give_start_pin(records, cheap_pins(), ASHA, clock.now)

    account = await ledger.account(ASHA)
    assert account is not None
    assert (account.locked, account.new_pin_due) == (False, True)
    for pin in (start, PIN):
        assert await ledger.balance(ASHA, pin, key=a_key()) == NEW_PIN_FIRST
    change = done(await ledger.begin_pin_change(ASHA, start, key="b"))
    await ledger.propose_pin(ASHA, NEW, change=change, key="p")
    await ledger.change_pin(ASHA, NEW, change=change, key="c")

    account = await ledger.account(ASHA)
    assert account is not None
    assert account.new_pin_due is False
    assert await held(ledger, ASHA, NEW) == GIFT
    assert code(await ledger.begin_pin_change(ASHA, start, key=a_key())) is ErrorCode.WRONG_SECRET


async def test_a_start_pin_that_is_not_used_within_a_day_locks_again(
    ledger: Ledger, records: Records, clock: Clock
) -> None:
    start = await operations.give_start_pin(records, cheap_pins(), ASHA, clock.now)
    clock.now += operations.START_PIN_SECONDS
    account = await ledger.account(ASHA)
    assert account is not None
    assert account.locked
    assert code(await ledger.begin_pin_change(ASHA, start, key="b")) is ErrorCode.LOCKED
    assert await operations.unlock(records, ASHA, clock.now) is False
    start = await operations.give_start_pin(records, cheap_pins(), ASHA, clock.now)
    assert isinstance(await ledger.begin_pin_change(ASHA, start, key="c"), Done)


async def test_a_start_pin_is_guessed_three_times_like_any_other(
    ledger: Ledger, records: Records, clock: Clock
) -> None:
    start = await operations.give_start_pin(records, cheap_pins(), ASHA, clock.now)
    answers = [code(await ledger.begin_pin_change(ASHA, another(start), key=a_key())) for _ in range(3)]
    assert answers == [ErrorCode.WRONG_SECRET, ErrorCode.WRONG_SECRET, ErrorCode.LOCKED]
    assert code(await ledger.begin_pin_change(ASHA, start, key=a_key())) is ErrorCode.LOCKED


async def test_unlocking_does_not_prolong_a_start_pin_and_does_not_say_so(
    ledger: Ledger, records: Records, clock: Clock
) -> None:
    start = await operations.give_start_pin(records, cheap_pins(), ASHA, clock.now)
    answers = [code(await ledger.begin_pin_change(ASHA, another(start), key=a_key())) for _ in range(3)]
    assert answers[-1] is ErrorCode.LOCKED
    clock.now += operations.START_PIN_SECONDS
    assert await operations.unlock(records, ASHA, clock.now) is False
    account = await ledger.account(ASHA)
    assert account is not None
    assert account.locked


async def test_a_start_pin_is_for_accounts_that_there_are(records: Records, clock: Clock) -> None:
    with pytest.raises(NoAccount):
        await operations.give_start_pin(records, cheap_pins(), STRANGER, clock.now)


# --- forgetting ---


async def empty(ledger: Ledger, member: str, to: str) -> None:
    """Send everything away."""
    all_but_fee = await held(ledger, member) - 1000
    done(await ledger.transfer(member, to, ugx(all_but_fee), pin=PIN, key=a_key()))
    assert await held(ledger, member) == 0


async def told(ledger: Ledger, *msisdns: str) -> str:
    """Why members cannot be forgotten, in English."""
    with pytest.raises(RefusedError) as refused:
        await ledger.forget(*msisdns)
    assert refused.value.code is ErrorCode.REJECTED
    return ENGLISH(refused.value.text)


async def everything_in(records: Records) -> str:
    """All that is in the wallet's tables, as one text."""

    def rows(connection: Connection) -> str:
        names = (
            "numbers",
            "accounts",
            "pins",
            "proposed_pins",
            "pin_changes",
            "keys",
            "transfers",
            "entries",
        )
        return repr([connection.execute(text(f"SELECT * FROM wallet_{name}")).all() for name in names])

    return await records.read(rows)


async def test_a_member_with_money_is_not_forgotten(ledger: Ledger) -> None:
    why = await told(ledger, ASHA)
    assert why == "There is UGX 100,000 on the account. Send it elsewhere first."
    assert await held(ledger, ASHA) == GIFT


async def test_a_number_that_money_waits_for_is_not_forgotten(ledger: Ledger) -> None:
    await ledger.transfer(ASHA, STRANGER, ugx(5000), pin=PIN, key="t")
    why = await told(ledger, STRANGER)
    assert why == "UGX 5,000 was sent to this number and was not claimed yet."


async def test_who_may_get_money_back_is_not_forgotten(ledger: Ledger) -> None:
    """A stranger who chooses another currency sends it back: to a forgotten member it would be lost."""
    await ledger.transfer(ASHA, STRANGER, ugx(3000), pin=PIN, key="t")
    await ledger.transfer(ASHA, STRANGER, ugx(2000), pin=PIN, key="t2")
    await empty(ledger, ASHA, BINTA)
    why = await told(ledger, ASHA)
    assert why == "UGX 5,000 that was sent from this number was not claimed yet."

    await register(ledger, STRANGER, currency="KES")
    assert await told(ledger, ASHA) == "There is UGX 5,000 on the account. Send it elsewhere first."


async def test_who_paid_somebody_that_claimed_it_is_forgotten(ledger: Ledger) -> None:
    await ledger.transfer(ASHA, STRANGER, ugx(3000), pin=PIN, key="t")
    await empty(ledger, ASHA, BINTA)
    await register(ledger, STRANGER)
    await ledger.forget(ASHA)
    assert await ledger.account(ASHA) is None


async def test_of_several_numbers_all_are_forgotten_or_none(ledger: Ledger) -> None:
    await empty(ledger, ASHA, BINTA)
    assert "on the account" in await told(ledger, ASHA, BINTA)
    assert await ledger.account(ASHA) is not None


async def test_a_forgotten_member_is_nowhere_to_be_found(ledger: Ledger, records: Records) -> None:
    await ledger.propose_pin(CHIDI, PIN, key="p")
    done(await ledger.open_account(CHIDI, "Chidi Achebe", "UGX", PIN, key="o"))
    await ledger.transfer(CHIDI, BINTA, ugx(2000), pin=PIN, key="out")
    await ledger.transfer(ASHA, CHIDI, ugx(3000), pin=PIN, key="in")
    await ledger.statement(CHIDI, PIN, key="s")
    await ledger.statement(ASHA, PIN, key="of Asha")
    change = done(await ledger.begin_pin_change(CHIDI, PIN, key="b"))
    await ledger.propose_pin(CHIDI, NEW, change=change, key="n")
    all_but_fee = await held(ledger, CHIDI) - 1000
    await ledger.transfer(CHIDI, BINTA, ugx(all_but_fee), pin=PIN, key="all")
    fingerprints = await keys_with_a_fingerprint(records)
    assert CHIDI in await everything_in(records)

    await ledger.forget(CHIDI)

    left = await everything_in(records)
    assert CHIDI not in left
    assert CHIDI[1:] not in left
    assert "Achebe" not in left
    gone = fingerprints - await keys_with_a_fingerprint(records)
    assert {"p", "o", "out", "in", "s", "b", "n", "all"} <= gone
    assert "of Asha" not in gone
    assert await ledger.account(CHIDI) is None


async def keys_with_a_fingerprint(records: Records) -> set[str]:
    def look(connection: Connection) -> set[str]:
        found = text("SELECT key FROM wallet_keys WHERE request IS NOT NULL AND request <> 'forgotten'")
        return set(connection.execute(found).scalars())

    return await records.read(look)


async def test_the_books_and_what_others_are_told_stay_whole(ledger: Ledger) -> None:
    await ledger.transfer(ASHA, BINTA, ugx(2000), pin=PIN, key="t")
    before = await ledger.find("t")
    await empty(ledger, BINTA, ASHA)
    payments = (await ledger.audit()).payments

    await ledger.forget(BINTA)

    audit = await ledger.audit()
    assert audit.right
    assert audit.payments == payments
    after = await ledger.find("t")
    assert isinstance(before, Done)
    assert isinstance(after, Done)
    assert isinstance(before.result, Receipt)
    assert isinstance(after.result, Receipt)
    assert (after.result.ref, after.result.amount) == (before.result.ref, before.result.amount)
    assert (before.result.to, after.result.to) == (BINTA, "")
    shown = done(await ledger.statement(ASHA, PIN, key="s"))
    assert isinstance(shown, Statement)
    assert [(each.kind, each.party, each.name) for each in shown.movements] == [
        ("received", "", ""),
        ("sent", "", ""),
        ("gift", "", ""),
    ]


async def test_who_paid_a_forgotten_member_is_told_so_and_pays_once(ledger: Ledger) -> None:
    """The same key again, as after a lost answer: refusing it would say that nothing was paid."""
    paid = done(await ledger.transfer(BINTA, ASHA, ugx(2000), pin=PIN, key="t"))
    await empty(ledger, ASHA, BINTA)
    await ledger.forget(ASHA)
    again = done(await ledger.transfer(BINTA, ASHA, ugx(2000), pin=PIN, key="t"))
    assert (again.ref, again.amount, again.to) == (paid.ref, paid.amount, "")
    assert (await ledger.audit()).payments == 2


async def test_a_key_of_a_forgotten_member_is_nobodys(ledger: Ledger) -> None:
    done(await ledger.balance(ASHA, PIN, key="b"))
    await empty(ledger, ASHA, BINTA)
    await ledger.forget(ASHA)
    await register(ledger, ASHA)
    for member in (ASHA, BINTA):
        assert code(await ledger.balance(member, PIN, key="b")) is ErrorCode.REJECTED


async def test_the_number_may_open_an_account_again(ledger: Ledger) -> None:
    await empty(ledger, ASHA, BINTA)
    await ledger.forget(ASHA)
    await register(ledger, ASHA, currency="KES")

    assert await ledger.account(ASHA) == Account(number=ASHA, name="M 1", currency="KES", locked=False)
    shown = done(await ledger.statement(ASHA, PIN, key="s"))
    assert [each.kind for each in shown.movements] == ["gift"]
    assert done(await ledger.balance(ASHA, PIN, key="b")).amount == Amount("KES", GIFT)


async def test_who_only_proposed_a_pin_or_nobody_at_all_is_forgotten_too(
    ledger: Ledger, records: Records
) -> None:
    await ledger.propose_pin(STRANGER, PIN, key="p")
    await ledger.forget(STRANGER, "+256700000077")
    await ledger.forget(STRANGER)
    assert STRANGER not in await everything_in(records)


@ON_BOTH
async def test_who_is_paid_while_they_are_forgotten_is_one_or_the_other(tmp_path: Path) -> None:
    """Two processes: the money is on an account that is there, or waits for whoever opens one next."""
    async with a_ledger(tmp_path, gift=None) as ledger, a_ledger(tmp_path) as other:
        await register(other, ASHA)
        for n in range(12):
            await register(ledger, CHIDI)
            paying = asyncio.create_task(other.transfer(ASHA, CHIDI, ugx(600), pin=PIN, key=a_key()))
            for _ in range(n):
                await asyncio.sleep(0)
            with contextlib.suppress(RefusedError):
                await ledger.forget(CHIDI)
            assert isinstance(await paying, Done)

            assert (await ledger.audit()).right
            if await ledger.account(CHIDI) is None:
                await register(ledger, CHIDI)
            assert await held(ledger, CHIDI) == 600
            done(await ledger.transfer(CHIDI, ASHA, ugx(500), pin=PIN, key=a_key()))
            await ledger.forget(CHIDI)
