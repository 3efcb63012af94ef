"""Three wrong PINs lock an account, however they come; and a PIN is nowhere to be seen."""

from __future__ import annotations

import asyncio
import logging
import traceback
from pathlib import Path

import pytest

from kikao.conversation.errors import ErrorCode
from kikao.conversation.outcomes import Done, Refused
from kikao.conversation.secrets import Secret
from kikao.i18n.messages import tn
from kikao_apps.wallet.ledger import Ledger
from kikao_apps.wallet.pins import PinHash, Pins, PinsBusy
from tests.databases import ON_BOTH, POSTGRESQL
from tests.wallet.ledgers import (
    ASHA,
    BINTA,
    GIFT,
    PIN,
    WRONG,
    StallingPins,
    a_key,
    a_ledger,
    cheap_pins,
    held,
    register,
    ugx,
)

LOCKED = Refused(ErrorCode.LOCKED)


def tries_left(n: int) -> Refused:
    return Refused(ErrorCode.WRONG_SECRET, tn("Wrong PIN. {n} try left.", "Wrong PIN. {n} tries left.", n))


async def test_the_third_wrong_pin_locks_the_account(ledger: Ledger) -> None:
    answers = [await ledger.balance(ASHA, WRONG, key=a_key()) for _ in range(4)]
    assert answers == [tries_left(2), tries_left(1), LOCKED, LOCKED]
    assert await ledger.balance(ASHA, PIN, key=a_key()) == LOCKED
    assert await ledger.transfer(ASHA, BINTA, ugx(1000), pin=PIN, key=a_key()) == LOCKED

    account = await ledger.account(ASHA)
    assert account is not None
    assert account.locked


async def test_tries_are_counted_over_all_kinds_of_calls(ledger: Ledger) -> None:
    assert await ledger.balance(ASHA, WRONG, key=a_key()) == tries_left(2)
    assert await ledger.transfer(ASHA, BINTA, ugx(1000), pin=WRONG, key=a_key()) == tries_left(1)
    assert await ledger.transfer(ASHA, BINTA, ugx(1), pin=WRONG, key=a_key()) == LOCKED


async def test_a_right_pin_forgives(ledger: Ledger) -> None:
    for _ in range(3):
        assert await ledger.balance(ASHA, WRONG, key=a_key()) == tries_left(2)
        assert await ledger.balance(ASHA, WRONG, key=a_key()) == tries_left(1)
        assert isinstance(await ledger.balance(ASHA, PIN, key=a_key()), Done)


async def test_a_right_pin_forgives_even_when_the_money_does_not_suffice(ledger: Ledger) -> None:
    await ledger.balance(ASHA, WRONG, key=a_key())
    await ledger.balance(ASHA, WRONG, key=a_key())
    poor = await ledger.transfer(ASHA, BINTA, ugx(GIFT), pin=PIN, key=a_key())
    assert poor == Refused(ErrorCode.INSUFFICIENT_BALANCE)
    assert await ledger.balance(ASHA, WRONG, key=a_key()) == tries_left(2)


async def test_a_locked_member_can_still_be_paid(ledger: Ledger) -> None:
    for _ in range(3):
        await ledger.balance(BINTA, WRONG, key=a_key())
    assert isinstance(await ledger.transfer(ASHA, BINTA, ugx(1000), pin=PIN, key=a_key()), Done)


async def test_the_count_outlives_the_bank(tmp_path: Path) -> None:
    async with a_ledger(tmp_path) as ledger:
        await register(ledger, ASHA)
        await ledger.balance(ASHA, WRONG, key=a_key())
        await ledger.balance(ASHA, WRONG, key=a_key())
    async with a_ledger(tmp_path) as restarted:
        assert await restarted.balance(ASHA, WRONG, key=a_key()) == LOCKED


@ON_BOTH
async def test_guessing_in_parallel_gains_nothing(tmp_path: Path, ledger: Ledger) -> None:
    """Forty guesses from two processes at once: three are judged, the rest find the account locked."""
    async with a_ledger(tmp_path) as other:
        answers = await asyncio.gather(
            *[(ledger, other)[n % 2].balance(ASHA, Secret(f"{n:04}"), key=a_key()) for n in range(40)]
        )
    assert sorted(answers, key=str) == sorted([tries_left(2), tries_left(1), *[LOCKED] * 38], key=str)


