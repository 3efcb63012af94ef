"""What processes tell each other: in order, together, and with a word where something is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from kikao.bus import FanoutAway, MemoryFanout
from kikao.live import wire
from kikao.live.news import Broadcast, EndSession, ToUsers
from kikao.live.wire import WAITING, Wire
from tests.waiting import until

pytestmark = pytest.mark.virtual_time


class Bus(MemoryFanout):
    """A bus that may be away, and counts."""

    is_away = False
    published = 0

    async def publish(self, topic: str, payload: bytes) -> None:
        """As of a bus in one process."""
        self.published += 1
        if self.is_away:
            raise FanoutAway("away")
        await super().publish(topic, payload)


class Heard:
    """A process, and what it heard."""

    def __init__(self, bus: MemoryFanout, node: str) -> None:
        self.wire = Wire(bus, node)
        self.news: list[object] = []
        self.gaps = 0
        self.wire.on(Broadcast, self.news.append)
        self.wire.on(EndSession, self.news.append)
        self.wire.on_gap(self._missed)

    def _missed(self) -> None:
        self.gaps += 1


@asynccontextmanager
async def two(bus: MemoryFanout) -> AsyncIterator[tuple[Heard, Heard]]:
    both = Heard(bus, "a" * 16), Heard(bus, "b" * 16)
    tasks = [asyncio.create_task(each.wire.run()) for each in both]
    for each in both:
        await each.wire.heard.wait()
    yield both
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def quiet() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_others_hear_in_order_and_the_speaker_does_not() -> None:
    bus = Bus()
    async with two(bus) as (one, other):
        said = [Broadcast("t", "e", str(n).encode()) for n in range(200)]
        for news in said:
            one.wire.tell(news)
        one.wire.tell(ToUsers("e", b"{}"))  # nobody listens to these here
        other.wire.tell(EndSession("ada", "stopped"))
        await quiet()
        assert other.news == said
        assert one.news == [EndSession("ada", "stopped")]
        assert (one.gaps, other.gaps) == (0, 0)
        assert bus.published < 10


async def test_who_is_alone_says_nothing_until_another_hears() -> None:
    bus = Bus()
    alone = Heard(bus, "c" * 16)
    running = asyncio.create_task(alone.wire.run())
    await alone.wire.heard.wait()
    alone.wire.tell(Broadcast("t", "e", b"nobody hears"))
    await quiet()
    assert bus.published == 0
    async with two(bus) as (one, _):
        alone.wire.tell(Broadcast("t", "e", b"heard"))
        await quiet()
        assert one.news == [Broadcast("t", "e", b"heard")]
        assert one.gaps == 0
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_what_no_bus_carries_is_heard_as_a_gap() -> None:
    async with two(Bus()) as (one, other):
        one.wire.tell(Broadcast("t", "e", b"x" * 70_000))
        one.wire.tell(Broadcast("t", "e", b"next"))
        await quiet()
        assert other.gaps == 1
        assert [news.body for news in other.news if isinstance(news, Broadcast)] == [b"next"]


async def test_what_another_release_says_is_a_gap() -> None:
    bus = Bus()
    async with two(bus) as (_, other):
        await bus.publish("live", b"c" * 16 + b"\xc1nonsense")
        await quiet()
        assert other.gaps == 1


async def test_an_outage_stops_nobody() -> None:
    bus = Bus()
    async with two(bus) as (one, other):
        bus.is_away = True
        one.wire.tell(Broadcast("t", "e", b"lost"))
        await quiet()
        bus.is_away = False
        one.wire.tell(Broadcast("t", "e", b"heard"))
        await quiet()
        assert [news.body for news in other.news if isinstance(news, Broadcast)] == [b"heard"]
        assert (one.gaps, other.gaps) == (0, 1)


async def test_what_was_lost_in_an_outage_is_told_though_nobody_says_anything_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wire, "AGAIN", 0.001)
    bus = Bus()
    async with two(bus) as (one, other):
        bus.is_away = True
        one.wire.tell(Broadcast("t", "e", b"lost"))
        await until(lambda: bus.published > 5, "it to be told again")
        bus.is_away = False
        await until(lambda: other.gaps, "the other to hear of it")
        said = bus.published
        await quiet()
        assert (one.gaps, other.gaps, bus.published) == (0, 1, said)


async def test_who_doubts_has_the_others_look() -> None:
    async with two(Bus()) as (one, other):
        one.wire.doubt()
        await quiet()
        assert (one.gaps, other.gaps) == (0, 1)


async def test_too_much_at_once_loses_the_oldest_and_says_so() -> None:
    async with two(Bus()) as (one, other):
        for n in range(WAITING + 5):
            one.wire.tell(Broadcast("t", "e", str(n).encode()))
        while len(other.news) < WAITING:
            await quiet()
        assert other.gaps >= 1
