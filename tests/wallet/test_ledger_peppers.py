"""PINs are hashed with a pepper of the secret keys, and stay right while keys are replaced."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from sqlalchemy import text

from kikao.conversation.errors import ErrorCode
from kikao.conversation.outcomes import Done, Refused
from kikao_apps.wallet import operations
from kikao_apps.wallet.ledger import Ledger
from kikao_apps.wallet.pins import Pins, peppers
from tests.wallet.ledgers import (
    ASHA,
    BINTA,
    PIN,
    WRONG,
    a_key,
    a_ledger,
    cheap_pins,
    held,
    its_records,
    register,
)

OLD, NEW = b"o" * 32, b"n" * 32
AWAY = Refused(ErrorCode.BACKEND_UNAVAILABLE)


def with_keys(folder: Path, keys: Mapping[str, bytes]) -> AbstractAsyncContextManager[Ledger]:
    return a_ledger(folder, pins=cheap_pins(peppers(keys)))


async def per_key(folder: Path) -> dict[str, int]:
    async with its_records(folder) as records:
        return await operations.pins_per_key(records)


def test_a_pepper_tells_nothing_of_its_key_and_each_key_has_its_own() -> None:
    made = peppers({"k2": NEW, "k1": OLD})
    assert list(made) == ["k2", "k1"]
    assert len({*made.values(), OLD, NEW}) == 4
    assert made == peppers({"k2": NEW, "k1": OLD})


async def test_a_pin_moves_to_the_new_key_when_it_is_entered(tmp_path: Path) -> None:
    async with with_keys(tmp_path, {"k1": OLD}) as ledger:
        await register(ledger, ASHA, BINTA)
    async with with_keys(tmp_path, {"k2": NEW, "k1": OLD}) as ledger:
        assert isinstance(await ledger.balance(ASHA, WRONG, key=a_key()), Refused)
        assert await per_key(tmp_path) == {"k1": 2}
        assert await held(ledger, ASHA)
        assert await per_key(tmp_path) == {"k1": 1, "k2": 1}
        assert await held(ledger, ASHA)
    async with with_keys(tmp_path, {"k2": NEW}) as ledger:
        assert await held(ledger, ASHA)


async def test_pins_from_before_there_were_peppers_get_one(tmp_path: Path) -> None:
    async with a_ledger(tmp_path, pins=cheap_pins()) as ledger:
        await register(ledger, ASHA)
    assert await per_key(tmp_path) == {"": 1}
    async with with_keys(tmp_path, {"k1": OLD}) as ledger:
        assert await held(ledger, ASHA)
    assert await per_key(tmp_path) == {"k1": 1}


async def test_a_hash_with_less_work_than_today_is_made_anew(tmp_path: Path) -> None:
    async with a_ledger(tmp_path, pins=cheap_pins()) as ledger:
        await register(ledger, ASHA)
    assert "$m=8,t=1," in await stored_hash(tmp_path)
    async with a_ledger(tmp_path, pins=Pins(memory_kib=16, passes=1)) as ledger:
        assert await held(ledger, ASHA)
    assert "$m=16,t=1," in await stored_hash(tmp_path)


async def stored_hash(folder: Path) -> str:
    async with its_records(folder) as records:
        return str(await records.read(lambda c: c.execute(text("SELECT hash FROM wallet_pins")).scalar_one()))


async def test_without_its_key_a_pin_is_not_wrong_but_unavailable(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with with_keys(tmp_path, {"k1": OLD}) as ledger:
        await register(ledger, ASHA, BINTA)
    caplog.set_level(logging.ERROR)
    async with with_keys(tmp_path, {"k2": NEW}) as ledger:
        assert "2 PINs cannot be compared: the secret key 'k1' is not among KIKAO_SECRET_KEYS" in caplog.text
        caplog.clear()
        for _ in range(4):
            assert await ledger.balance(ASHA, PIN, key=a_key()) == AWAY
        assert "PINs hashed with secret key 'k1' cannot be compared" in caplog.text
        await register(ledger, "+256700000010")  # others are served
    async with with_keys(tmp_path, {"k2": NEW, "k1": OLD}) as ledger:
        assert isinstance(await ledger.balance(ASHA, PIN, key=a_key()), Done)  # and no try was counted


async def test_the_same_key_id_with_another_key_makes_every_pin_wrong(tmp_path: Path) -> None:
    """A key id is a promise: kikao's session store refuses such a key at the start, before anybody is locked."""
    async with with_keys(tmp_path, {"k1": OLD}) as ledger:
        await register(ledger, ASHA)
    async with with_keys(tmp_path, {"k1": NEW}) as ledger:
        refused = await ledger.balance(ASHA, PIN, key=a_key())
        assert isinstance(refused, Refused)
        assert refused.code is ErrorCode.WRONG_SECRET


async def test_many_calls_while_a_pin_moves_are_all_answered(tmp_path: Path) -> None:
    async with with_keys(tmp_path, {"k1": OLD}) as ledger:
        await register(ledger, ASHA)
    both = {"k2": NEW, "k1": OLD}
    async with with_keys(tmp_path, both) as one, with_keys(tmp_path, both) as two:
        answers = await asyncio.gather(
            *[(one, two)[n % 2].balance(ASHA, PIN, key=a_key()) for n in range(12)]
        )
    assert [type(answer) for answer in answers] == [Done] * 12
