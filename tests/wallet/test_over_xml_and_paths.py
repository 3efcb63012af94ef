"""The wallet over Comviva's XML and over Infobip's paths, on the worst day of their lines.

Neither has an id for a message: the same answer is a copy within a second, and what moves money has keys of its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kikao.channels.ussd.registry import OPTIONS
from kikao.config import load
from kikao.testing import DROPPED, Clock, Phone, Stage
from kikao_apps.wallet import app
from tests.http.phones import register
from tests.wallet.ledgers import ASHA, BINTA, services_of
from tests.wallet.staging import ledger_of
from tests.wallet.town import MENU, PIN

CONTINUE = "Continue where you stopped?\n1 Continue\n2 Start again"
AMOUNT = "Enter the amount (UGX)"
SURE = "Send UGX 5,000 to Binta, +256700000002? Fee UGX 100\n1 Confirm"
ENTER = "Enter your PIN"
SENT = "You sent UGX 5,000 to +256700000002."
LATER = "Request received."

both = pytest.mark.parametrize("gateway", ["comviva_xml", "infobip"])


@asynccontextmanager
async def a_day(gateway: str, folder: Path) -> AsyncIterator[tuple[Stage, Phone]]:
    """The wallet, and the phone of Asha, who has an account as Binta has; the books have to be right in the end."""
    clock = Clock()
    settings = load({f"KIKAO_USSD_{gateway.upper()}_CODE": "*284#"}, folder, gateways=OPTIONS)
    async with Stage(app, settings, services=services_of(clock), clock=clock) as stage:
        asha, binta = (stage.phone(number, gateway=gateway) for number in (ASHA, BINTA))
        for phone, name in ((asha, "Asha"), (binta, "Binta")):
            assert MENU in await register(phone, name, PIN)
            await phone.hang_up()
        clock.advance(700)
        yield stage, asha
        assert not await stage.holds(PIN)


async def payments(stage: Stage) -> int:
    books = await ledger_of(stage).audit()
    assert books.right, books
    return books.payments


@both
async def test_a_payment_is_made_once_and_every_answer_is_heard_once(gateway: str, tmp_path: Path) -> None:
    async with a_day(gateway, tmp_path) as (stage, asha):
        assert MENU in await asha.dial()
        assert MENU in await asha.again(), "the start comes twice"
        await asha.reply("1", BINTA)
        assert asha.screen.startswith(AMOUNT)
        late = asha.later("777")
        await asha.drop()
        assert await asha.dial() == CONTINUE
        assert (await late.arrives()).startswith(CONTINUE), "of the dialogue before: no answer"
        assert (await asha.reply("1")).startswith(AMOUNT)
        assert (await asha.reply("5000")).startswith(SURE)
        assert (await asha.again()).startswith(SURE), "a copy at once"
        assert (await asha.reply("1")).startswith(ENTER)

        pin = asha.later(PIN)
        await asha.hang_up()
        assert await asha.dial() == CONTINUE
        assert (await pin.arrives()).startswith(CONTINUE), "a PIN from the dialogue before pays nothing"
        assert (await asha.reply("1")).startswith(AMOUNT), "never straight to a PIN"
        await asha.reply("5000", "1")
        assert await payments(stage) == 0
        stage.crash_at("commit", before=False)
        assert await asha.reply(PIN) == DROPPED
        await stage.restart()
        assert (await asha.again()).startswith(SENT), "the provider asks once more"
        assert await payments(stage) == 1
        paid = asha.raw
        await asha.again()
        assert asha.raw == paid

        stage.clock.advance(30)
        assert await asha.dial() != CONTINUE
        assert {each.partition("\n")[0] for each in await asha.crossed("1", "1")} == {
            "Enter the recipient's phone number"
        }
        assert await payments(stage) == 1


@both
async def test_a_bank_that_is_slow_is_answered_for_at_the_next_dial(gateway: str, tmp_path: Path) -> None:
    async with a_day(gateway, tmp_path) as (stage, asha):
        assert (await asha.dial(f"1*{BINTA[1:]}*5000")).startswith(SURE)
        await asha.reply("1")
        bank = stage.service_called("bank")
        bank.slow("transfer")
        assert (await asha.reply(PIN)).startswith(LATER)
        assert asha.ended
        assert (await asha.again()).startswith(LATER), "the same bytes"
        bank.well()
        await stage.settle()
        stage.clock.advance(5)
        assert SENT in await asha.dial()
        assert await payments(stage) == 1


async def test_a_start_that_comes_again_minutes_later_moves_nothing(tmp_path: Path) -> None:
    async with a_day("infobip", tmp_path) as (stage, asha):
        await asha.dial()
        start = asha.exchange
        await asha.reply("1", BINTA, "5000")
        for _ in range(3):
            stage.clock.advance(60)
            assert (await asha.send(start)).startswith(SURE)
        assert (await asha.reply("1")).startswith(ENTER)
        assert ENTER in await asha.send(start)
        assert (await asha.reply(PIN)).startswith(SENT)
        assert await payments(stage) == 1
