"""What every bus does: order, topics, gaps; and what those over a network do when their server goes and comes back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest

from kikao.bus import LONGEST, Fanout, FanoutAway, Gap, MemoryFanout, Message, make_fanout
from kikao.bus.networked import NetworkedFanout
from tests.engines.postgresql import PostgreSQL
from tests.engines.valkey import Cluster, Valkey
from tests.waiting import until

PATIENCE: Final = 60.0

Make = Callable[[], Fanout]
"""A bus of one more process."""


@pytest.fixture(params=["memory", "valkey", "unix", "cluster", "postgresql"])
def make(request: pytest.FixtureRequest) -> Make:
    where = request.param
    if where == "memory":
        only = MemoryFanout()
        return lambda: only
    if where == "cluster":
        cluster: Cluster = request.getfixturevalue("cluster")
        return lambda: make_fanout(cluster.url)
    if where == "postgresql":
        postgresql: PostgreSQL = request.getfixturevalue("postgresql")
        url = postgresql.database()
        return lambda: make_fanout(url)
    valkey: Valkey = request.getfixturevalue("valkey")
    return lambda: make_fanout(valkey.url if where == "valkey" else valkey.unix_url)


@asynccontextmanager
async def connected(bus: Fanout) -> AsyncIterator[Fanout]:
    await bus.open()
    try:
        await works(bus)
        yield bus
    finally:
        await bus.close()


async def works(bus: Fanout) -> None:
    """Wait until what is published arrives at the server."""

    async def taken() -> bool:
        try:
            await bus.publish("works", b"")
        except FanoutAway:
            return False
        return True

    await until(taken, "the bus to work")


async def heard(subscription: AsyncIterator[Any], count: int) -> list[Any]:
    async with asyncio.timeout(PATIENCE):
        return [await anext(subscription) for _ in range(count)]


async def test_all_subscribers_of_a_topic_hear_it_in_order(make: Make) -> None:
    async with (
        connected(make()) as one,
        connected(make()) as other,
        one.subscribe("t.est-1") as own,
        other.subscribe("t.est-1") as far,
        other.subscribe("else") as no,
    ):
        for n in range(20):
            await one.publish("t.est-1", bytes([n]))
        await one.publish("else", b"that")
        expected = [Message(bytes([n])) for n in range(20)]
        assert await heard(own, 20) == expected
        assert await heard(far, 20) == expected
        assert await heard(no, 1) == [Message(b"that")]


async def test_it_says_whether_others_may_hear_a_topic(make: Make) -> None:
    async with connected(make()) as one, connected(make()) as other, one.subscribe("alone"):
        knows = isinstance(one, MemoryFanout)
        assert one.reaches_others("alone") is not knows
        async with other.subscribe("alone"):
            assert one.reaches_others("alone")
        assert one.reaches_others("alone") is not knows


@pytest.mark.parametrize("size", [0, 1, 5_700, 5_701, 8_000, LONGEST])
async def test_a_message_of_any_size_arrives_whole(make: Make, size: int) -> None:
    payload = bytes(n * 7 % 256 for n in range(size))
    async with connected(make()) as bus, bus.subscribe("sizes") as found:
        await bus.publish("sizes", payload)
        await bus.publish("sizes", b"next")
        assert await heard(found, 2) == [Message(payload), Message(b"next")]


async def test_messages_of_several_publishers_at_once_arrive_all(make: Make) -> None:
    async with connected(make()) as one, connected(make()) as other, one.subscribe("many") as found:
        big = bytes(20_000)
        await asyncio.gather(
            *(bus.publish("many", bytes([n]) + big) for n in range(10) for bus in (one, other))
        )
        arrived = await heard(found, 20)
        assert sorted(each.payload[0] for each in arrived) == sorted([*range(10), *range(10)])


async def test_what_is_no_topic_and_what_is_too_long_is_refused(make: Make) -> None:
    async with connected(make()) as bus:
        for topic in ("", "Shout", "a b", "ä", "x" * 41):
            with pytest.raises(ValueError, match="is no topic"):
                await bus.publish(topic, b"")
            with pytest.raises(ValueError, match="is no topic"):
                async with bus.subscribe(topic):
                    pass
        with pytest.raises(ValueError, match="a bus carries 65536"):
            await bus.publish("long", bytes(LONGEST + 1))


async def test_a_subscriber_that_is_slow_hears_that_it_missed_something(make: Make) -> None:
    async with connected(make()) as bus, bus.subscribe("slow") as slow, bus.subscribe("slow") as quick:
        for n in range(1200):
            await bus.publish("slow", n.to_bytes(2, "big"))
            await heard(quick, 1)
        found = await heard(slow, 1001)
        assert found[:1000] == [Message(n.to_bytes(2, "big")) for n in range(1000)]
        assert found[1000] == Gap()
        await bus.publish("slow", b"after")
        assert await heard(slow, 1) == [Message(b"after")]


async def test_subscriptions_end_with_the_bus_and_a_closed_one_takes_nothing(make: Make) -> None:
    bus = make()
    await bus.open()
    await works(bus)
    async with bus.subscribe("end") as found:
        await bus.publish("end", b"last")
        assert await heard(found, 1) == [Message(b"last")]
        await bus.close()
        with pytest.raises(StopAsyncIteration):
            await anext(found)
    with pytest.raises(FanoutAway):
        await bus.publish("end", b"late")
    await bus.close()


# --- over a network ---


Server = Valkey | PostgreSQL


@pytest.fixture(params=[Valkey, PostgreSQL])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of its own, to be killed."""
    found: Server = request.param(tmp_path_factory.mktemp("server"))
    found.start()
    yield found
    found.remove()


