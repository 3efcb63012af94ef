"""Ends of sessions reach every process: also one that was cut off, however many it missed."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest

from kikao.bus import FanoutAway, MemoryFanout
from kikao.bus.fanout import Gap, Heard
from kikao.channels.socket.reasons import Reason
from kikao.events import ErrorUncaught
from kikao.live import Kept, Live, endings
from kikao.live.stores.memory import MemoryLive
from kikao.live.stores.store import LEASE, LiveAway, LiveStore, Position
from tests.live.hubs import AtWork, Time, at_work
from tests.live.inside import InsideSocket
from tests.live.presence.processes import Door, quiet
from tests.waiting import until


class Cable:
    """A process's way to a bus, which can be cut: who is cut off is heard by nobody, and hears a gap afterwards."""

    def __init__(self, bus: MemoryFanout) -> None:
        self._bus = bus
        self._own = MemoryFanout()
        self.is_cut = False

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def answers(self) -> None: ...

    def reaches_others(self, topic: str) -> bool:
        return self._bus.reaches_others(topic)

    async def publish(self, topic: str, payload: bytes) -> None:
        if self.is_cut:
            raise FanoutAway("cut")
        await self._bus.publish(topic, payload)

    @asynccontextmanager
    async def subscribe(self, topic: str) -> AsyncIterator[AsyncIterator[Heard]]:
        async with self._bus.subscribe(topic) as heard:
            yield self._through(heard)

    async def _through(self, heard: AsyncIterator[Heard]) -> AsyncIterator[Heard]:
        was_cut = False
        async for each in heard:
            if self.is_cut:
                was_cut = True
                continue
            if was_cut:
                was_cut = False
                yield Gap()
            yield each


class Two:
    """Two processes, of which the other one can be cut off from bus and store."""

    def __init__(self) -> None:
        self.time = Time()
        self.store = MemoryLive(clock=self.time.steady, wall=self.time.wall)
        self.bus = MemoryFanout()
        self.door = Door(lambda: self.store)
        self.cable = Cable(self.bus)
        self.one: AtWork
        self.other: AtWork

    def cut(self) -> None:
        self.door.is_shut = self.cable.is_cut = True

    async def heal(self) -> None:
        self.door.is_shut = self.cable.is_cut = False
        await self.bus.publish("live", b"a process that nobody knows says nothing")
        await quiet()


@contextlib.asynccontextmanager
async def two() -> AsyncIterator[Two]:
    both, live = Two(), Live()
    live.channel("kept:{name}", keeps=Kept(messages=5, seconds=600))
    async with (
        at_work(live, time=both.time, store=both.store, bus=both.bus) as both.one,
        at_work(live, time=both.time, store=cast("LiveStore", both.door), bus=both.cable) as both.other,
    ):
        await quiet()
        yield both


async def ended(socket: InsideSocket) -> str:
    """What it is told as it is closed."""
    said = str((await socket.until("session_ended"))["reason"])
    assert await socket.frame() is None
    return said


async def test_who_is_logged_out_while_a_process_is_cut_off_is_out_as_soon_as_it_is_not() -> None:
    async with two() as both:
        ada, bob, eve = [await both.other.open(user) for user in ("ada", "bob", "eve")]
        both.cut()
        await both.one.hub.log_out("ada")
        await both.one.hub.stop_session("bob")
        await quiet()
        assert ada.is_open
        await both.heal()
        assert await ended(ada) == "logged_out"
        assert await ended(bob) == "stopped"
        assert (await eve.ask("kept:a", "phx_join"))["status"] == "ok"
        assert set(both.other.hub.sessions) == {"eve"}


async def test_who_came_after_a_stop_that_is_read_late_stays() -> None:
    async with two() as both:
        older = await both.other.open("bob")
        both.cut()
        await both.one.hub.stop_session("bob")
        both.time.passed += 5
        both.door.is_shut = False  # the bus is away still
        newer = await both.other.open("bob")
        await both.heal()
        assert await ended(older) == "stopped"
        assert newer.is_open


