"""A topic that each user has for themselves: on all of their devices and processes, and on nobody else's."""

from __future__ import annotations

from typing import Any

import pytest

from kikao.bus import MemoryFanout
from kikao.live import Channel, Kept, Live, anyone
from kikao.live.routes import OWN, Route, Routes, shown
from kikao.live.stores.memory import MemoryLive
from tests.live.hubs import AtWork, Time, at_work

KEPT = Kept(messages=3, seconds=60.0)


async def joined(channel: Channel, params: dict[str, Any]) -> None:
    """Anybody may have theirs."""


def with_own(work: AtWork) -> AtWork:
    route = Route("chat", keeps=KEPT, own=True)
    route.join(joined)

    async def others(channel: Channel, payload: dict[str, Any]) -> None:
        await channel.broadcast_others("others", payload)

    route.on("others")(others)
    work.hub.routes = work.hub.routes.beside(route)
    return work


async def test_what_is_delivered_reaches_every_device_on_every_process_and_nobody_else() -> None:
    time, bus = Time(), MemoryFanout()
    store = MemoryLive(clock=time.steady, wall=time.wall)
    of = {"time": time, "store": store, "bus": bus}
    async with at_work(Live(users=anyone), **of) as one, at_work(Live(users=anyone), **of) as two:
        devices = [await with_own(work).open("ada") for work in (one, two)]
        other = await two.open("bob")
        for device in (*devices, other):
            assert (await device.ask("chat", "phx_join"))["status"] == "ok"
        await one.hub.deliver("ada", "message", {"text": "hi"})
        await one.hub.deliver("bob", "message", {"text": "for bob"})
        for device in devices:
            assert await device.until("message") == {"seq": 1, "text": "hi"}
        assert await other.until("message") == {"seq": 1, "text": "for bob"}
        await devices[0].ask("chat", "others", {"n": 1})
        assert await devices[1].until("others") == {"seq": 2, "n": 1}


async def test_what_nobody_heard_is_there_for_who_comes_back() -> None:
    async with at_work(Live(users=anyone)) as work:
        with_own(work)
        ada = await work.open("ada")
        at = (await ada.ask("chat", "phx_join"))["response"]
        await ada.lose()
        for n in range(4):
            await work.hub.deliver("ada", "message", {"n": n})
            again = await work.open("ada")
            found = await again.ask("chat", "phx_join", {"epoch": at["epoch"], "last_seq": 0})
            recovered = found["response"]["recovered"]
            assert recovered is (n < 3)
            assert len(found["response"]["messages"]) == (n + 1 if recovered else 0)
            await again.lose()


def test_the_name_of_a_users_own_topic_can_be_said_by_no_client() -> None:
    live = Live(users=anyone)
    live.channel("{anything}")
    routes = live.routes.beside(Route("chat", own=True))
    found = routes.find("chat")
    assert found is not None
    assert found[0].own
    assert routes.find(f"chat{OWN}ada") is None
    assert shown(found[0].name("chat", "ada")) == "chat"
    assert shown("room:1") == "room:1"
    assert Routes().find("chat") is None
    with pytest.raises(ValueError, match="already"):
        routes.beside(Route("chat"))
