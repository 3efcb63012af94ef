"""Phones in the simulator: on both gateways, with the wallet and with a shop."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from kikao.testing import Stage
from tests.console.table import Table
from tests.testing.shop import CONTINUE, HOW_MANY, PIN, an_app
from tests.wallet.town import Town

GATEWAYS = ("africa-s-talking", "nalo")


@pytest.fixture
async def shop() -> AsyncIterator[Table]:
    async with Stage(an_app()) as stage:
        yield Table(stage.server)


@pytest.fixture
async def town() -> AsyncIterator[Table]:
    async with Town() as stage:
        yield Table(stage.server)


@pytest.mark.parametrize("endpoint", GATEWAYS)
async def test_a_member_of_the_wallet_registers(town: Table, endpoint: str) -> None:
    phone = await town.phone(endpoint)
    assert await phone.dial() == "Choose language\n1 English\n2 Luganda\n3 Kiswahili"
    assert "Enter the PIN again" in await phone.answer("1", "Amina", "1", PIN)
    assert phone.step["secret"]

    assert "Hello Amina. Choose an option.\n1 Send money" in await phone.answer(PIN)

    assert phone.step["options"][:2] == [
        {"key": "1", "label": "Send money"},
        {"key": "2", "label": "Balance"},
    ]
    assert phone.step["navigation"] == [{"key": "00", "label": "Home"}]
    assert not any(PIN in answer.body.decode() for answer in town.answers)


@pytest.mark.parametrize("endpoint", GATEWAYS)
async def test_a_redial_after_the_line_dropped_offers_to_go_on(shop: Table, endpoint: str) -> None:
    phone = await shop.phone(endpoint)
    assert await phone.dial() == HOW_MANY
    await phone.answer("2")
    await phone.drop()
    assert (phone.step["alive"], phone.step["request"], phone.step["status"]) == (False, None, 0)

    assert await phone.dial() == CONTINUE

    assert phone.step["conversation"]["overlay"] == "resume"
    assert not phone.step["secret"], "the engine's own question stands before that for the PIN"
