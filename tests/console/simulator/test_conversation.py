"""The conversation behind a phone, as the engine sees it."""

from __future__ import annotations

import asyncio

from kikao.testing import Stage
from kikao.testing.timers import let_pass
from kikao.turn import RESERVE
from tests.console.simulator.apps import CANARY
from tests.console.table import Table
from tests.testing.shop import CLOSING, PIN, MemoryTill, Till, an_app


async def test_before_the_first_dial_there_is_nothing_to_see(shop: Table) -> None:
    phone = await shop.phone()
    assert (await phone.look())["session"] is None
    assert await shop.error(f"/phones/{phone.id}/again", {}, status=409)


async def test_the_conversation_as_the_engine_sees_it(shop: Table) -> None:
    phone = await shop.phone()
    await phone.dial()
    await phone.answer("2", "1111")
    seen = await phone.look()
    assert seen == phone.step["conversation"]
    assert seen["flow"] == "buy"
    assert seen["journal"] == [
        {"key": "price#1", "kind": "read", "barrier": False, "value": 300},
        {"key": "cups#1", "kind": "ask", "barrier": False, "value": 2},
    ]
    assert seen["pending"]["key"] == "pin#1"
    assert seen["pending"]["error"]
    session = seen["session"]
    assert session["policy"]["idle"] == 300.0
    assert session["idle_expires"] == session["seen"] + 300.0
    assert (len(session["key"]), session["expired"]) == (12, False)

    assert await phone.answer(PIN) == "2 cups sold. Ref S1"

    assert not phone.step["alive"]
    assert (phone.step["options"], phone.step["conversation"]["pending"]) == ([], None)


async def test_what_came_from_a_secret_is_absent(town: Table) -> None:
    phone = await town.phone()
    await phone.dial()
    await phone.answer("1", "Amina", "1", CANARY)

    pin = next(line for line in phone.step["conversation"]["journal"] if line["kind"] == "secret")

    assert pin == {"key": "register#1/pin#1", "kind": "secret", "barrier": True, "absent": True}


async def test_an_effect_that_runs_keeps_its_lease_when_time_is_moved() -> None:
    till = MemoryTill()
    async with Stage(an_app(till)) as stage:
        table = Table(stage.server)
        phone = await table.phone()
        await phone.dial()
        await phone.answer("2")
        slow = stage.service(Till).slow("pay")
        paying = asyncio.create_task(phone.answer(PIN))
        await slow.began.wait()
        let_pass(stage.server.turns.budget * (1 - RESERVE))
        assert await paying == CLOSING
        (intent,) = phone.step["conversation"]["intents"]
        assert (intent["key"], intent["kind"], intent["at_work"]) == ("pin#1", "secret", True)
        asked = till.asked

        await table.post("/clock", advance=3600)

        assert await table.error("/clock", {"advance": -1})
        assert till.asked == asked, "recovery asks about effects that nobody follows"
        assert (await phone.look())["intents"][0]["at_work"]
        slow.release()
        await stage.settle()
        assert "2 cups sold. Ref S1" in await phone.dial()
