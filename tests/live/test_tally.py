"""What is counted of live sessions, as a monitoring system reads it."""

from __future__ import annotations

from typing import Any

from kikao.live import Channel, Kept, Live, LiveLimits, anyone
from kikao.live.hub import Hub
from kikao.metrics.snapshot import Snapshot
from tests.live.hubs import at_work

live = Live(users=anyone, limits=LiveLimits(sockets=2, events=1, burst=8))


@live.channel("room:{name}", presence=True, keeps=Kept(messages=1, seconds=60))
async def room(channel: Channel, params: dict[str, Any]) -> None:
    await channel.track({"device": "phone"})


@room.on("shout")
async def shout(channel: Channel, payload: dict[str, Any]) -> None:
    await channel.broadcast("shout", payload)


@room.on("fail")
async def fail(channel: Channel, payload: Any) -> None:
    raise LookupError("as asked")


def read(hub: Hub) -> dict[str, float]:
    snapshot = Snapshot()
    hub.measure(snapshot)
    return {
        " ".join((name.removeprefix("kikao_live_"), *each.labels)): each.value
        for kind in (snapshot.gauges, snapshot.counters)
        for name, values in kind.items()
        for each in values
    }


async def test_what_happens_is_counted_and_what_there_is_is_told() -> None:
    async with at_work(live) as work:
        nothing = read(work.hub)
        assert not any(nothing.values())
        ada, also = await work.open("ada"), await work.open("ada")
        assert await work.socket("ada").open() == 429
        assert await work.socket(token="none").open() == 403
        joined = (await ada.ask("room:1", "phx_join"))["response"]
        epoch = joined["epoch"]
        for _ in range(3):
            await ada.ask("room:1", "shout", {})
        await also.ask("room:1", "phx_join", {"epoch": epoch, "last_seq": 2})
        await also.ask("room:1", "phx_join", {"epoch": epoch, "last_seq": 1})
        await also.ask("room:1", "phx_join", {"epoch": "another", "last_seq": 1})
        await ada.say(None, "9", "room:1", "fail", {})
        await ada.until("phx_error")
        assert (await ada.ask("room:1", "shout"))["response"]["reason"] == "rate limited"
        found = read(work.hub)
        assert (sent := found.pop("frames out")) > found["frames in"]
        assert found.pop("presence_owed") in (0, 1)
        assert found == {
            "sockets websocket": 2,
            "sockets longpoll": 0,
            "sessions": 1,
            "topics": 1,
            "channels": 1,
            "present": 1,
            "store_away": 0,
            "connects websocket 101": 2,
            "connects websocket 429": 1,
            "connects websocket 403": 1,
            "frames in": 9,
            "broadcasts": 3,
            "events_refused": 1,
            "crashes": 1,
            "recoveries recovered": 1,
            "recoveries too_far_behind": 1,
            "recoveries unknown_epoch": 1,
            "gaps": 0,
            "news_unopened": 0,
            "presence_healed": 0,
        }
        await ada.leave()
        await also.leave()
        over = read(work.hub)
        assert over["sessions"] == over["sockets websocket"] == over["channels"] == 0
        assert over["frames out"] >= sent, "what was counted of who is gone stays"
