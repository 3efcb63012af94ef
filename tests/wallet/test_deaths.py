"""The wallet's process is killed at each write of a payment."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from kikao.testing import DROPPED
from tests.wallet.ledgers import BINTA
from tests.wallet.town import PIN, Town


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    async with Town() as place:
        yield place


@pytest.mark.parametrize("call", ["claim", "intent", "commit"])
@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
async def test_a_payment_is_made_once_whenever_the_process_dies(
    town: Town, call: str, *, before: bool
) -> None:
    asha = await town.member()
    await asha.reply("1", BINTA, "5000", "1")
    town.crash_at(call, before=before)

    assert await asha.reply(PIN) == DROPPED
    await town.restart()

    screen = await asha.again()
    if not asha.ended:  # the process died before it took the PIN to the bank: enter it (again)
        screen = await asha.reply(*["5000", "1"][: 2 * ("amount" in screen)], PIN)
    assert "You sent UGX 5,000" in screen or "You sent UGX 5,000" in await asha.dial()
    assert await town.payments() == 1
