"""What processes tell each other: in order, together, and with a word where something is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from kikao.bus import FanoutAway, MemoryFanout, Message
from kikao.live import wire
from kikao.live.news import Broadcast, EndSession, ToUsers
from kikao.live.wire import WAITING, Wire
from kikao.sessions.sealing import KeyRing
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

    def __init__(self, bus: MemoryFanout, node: str, ring: KeyRing | None = None) -> None:
        self.wire = Wire(bus, node, ring)
        self.news: list[object] = []
        self.gaps = 0
        self.wire.on(Broadcast, self.news.append)
        self.wire.on(EndSession, self.news.append)
        self.wire.on_gap(self._missed)

    def _missed(self) -> None:
        self.gaps += 1


@asynccontextmanager
async def two(bus: MemoryFanout, *rings: KeyRing | None) -> AsyncIterator[tuple[Heard, Heard]]:
    ring, other = rings or (None, None)
    both = Heard(bus, "a" * 16, ring), Heard(bus, "b" * 16, other)
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


async def test_what_is_said_is_sealed_once_for_all_and_cannot_be_read_on_the_bus() -> None:
    bus, ring = Bus(), KeyRing({"k1": bytes(32)})
    async with two(bus, ring, ring) as (one, other), bus.subscribe("live") as listening:
        for n in range(3):
            one.wire.tell(Broadcast("TOPICWORD", "EVENTWORD", b"BODYWORD%d" % n))
        other.wire.tell(EndSession("USERWORD", "stopped"))
        other.wire.doubt()
        await quiet()
        assert [news.body for news in other.news if isinstance(news, Broadcast)] == [
            b"BODYWORD0",
            b"BODYWORD1",
            b"BODYWORD2",
        ]
        assert one.news == [EndSession("USERWORD", "stopped")]
        assert (one.gaps, other.gaps) == (1, 0)
        assert (one.wire.unopened, other.wire.unopened) == (0, 0)
        assert bus.published == 3
        for _ in range(bus.published):
            message = await anext(listening)
            assert isinstance(message, Message)
            assert b"WORD" not in message.payload


async def test_what_does_not_open_is_dropped_counted_and_told_without_what_it_says(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus, ring = Bus(), KeyRing({"k1": bytes(32)})
    async with two(bus, KeyRing({"k1": b"x" * 32}), ring) as (stranger, one):
        for n in range(3):
            stranger.wire.tell(Broadcast("t", "e", b"BODYWORD%d" % n))
            await quiet()
        await bus.publish("live", b"\xff" * 16 + b"BODYWORD")
        await bus.publish("live", b"c" * 16 + Broadcast("t", "e", b"BODYWORD").body)  # as it is without keys
        await quiet()
        assert (one.news, one.wire.unopened, one.gaps) == ([], 5, 1)
        assert caplog.text.count("cannot be opened") == 2  # once by each, the stranger too
        assert "WORD" not in caplog.text
        monkeypatch.setattr(wire, "TOLD", 0.0)
        stranger.wire.tell(Broadcast("t", "e", b"BODYWORD"))
        await quiet()
        assert (one.wire.unopened, one.gaps) == (6, 2)


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