async def test_a_right_pin_that_was_compared_before_the_lock_comes_too_late(tmp_path: Path) -> None:
    stalling = StallingPins()
    async with a_ledger(tmp_path) as ledger, a_ledger(tmp_path, pins=stalling) as stalled:
        await register(ledger, ASHA)
        call = asyncio.create_task(stalled.transfer(ASHA, BINTA, ugx(1000), pin=PIN, key="t"))
        await stalling.compared.wait()
        for _ in range(3):
            await ledger.balance(ASHA, WRONG, key=a_key())
        stalling.go_on.set()
        assert await call == LOCKED


# --- hashing ---


async def test_a_hash_is_worth_nothing_in_another_row_or_with_another_pepper() -> None:
    pins, others = cheap_pins({"k1": b"salt is not enough"}), cheap_pins({"k1": b"another pepper"})
    stored = await pins.hash(ASHA, PIN)
    assert stored.hash.startswith("$argon2id$")
    assert await pins.verify(ASHA, PIN, stored)
    assert not await pins.verify(ASHA, WRONG, stored)
    assert not await pins.verify(BINTA, PIN, stored)
    assert not await pins.verify(ASHA, PIN, PinHash(stored.hash))
    assert not await others.verify(ASHA, PIN, stored)
    pins.close()
    others.close()


async def test_without_a_stored_pin_no_pin_is_right() -> None:
    pins = cheap_pins()
    assert not await pins.verify(ASHA, Secret("nobody's PIN"), None)
    pins.close()


async def test_the_default_work_is_that_of_the_documentation() -> None:
    pins = Pins()
    assert "$argon2id$v=19$m=14336,t=2,p=1$" in (await pins.hash(ASHA, PIN)).hash
    pins.close()


async def test_one_pin_too_many_is_told_to_try_again() -> None:
    pins = cheap_pins(workers=1, queue=3)
    answers = await asyncio.gather(*[pins.hash(ASHA, PIN) for _ in range(6)], return_exceptions=True)
    assert [isinstance(answer, PinsBusy) for answer in answers] == [False] * 4 + [True] * 2
    assert await pins.hash(ASHA, PIN)
    pins.close()


async def test_a_busy_bank_refuses_and_counts_no_try(tmp_path: Path) -> None:
    async with a_ledger(tmp_path, pins=cheap_pins(workers=1, queue=1)) as ledger:
        await register(ledger, ASHA)
        calls = [ledger.transfer(ASHA, BINTA, ugx(500), pin=PIN, key=f"t{n}") for n in range(30)]
        answers = await asyncio.gather(*calls)
        busy = [answer for answer in answers if isinstance(answer, Refused)]
        assert {answer.code for answer in busy} == {ErrorCode.BACKEND_UNAVAILABLE}
        assert await held(ledger, ASHA) == GIFT - 600 * (30 - len(busy))


async def test_hashing_leaves_the_event_loop_free() -> None:
    pins = Pins(memory_kib=64 * 1024, passes=3, workers=1)
    hashing = asyncio.create_task(pins.hash(ASHA, PIN))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 10
    pins.close()


# --- where a PIN must not be ---

CANARY = Secret("83190274")


@pytest.mark.skipif(bool(POSTGRESQL), reason="reads the files of SQLite")
async def test_no_file_holds_a_pin(tmp_path: Path) -> None:
    async with a_ledger(tmp_path) as ledger:
        await ledger.propose_pin(BINTA, CANARY, key="p")
        await register(ledger, ASHA, pin=CANARY)
        await ledger.transfer(ASHA, BINTA, ugx(1000), pin=CANARY, key="t")
        await ledger.balance(ASHA, CANARY, key="b")
        await ledger.find("x")
        written = contents_of(tmp_path / "bank")
    assert b"$argon2id$" in written
    assert ASHA.encode() in written
    assert CANARY.reveal().encode() not in written
    assert CANARY.reveal().encode() not in contents_of(tmp_path / "bank")


async def test_no_result_exception_or_log_shows_a_pin(
    ledger: Ledger, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    shown = [repr(await ledger.transfer(ASHA, BINTA, ugx(1000), pin=CANARY, key="t"))]
    shown.append(repr(await ledger.propose_pin("+256700000077", CANARY, key="p")))

    def broken(*_: object) -> None:
        raise RuntimeError("the hasher broke")

    monkeypatch.setattr("argon2.PasswordHasher.verify", broken)
    with pytest.raises(RuntimeError) as caught:
        await ledger.balance(ASHA, CANARY, key="b")
    shown += traceback.TracebackException.from_exception(caught.value, capture_locals=False).format()

    assert CANARY.reveal() not in "".join([*shown, caplog.text])


def contents_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))
