"""Sessions, found from any process, and what that costs the store."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from kikao.bus import MemoryFanout
from kikao.live import Channel, Live, LiveLimits
from kikao.live.registry import SessionState, SocketState, merged
from kikao.live.stores.memory import MemoryLive
from kikao.live.stores.store import LEASE, LiveAway, LiveStore
from tests.live.hubs import BEGIN, AtWork, Time, at_work
from tests.live.presence.processes import Door, quiet


class Two:
    """Two processes on one store, each with a door to it."""

    def __init__(self) -> None:
        self.time = Time()
        self.store = MemoryLive(clock=self.time.steady, wall=self.time.wall)
        self.doors = [Door(lambda: self.store), Door(lambda: self.store)]
        self.bus = MemoryFanout()

    def of(self, n: int) -> dict[str, Any]:
        return {"time": self.time, "store": cast("LiveStore", self.doors[n]), "bus": self.bus}

    def writes(self) -> int:
        return sum(door.calls[what] for door in self.doors for what in ("put", "remove", "hold", "adopt"))


def an_app() -> Live:
    live = Live(limits=LiveLimits(silence=1e6, idle=1e6))
    room = live.channel("room:{name}")

    @room.on("note")
    async def note(channel: Channel, payload: dict[str, Any]) -> None:
        channel.session.metadata = payload

    return live


@contextlib.asynccontextmanager
async def two() -> AsyncIterator[tuple[Two, AtWork, AtWork]]:
    both = Two()
    async with at_work(an_app(), **both.of(0)) as one, at_work(an_app(), **both.of(1)) as other:
        yield both, one, other


async def test_a_session_is_found_from_any_process_and_costs_one_write() -> None:
    async with two() as (both, one, other):
        ada = await one.open()
        await ada.ask("room:a", "phx_join")
        await ada.ask("room:b", "phx_join")
        assert await other.hub.get_session("ada") is None
        await one.hub.registry.write()
        await quiet()
        assert both.writes() == 1

        here, there = await one.hub.get_session("ada"), await other.hub.get_session("ada")
        assert here == there
        assert there is not None
        assert (there.user, there.connected_at, there.last_activity) == ("ada", BEGIN, BEGIN)
        assert there.id == one.hub.sessions["ada"].id
        [socket] = there.sockets
        assert socket.subscriptions == ("room:a", "room:b")
        assert socket.node == one.hub.node
        assert await other.hub.session_exists("ada")
        assert not await other.hub.session_exists("bob")
        assert await other.hub.get_session("bob") is None
        assert [state.user for state in one.hub.registry.own()] == ["ada"]
        assert [*other.hub.registry.own()] == []


async def test_heartbeats_write_nothing_and_activity_once_in_a_while() -> None:
    async with two() as (both, one, other):
        ada = await one.open()
        await ada.ask("room:a", "phx_join")
        await one.hub.registry.write()
        for n in range(5):
            both.time.passed += 30
            await ada.say(None, str(n), "phoenix", "heartbeat", {})
            await ada.frame()
            await one.hub.registry.flush()
        await quiet()
        assert both.writes() == 1
        for _ in range(20):
            await ada.ask("room:a", "note", {"page": 3})
        assert (found := await one.hub.get_session("ada")) is not None
        assert found.last_activity == BEGIN + 150, "its own process knows at once"
        assert (found := await other.hub.get_session("ada")) is not None
        assert found.last_activity == BEGIN
        await one.hub.registry.flush()
        await one.hub.registry.flush()
        await quiet()
        assert both.writes() == 2
        assert (found := await other.hub.get_session("ada")) is not None
        assert (found.last_activity, found.metadata) == (BEGIN + 150, {"page": 3})


async def test_parts_on_two_processes_are_one_session() -> None:
    async with two() as (both, one, other):
        first = await one.open()
        both.time.passed += 10
        second = await other.open()
        await second.ask("room:a", "phx_join")
        await one.hub.registry.write()
        await other.hub.registry.write()
        await quiet()
        for work in (one, other):
            assert (found := await work.hub.get_session("ada")) is not None
            assert found.id == one.hub.sessions["ada"].id
            assert (found.connected_at, found.last_activity) == (BEGIN, BEGIN + 10)
            assert first.is_open
            assert [socket.node for socket in found.sockets] == [one.hub.node, other.hub.node]
        assert first.is_open

        await second.leave()
        await quiet()
        assert (found := await other.hub.get_session("ada")) is not None
        assert [socket.node for socket in found.sockets] == [one.hub.node]


async def test_a_session_is_there_while_its_client_may_come_back_and_no_longer() -> None:
    async with two() as (both, one, other):
        ada = await one.open()
        await one.hub.registry.write()
        await ada.lose()
        await one.hub.registry.write()
        await quiet()
        assert (found := await other.hub.get_session("ada")) is not None
        assert found.sockets == ()
        both.time.passed += 31
        one.hub.look()
        await quiet()
        assert not await other.hub.session_exists("ada")
        assert await one.hub.get_session("ada") is None


async def test_who_came_and_left_at_once_is_written_nowhere() -> None:
    async with two() as (both, one, _other):
        await (await one.open()).leave()
        await one.hub.registry.write()
        await quiet()
        assert both.writes() == 0


async def test_sessions_of_a_dead_process_go_with_its_lease() -> None:
    async with two() as (both, one, other):
        await one.open()
        await one.hub.registry.write()
        await quiet()
        both.doors[0].is_shut = True
        both.time.passed += LEASE / 2
        await other.hub.tracker.beat()
        both.time.passed += LEASE / 2 + 1
        await other.hub.tracker.beat()
        await other.hub.tracker.reap()
        assert not await other.hub.session_exists("ada")

        both.doors[0].is_shut = False
        await one.hub.tracker.beat()
        await quiet()
        assert await other.hub.session_exists("ada"), "it was only cut off"


async def test_without_the_store_a_process_knows_its_own() -> None:
    async with two() as (both, one, other):
        await one.open()
        both.doors[0].is_shut = both.doors[1].is_shut = True
        assert (found := await one.hub.get_session("ada")) is not None
        assert found.user == "ada"
        assert await one.hub.session_exists("ada")
        with pytest.raises(LiveAway):
            await other.hub.get_session("ada")
        with pytest.raises(LiveAway):
            await other.hub.session_exists("ada")


async def test_who_is_in_a_topic_is_told_to_the_app() -> None:
    async with at_work(an_app()) as work:
        await work.hub.tracker.track("room:a", "ada", {"device": "phone"})
        await quiet()
        [meta] = (await work.hub.presence("room:a"))["ada"]["metas"]
        assert meta["device"] == "phone"


def test_metadata_of_parts_is_put_together_the_newest_last() -> None:
    old = SessionState("1", "ada", 5.0, 6.0, (SocketState("s", "n", 5.0),), {"a": 1, "b": 1})
    new = SessionState("2", "ada", 7.0, 7.0, (), {"b": 2})
    assert merged([new, old]) == SessionState("1", "ada", 5.0, 7.0, old.sockets, {"a": 1, "b": 2})
    assert merged([]) is None