async def test_an_end_is_heard_of_after_the_store_forgot_the_latest_ones() -> None:
    async with two() as both:
        for user in ("ada", "eve", "ian"):
            await both.one.hub.stop_session(user)
        bob = await both.other.open("bob")
        stream = both.store._streams[endings.STREAM]  # as after a failover to a replica that lagged behind
        stream.top = 1
        while len(stream.messages) > 1:
            stream.messages.pop()
        for process in (both.one, both.other):
            process.hub.endings.missed()
        await quiet()
        await both.one.hub.stop_session("bob")
        assert await ended(bob) == "stopped"


async def test_ends_in_their_order_are_applied_once_and_cost_one_message_each() -> None:
    async with two() as both:
        first = await both.other.open("bob")
        await both.one.hub.stop_session("bob")
        assert await ended(first) == "stopped"
        second = await both.other.open("bob")
        both.other.hub.endings.missed()
        await quiet()
        assert second.is_open
        at = both.other.hub.endings.at
        assert at is not None
        assert at == (await both.store.since(endings.STREAM, None)).top == Position(at.epoch, 1)
        assert both.one.hub.endings.at == at


async def test_who_missed_more_than_is_kept_looks_at_the_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endings, "KEPT", 2)
    async with two() as both:
        ada, eve = await both.other.open("ada"), await both.other.open("eve")
        both.cut()
        for user in ("ada", "x", "y", "z"):
            await both.one.hub.log_out(user)
        await both.heal()
        assert await ended(ada) == "logged_out"
        assert eve.is_open


async def test_an_end_that_could_not_be_kept_is_told_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endings, "AGAIN", 0.001)
    async with two() as both:
        ada = await both.one.open("ada")
        both.door.is_shut = True
        with pytest.raises(LiveAway):
            await both.other.hub.endings.end("ada", Reason.STOPPED)
        assert await ended(ada) == "stopped"
        both.other.hub.endings.missed()
        await quiet()
        await both.heal()
        await both.other.hub.stop_session("ada")
        await until(lambda: both.other.hub.endings.at == both.one.hub.endings.at, "both to know the same")


async def test_a_socket_that_was_let_in_while_its_user_logged_out_is_closed() -> None:
    async with two() as both:
        hub = both.one.hub
        admit = hub.admission.admit

        async def slowly(token: str) -> object:
            found = await admit(token)
            await both.other.hub.log_out("ada")
            await quiet()
            return found

        hub.admission.admit = slowly  # type: ignore[method-assign, assignment]
        ada = await both.one.open("ada")
        assert await ended(ada) == "logged_out"


async def test_a_dead_process_is_noticed_and_what_it_told_nobody_is_read() -> None:
    async with two() as both:
        ada, bob = await both.one.open("ada"), await both.other.open("bob")
        for hub in (both.one.hub, both.other.hub):
            await hub.registry.write()
        await ada.ask("kept:a", "phx_join")
        both.cut()
        await both.store.append("kept:a", b'{"event":"last","payload":{"n":1}}', keep=5, seconds=600)
        await quiet()
        both.time.passed += LEASE / 2
        await both.one.hub.tracker.beat()
        both.time.passed += LEASE / 2 + 1
        await both.one.hub.tracker.reap()
        assert await ada.until("last") == {"seq": 1, "n": 1}
        assert bob.is_open


async def test_a_message_whose_answer_was_lost_is_told_though_nothing_follows_it() -> None:
    async with two() as both:
        ada, bob = await both.one.open("ada"), await both.other.open("bob")
        for socket in (ada, bob):
            await socket.ask("kept:a", "phx_join")
        both.door.is_ajar = True
        with pytest.raises(LiveAway):
            await both.other.hub.broadcast("kept:a", "last", {"n": 1})
        both.door.is_ajar = False
        assert await ada.until("last") == {"seq": 1, "n": 1}


async def test_who_connects_while_the_store_is_away_is_told_to_come_later_and_no_error_is() -> None:
    async with two() as both:
        both.door.is_shut = True
        assert await both.other.socket("ada").open() == 503
        assert both.other.heard(ErrorUncaught) == []