def bus_of(server: Server, *, beat: float = 30.0) -> Fanout:
    """That connects again soon."""
    if isinstance(server, Valkey):
        from kikao.bus.redis import dialer
    else:
        from kikao.bus.postgresql import dialer
    return NetworkedFanout(dialer(server.url), "the server", beat=beat, pauses=(0.01, 0.05))


async def lost(bus: Fanout) -> None:
    """Wait until it is not connected."""

    async def refused() -> bool:
        try:
            await bus.publish("lost", b"lost")
        except FanoutAway:
            return True
        return False

    await until(refused, "the connection to be lost")


async def gone(bus: Fanout) -> None:
    """Wait until it knows that it is not connected."""

    async def away() -> bool:
        try:
            await bus.answers()
        except FanoutAway:
            return True
        return False

    await until(away, "the bus to know")


async def test_after_its_server_was_killed_it_goes_on_and_tells_of_a_gap(server: Server) -> None:
    async with (
        connected(bus_of(server)) as one,
        connected(bus_of(server)) as other,
        other.subscribe("news") as found,
    ):
        await one.publish("news", b"before")
        assert await heard(found, 1) == [Message(b"before")]
        await asyncio.to_thread(server.kill)
        await lost(one)
        await asyncio.to_thread(server.start)
        await works(one)
        assert await heard(found, 1) == [Gap()]
        await works(other)
        await one.publish("news", b"after")
        assert await heard(found, 1) == [Message(b"after")]
        async with one.subscribe("later") as later:
            await other.publish("later", b"too")
            assert await heard(later, 1) == [Message(b"too")]


async def test_a_server_that_is_away_at_the_start_is_found_when_it_comes(server: Server) -> None:
    await asyncio.to_thread(server.stop)
    bus = bus_of(server)
    await bus.open()
    try:
        async with bus.subscribe("news") as found:
            with pytest.raises(FanoutAway):
                await bus.publish("news", b"lost")
            await asyncio.to_thread(server.start)
            assert await heard(found, 1) == [Gap()]
            await works(bus)
            await bus.publish("news", b"here")
            assert await heard(found, 1) == [Message(b"here")]
    finally:
        await bus.close()


async def test_a_connection_that_only_looks_alive_is_given_up(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    server = Valkey(tmp_path_factory.mktemp("paused"))
    server.start()
    try:
        async with connected(bus_of(server, beat=0.2)) as bus, bus.subscribe("news") as found:
            server.pause()
            await gone(bus)
            server.resume()
            assert await heard(found, 1) == [Gap()]
            await works(bus)
            await bus.publish("news", b"back")
            assert await heard(found, 1) == [Message(b"back")]
    finally:
        server.remove()


async def test_a_server_that_is_away_is_told_of_once_and_again_when_it_came(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tries = 0

    class Quiet:
        async def listen(self, topics: object) -> None: ...

        async def send(self, topic: str, octets: bytes) -> None: ...

        async def receive(self) -> tuple[str, bytes] | None:
            await asyncio.Event().wait()
            return None

        async def close(self) -> None: ...

    async def dial() -> Quiet:
        nonlocal tries
        tries += 1
        if tries < 4:
            raise ConnectionRefusedError("redis://:hunter2@nowhere")
        return Quiet()

    bus = NetworkedFanout(dial, "redis://nowhere", pauses=(0.001, 0.001))
    await bus.open()
    await works(bus)
    await bus.close()
    away, again = [record.getMessage() for record in caplog.records]
    assert "redis://nowhere does not answer (ConnectionRefusedError)" in away
    assert again == "bus: redis://nowhere answers again"


async def test_it_ends_also_where_its_client_swallows_a_cancellation() -> None:
    class Deaf:
        """As clients of Redis are at some moments: what is cancelled returns as if nothing was."""

        async def listen(self, topics: object) -> None: ...

        async def send(self, topic: str, octets: bytes) -> None:
            if topic == "slow":
                await self._for_ever()

        async def receive(self) -> tuple[str, bytes] | None:
            await self._for_ever()
            return None

        async def close(self) -> None: ...

        async def _for_ever(self) -> None:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()

    async def dial() -> Deaf:
        return Deaf()

    async with asyncio.timeout(PATIENCE):
        bus = NetworkedFanout(dial, "redis://nowhere")
        await bus.open()
        publishing = asyncio.create_task(bus.publish("slow", b""))
        await asyncio.sleep(0)
        publishing.cancel()
        await asyncio.wait([publishing])
        assert publishing.cancelled()
        await bus.close()
