"""What a server keeps of whoever sends a request, where links are followed as in a turn."""

from __future__ import annotations

import pytest

from kikao import App, SessionPolicy
from kikao.members.directory import Directory
from kikao.members.links import Links
from kikao.testing import Stage
from kikao.testing.looking import asks_secret, session_behind
from tests.testing.shop import MemoryTill, Till, an_app, flows_of

HOME, WORK = "+256772000001", "+256752000002"


async def test_whether_a_secret_is_asked_for() -> None:
    async with Stage(an_app()) as stage:
        asha = stage.phone()
        asha.exchange = asha.client.dial("x")
        assert await session_behind(stage.server, asha.gateway, asha.exchange) is None
        assert not asks_secret(None)
        for answer, expected in (("", False), ("3", True), ("2580", False)):
            await (asha.reply(answer) if answer else asha.dial())
            session = await session_behind(stage.server, asha.gateway, asha.exchange)
            assert asks_secret(session) is expected


async def test_the_session_of_a_linked_number_is_the_one_it_goes_on_with() -> None:
    app = App(flows_of(), entry="buy", policy=SessionPolicy.across_channels(), services={Till: MemoryTill()})
    async with Stage(app) as stage:
        home, work = stage.phone(HOME), stage.phone(WORK)
        await home.dial()
        await home.reply("3")
        directory, links = stage.server.services[Directory], stage.server.services[Links]
        known = await directory.show(HOME)
        assert await links.link(known.id, "msisdn", WORK)
        await work.dial()

        behind = [await session_behind(stage.server, one.gateway, one.exchange) for one in (home, work)]
        assert asks_secret(behind[1])
        assert behind[0] is not None
        assert behind[1] is not None
        assert behind[0].id == behind[1].id


@pytest.mark.parametrize("gateway", ["africastalking", "nalo"])
async def test_nothing_is_counted_as_a_call_of_the_process(gateway: str) -> None:
    async with Stage(an_app()) as stage:
        asha = stage.phone(gateway=gateway)
        await asha.dial()
        before = dict(stage.faults.calls)
        assert await asha.language() == "en"
        assert stage.faults.calls == before
