"""The wallet as it is served: its secret keys, its settings, a member who is erased."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from kikao.config import load
from kikao.conversation.errors import RefusedError
from kikao.records import Records
from kikao.testing import Stage
from kikao_apps.wallet import operations
from kikao_apps.wallet.bank import Bank
from kikao_apps.wallet.ledger import Ledger
from kikao_apps.wallet.service import erase, services
from tests.wallet.ledgers import ASHA, BINTA, PIN, a_key, done, register, ugx


async def test_pins_are_hashed_with_the_first_of_the_secret_keys(tmp_path: Path) -> None:
    settings = load({"KIKAO_DATA": str(tmp_path / "data")}, tmp_path, makes_keys=True)
    async with services(settings) as served:
        await register(bank_in(served), ASHA)
    records = Records(settings.records)
    assert await operations.pins_per_key(records) == dict.fromkeys(list(settings.secret_keys)[:1], 1)
    await records.close()


async def test_in_production_nobody_gets_money_for_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    keys = "k1:" + "Zm9yIHRlc3RzLCBub3QgcmFuZG9tIGVub3VnaCEhISE="
    for env, held in (("dev", 100_000), ("production", 0)):
        settings = load(
            {
                "KIKAO_DATA": str(data / env),
                "KIKAO_ENV": env,
                "KIKAO_SECRET_KEYS": keys,
                "KIKAO_USSD_AFRICASTALKING_TOKEN": "0123456789abcdefXYZ",
            },
            tmp_path,
        )
        async with services(settings) as served:
            bank = bank_in(served)
            await register(bank, ASHA)
            assert done(await bank.balance(ASHA, PIN, key=a_key())).amount == ugx(held)


async def test_a_member_is_erased_with_all_their_numbers_or_not_at_all(tmp_path: Path) -> None:
    settings = load({"KIKAO_DATA": str(tmp_path / "data")}, tmp_path, makes_keys=True)
    async with services(settings) as served:
        bank = bank_in(served)
        await register(bank, ASHA, BINTA)
        done(await bank.transfer(ASHA, BINTA, ugx(99_000), pin=PIN, key=a_key()))
        with pytest.raises(RefusedError):
            await erase(served, [ASHA, BINTA])
        assert await bank.account(ASHA) is not None
        await erase(served, [ASHA])
        assert await bank.account(ASHA) is None


async def test_the_service_of_the_guide_has_its_own_phone_number(tmp_path: Path) -> None:
    """What the how-to guide shows runs as it stands there."""
    guide = Path(__file__).parents[2] / "docs" / "how-to" / "run-the-wallet.md"
    (code,) = re.findall(
        r"^```python\n(.*?)^```$", guide.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    names: dict[str, Any] = {}
    exec(compile(code, guide.name, "exec"), names)  # our own guide
    async with Stage(names["app"]) as stage:
        ledger = stage.service(Bank).real
        assert isinstance(ledger, Ledger)
        await register(ledger, ASHA)
        asha = stage.phone(ASHA)
        await asha.dial()
        assert (await asha.reply("1", "6")).startswith("Help: call 0800 123 456.")


def bank_in(served: object) -> Ledger:
    assert isinstance(served, dict)
    bank = served[Bank]
    assert isinstance(bank, Ledger)
    return bank
