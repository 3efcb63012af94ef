"""Time in the simulator: moved forward, between what phones do, and kept."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from kikao.config import SecretKeys
from kikao.console.simulator.clock import FARTHEST
from kikao.console.simulator.phone import REMEMBERED
from kikao.testing import Stage
from kikao.testing.timers import let_pass
from tests.console.simulator.apps import settings
from tests.console.table import Table
from tests.testing.shop import HOW_MANY, PIN, Till, an_app


async def test_a_session_expires_when_time_is_moved(shop: Table) -> None:
    phone = await shop.phone()
    await phone.dial()
    await phone.answer("2")
    before = phone.step["conversation"]["session"]
    clock = (await shop.get("/setup"))["clock"]

    after = await shop.post("/clock", advance=299)
    assert after["offset"] == 299
    assert after["now"] >= clock["now"] + 299
    assert not (await phone.look())["session"]["expired"]
    await shop.post("/clock", advance=2)
    assert (await phone.look())["session"]["expired"]
    await shop.post("/clock", advance=300)

    assert (await phone.look())["session"] is None, "the sweeper looked"
    assert await phone.dial() == HOW_MANY
    assert phone.step["conversation"]["session"]["created"] > before["created"]


async def test_an_answer_after_the_session_expired_is_told_so(shop: Table) -> None:
    phone = await shop.phone("nalo")
    await phone.dial()
    await shop.post("/clock", advance=86400)
    assert "expired" in await phone.answer("2")


@pytest.mark.parametrize("seconds", [-1, -1e-9, 1e300, 400 * 86400 * 366])
async def test_time_goes_forward_and_not_too_far(shop: Table, seconds: float) -> None:
    assert await shop.error("/clock", {"advance": seconds})
    assert (await shop.get("/setup"))["clock"]["offset"] == 0


async def test_time_is_moved_between_what_phones_do() -> None:
    async with Stage(an_app(), budget=10) as stage:
        table = Table(stage.server)
        phone = await table.phone()
        await phone.dial()
        await phone.answer("2")
        slow = stage.service(Till).slow("pay")
        paying = asyncio.create_task(phone.answer(PIN))
        await slow.began.wait()
        moving = asyncio.create_task(table.post("/clock", advance=3600))
        for _ in range(20):
            await asyncio.sleep(0)
        assert (await table.get("/setup"))["clock"]["offset"] == 0
        slow.release()

        assert await paying == "2 cups sold. Ref S1"
        assert (await moving)["offset"] == 3600


async def test_a_request_is_forgotten_after_a_while(shop: Table) -> None:
    phone = await shop.phone()
    await phone.dial()
    await phone.answer("2")
    let_pass(REMEMBERED + 1)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert await shop.error(f"/phones/{phone.id}/again", {}, status=409)
    assert await phone.answer(PIN) == "2 cups sold. Ref S1", "the dialogue goes on"


async def test_the_last_second_of_ten_years(shop: Table) -> None:
    phone = await shop.phone("nalo")
    await phone.dial()
    await shop.post("/clock", advance=FARTHEST)
    await phone.dial("")
    await phone.answer("x")
    told = await shop.error(f"/phones/{phone.id}/answer", {"text": "x"}, status=409)
    assert told == "the clock can be ten years ahead, no more"


async def test_a_clock_that_cannot_be_kept(tmp_path: Path) -> None:
    own = settings(tmp_path)
    own.data.mkdir()
    (own.data / ".simulated-clock").mkdir()
    keyed = msgspec.structs.replace(own, secret_keys=SecretKeys({"k": bytes(range(32))}))
    async with an_app().serving(keyed, background=False, door=False) as server:
        told = await Table(server).error("/clock", {"advance": 5}, status=503)
        assert told == "the clock cannot be kept in the data folder (Is a directory)"


async def test_time_goes_on_where_it_was_when_the_server_starts_again(tmp_path: Path) -> None:
    keyed = msgspec.structs.replace(settings(tmp_path), secret_keys=SecretKeys({"k": bytes(range(32))}))
    keyed.data.mkdir()
    for offset in (0, 5):
        async with an_app().serving(keyed, background=False, door=False) as server:
            assert (await Table(server).get("/setup"))["clock"]["offset"] == offset
            await Table(server).post("/clock", advance=5)
