"""How a process leaves: whatever functions of channels do, it ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kikao.live import Channel, Live, anyone, leaving
from tests.live.hubs import at_work
from tests.live.inside import InsideSocket

pytestmark = pytest.mark.virtual_time


async def test_functions_that_run_may_finish_and_what_they_begin_may_too() -> None:
    live = Live(users=anyone)
    told: list[str] = []

    @live.channel("room:{name}")
    async def room(channel: Channel, params: Any) -> None: ...

    @room.leave
    async def left(channel: Channel, reason: str) -> None:
        await asyncio.sleep(0)
        told.append(reason)

    async with at_work(live) as found:
        socket = await found.open()
        await socket.ask("room:1", "phx_join")
        await found.hub.drain()
        assert await closed(socket) == 1012
    assert told == ["drained"]


async def test_functions_that_do_not_end_are_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaving, "ENDING", 0.01)
    live, begun, cancelled = Live(users=anyone), asyncio.Event(), asyncio.Event()

    @live.channel("room:{name}")
    async def room(channel: Channel, params: Any) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with at_work(live) as found:
        socket = await found.open()
        await socket.say("1", "1", "room:1", "phx_join", {})
        await begun.wait()
    assert cancelled.is_set()
    assert await closed(socket) == 1012


async def closed(socket: InsideSocket) -> int:
    while await socket.frame() is not None:
        pass
    assert socket.closed is not None
    return int(socket.closed["code"])
