"""What is kept of topics, between who joins and who speaks at the same time: on two processes with one store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from kikao.bus import MemoryFanout
from kikao.channels.socket.protocol import Json
from kikao.live import Kept, Live
from kikao.live.stores.epochs import HOUR, new_store
from kikao.live.stores.memory import MemoryLive
from kikao.live.stores.store import Position, Recovery
from tests.live.hubs import AtWork, Time, at_work
from tests.live.inside import InsideSocket
from tests.waiting import until


class Gated(MemoryLive):
    """Counts who asks where a stream is, and keeps the answer back while it is told to."""

    def __init__(self, time: Time) -> None:
        super().__init__(clock=time.steady, wall=time.wall)
        self.asked: list[str] = []
        self.free = asyncio.Event()
        self.free.set()

    async def since(self, stream: str, after: Position | None, *, most: int = 300) -> Recovery:
        found = await super().since(stream, after, most=most)
        self.asked.append(stream)
        await self.free.wait()
        return found

    def asks(self, stream: str) -> int:
        return self.asked.count(stream)


@asynccontextmanager
async def two() -> AsyncIterator[tuple[AtWork, AtWork, Gated]]:
    time = Time()
    store, bus, live = Gated(time), MemoryFanout(), Live()
    live.channel("kept:{name}", keeps=Kept(messages=5, seconds=86_400))
    async with (
        at_work(live, time=time, store=store, bus=bus) as one,
        at_work(live, time=time, store=store, bus=bus) as other,
    ):
        yield one, other, store


async def joined(socket: InsideSocket, **asks: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await socket.ask("kept:a", "phx_join", asks))["response"]
    return found


async def numbers(socket: InsideSocket, count: int) -> list[int]:
    return [(await socket.until("news"))["seq"] for _ in range(count)]


async def test_who_joins_while_the_first_is_said_gets_each_once() -> None:
    async with two() as (one, other, store):
        ada = await one.open()
        store.free.clear()
        await ada.say("1", "1", "kept:a", "phx_join", {})
        await until(lambda: store.asks("kept:a") == 1, "the join to look")
        await other.hub.broadcast("kept:a", "news")  # behind the look, and before its answer
        store.free.set()
        reply = (await ada.frame())[4]["response"]
        assert (reply["seq"], reply["messages"]) == (0, [])
        for _ in range(2):
            await other.hub.broadcast("kept:a", "news")
        assert await numbers(ada, 3) == [1, 2, 3]
        await ada.lose()
        await one.hub.broadcast("kept:a", "news")
        back = await joined(await other.open(), last_seq=3, epoch=reply["epoch"])
        assert (back["recovered"], back["epoch"], back["seq"]) == (True, reply["epoch"], 4)
        assert [each["payload"] for each in back["messages"]] == [{"seq": 4}]


async def test_the_first_of_a_topic_is_told_without_asking_the_store() -> None:
    async with two() as (one, other, store):
        ada, bob = await one.open("ada"), await other.open("bob")
        for socket in (ada, bob):
            await joined(socket)
        looked = store.asks("kept:a")
        for _ in range(2):
            await one.hub.broadcast("kept:a", "news")
        assert [await numbers(socket, 2) for socket in (ada, bob)] == [[1, 2], [1, 2]]
        assert store.asks("kept:a") == looked


async def test_who_dropped_before_the_first_gets_all_of_it_and_keeps_the_name_of_the_stream() -> None:
    async with two() as (one, other, store):
        ada = await one.open()
        begun = await joined(ada)
        await ada.lose()
        assert store._streams.keys() <= {"\x1fends"}
        for _ in range(3):
            await one.hub.broadcast("kept:a", "news")
        for at in (0, 2):
            ada = await other.open()
            back = await joined(ada, last_seq=at, epoch=begun["epoch"])
            assert (back["recovered"], back["epoch"], back["seq"]) == (True, begun["epoch"], 3)
            assert [each["payload"]["seq"] for each in back["messages"]] == list(range(at + 1, 4))
        for _ in range(6):
            await one.hub.broadcast("kept:a", "news")
        far = await joined(ada, last_seq=0, epoch=begun["epoch"])
        assert (far["recovered"], far["reason"], far["messages"]) == (False, "too far behind", [])
        assert far["epoch"] != begun["epoch"]


async def test_a_place_that_a_client_makes_up_is_an_unknown_one_and_no_crash() -> None:
    async with two() as (one, _, _):
        ada = await one.open()
        begun = await joined(ada)
        for _ in range(2):  # of a stream that has not begun, and of one that has
            made_up = await joined(ada, last_seq=0, epoch=f"{begun['epoch'][:12]}zzzzzz")
            assert (made_up["recovered"], made_up["reason"]) == (False, "unknown epoch")
            await one.hub.broadcast("kept:a", "news")
        assert ada.closed is None


async def test_who_stays_in_a_quiet_topic_is_as_far_as_who_joins_it_later() -> None:
    async with two() as (one, other, _):
        ada = await one.open("ada", seconds=86_400)
        await joined(ada)
        one.time.passed += 20 * HOUR
        bob = await one.open("bob")
        await joined(bob)
        one.time.passed += 20 * HOUR
        await other.hub.broadcast("kept:a", "news")
        assert [await numbers(socket, 1) for socket in (ada, bob)] == [[1], [1]]


@pytest.mark.parametrize("said", [0, 2])
async def test_who_is_in_a_stream_that_is_gone_is_told_when_somebody_joins_the_next(said: int) -> None:
    async with two() as (one, _, store):
        ada = await one.open("ada")
        await joined(ada)
        for _ in range(said):
            await one.hub.broadcast("kept:a", "news")
        store._streams.clear()
        store._name = new_store()
        await store.append(
            "kept:a", b'{"event":"news","payload":{}}', keep=5, seconds=600.0
        )  # heard by nobody
        await joined(await one.open("bob"))
        assert await ada.until("phx_error") == {"reason": "channel_crash"}


async def test_a_number_that_was_heard_is_not_told_again() -> None:
    async with two() as (one, _, _store):
        ada = await one.open()
        await joined(ada)
        await one.hub.broadcast("kept:a", "news")
        at = one.hub.streams._at["kept:a"]
        one.hub.streams.arrived("kept:a", "news", Json("{}"), at)
        await one.hub.broadcast("kept:a", "news")
        assert await numbers(ada, 2) == [1, 2]
