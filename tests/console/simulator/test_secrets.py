"""Secrets in the simulator: what is typed where one may be asked for is shown nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from kikao.console.simulator.views import MASK
from kikao.testing import Stage
from tests.console.simulator.apps import CANARY, ENTER_PIN, GATEWAYS, settings
from tests.console.table import Table
from tests.testing.shop import HOW_MANY, an_app
from tests.wallet.town import Town


@pytest.mark.parametrize("endpoint", GATEWAYS)
async def test_a_pin_is_in_nothing_that_the_simulator_says(endpoint: str) -> None:
    async with Town() as stage:
        town = Table(stage.server)
        await use_two_pins(town, endpoint)
        for pin in (CANARY, "8642"):
            assert not town.told(pin)
            assert not await stage.holds(pin), "a session or an event has it"
        assert town.told(MASK)
        told = await town.transcript()
        assert "Asha answers their PIN." in told
        assert "Asha's second PIN is ____." in told


async def use_two_pins(town: Table, endpoint: str) -> None:
    """Register with one PIN, change it to the other, and look at everything."""
    phone = await town.phone(endpoint)
    await phone.dial()
    await phone.answer("1", "Amina", "1", CANARY, CANARY)
    assert "Hello Amina." in phone.step["screen"]
    await phone.again()
    await phone.dial()
    await phone.answer("2", "4", CANARY, "8642")
    await phone.look()
    await phone.hang_up()
    await phone.again()
    await town.get("/phones")
    await town.transcript()


async def test_a_command_on_a_screen_for_a_secret_is_shown(shop: Table) -> None:
    phone = await shop.phone()
    await phone.dial()
    await phone.answer("2", "0")
    assert phone.step["request"]["body"].endswith("text=2%2A0")
    assert not phone.step["hidden"]
    assert phone.step["screen"] == HOW_MANY


async def test_a_pin_typed_on_an_old_screen_is_not_shown(shop: Table) -> None:
    one, other = await shop.phone(), await shop.phone()
    await one.dial()
    await one.answer("2")
    await other.dial()

    await one.answer(CANARY)

    assert one.step["request"]["body"].endswith(f"text=2%2A{MASK}")
    assert one.step["hidden"]


async def test_a_pin_typed_before_the_screen_that_another_phone_brought_is_not_shown(shop: Table) -> None:
    one, other = await shop.phone("nalo"), await shop.phone("nalo")
    await one.dial()
    await other.dial()
    await other.answer("2")
    assert other.step["secret"]
    assert not one.step["secret"]

    await one.answer(CANARY)

    assert one.step["hidden"]
    assert not shop.told(CANARY)


@pytest.mark.parametrize("ahead", [f"2*{CANARY}", f"2*{CANARY}*1", f"12*2*{CANARY}"])
async def test_of_a_long_dial_only_what_was_taken_is_shown(shop: Table, ahead: str) -> None:
    phone = await shop.phone()
    await phone.dial(ahead)
    first, *dropped = ahead.split("*")
    masks = "".join(f"%2A{MASK}" for _ in dropped)
    assert phone.step["request"]["body"].endswith(f"text={first}{masks}")
    assert await shop.transcript()
    assert not shop.told(CANARY)


async def test_a_long_dial_that_was_taken_whole_is_shown(tmp_path: Path) -> None:
    own = settings(tmp_path, USSD_NALO_CODE="*920*1806#")
    async with Stage(an_app(), own) as stage:
        table = Table(stage.server)
        phones = [await table.phone(endpoint) for endpoint in GATEWAYS]
        for phone in phones:
            assert await phone.dial("2") == ENTER_PIN
            assert phone.step["secret"]
        assert '"USERDATA":"*920*1806*2#"' in phones[1].step["request"]["body"]
        assert "Asha dials 2." in await table.transcript()


async def test_a_store_that_is_away_hides_everything_that_is_typed() -> None:
    async with Stage(an_app()) as stage:
        table = Table(stage.server)
        phone = await table.phone()
        await phone.dial()
        stage.faults.unavailable = True

        assert "Service unavailable" in await phone.answer("2")

        assert phone.step["request"]["body"].endswith(f"text={MASK}"), "nobody can say what was asked for"
        assert phone.step["conversation"]["problem"]
        assert (await phone.look())["problem"]
