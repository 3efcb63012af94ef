"""Sessions of a process: who comes in, how long, and why they end."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from kikao.bus import MemoryFanout
from kikao.events import LiveClosed, LiveEnded, RequestRefused
from kikao.live import Channel, Live, User
from kikao.live.news import Replaced
from kikao.live.stores.memory import MemoryLive
from tests.live.hubs import Time, an_app, at_work, two_at_work
from tests.live.inside import InsideSocket
from tests.waiting import until

pytestmark = pytest.mark.virtual_time


async def test_who_comes_in_and_who_does_not() -> None:
    async def users(user_id: str, claims: Any) -> User | None:
        if user_id == "away":
            raise ConnectionError("the directory")
        return None if user_id == "stranger" else User(user_id)

    async with at_work(an_app(sockets=2, connects=4, waits=0.01), users=users) as work:
        assert await work.socket(token="nonsense").open() == 403
        assert await work.socket("stranger").open() == 403
        assert await work.socket("away").open() == 503
        of_one = [work.socket() for _ in range(3)]
        assert [await each.open() for each in of_one] == [101, 101, 429]
        assert await work.socket("bob").open() == 503
        work.time.passed += 1
        assert await work.socket("bob").open() == 101
        work.hub.leaving = True
        assert await work.socket("eve").open() == 503
        said = [(event.status, event.reason) for event in work.heard(RequestRefused)]
        assert said == [
            (403, "token: malformed"),
            (403, "no such user"),
            (503, "the user cannot be loaded now"),
            (429, "too many sockets of one user"),
            (503, "too many connects at once"),
            (503, "this process is stopping"),
        ]


async def test_a_session_is_shared_by_the_sockets_of_a_user_and_told_once() -> None:
    async with at_work(an_app()) as work:
        one, other = await work.open(), await work.open()
        assert len(work.hub.sessions) == 1
        assert (await one.ask("ask:a", "phx_join"))["status"] == "ok"
        await one.leave()
        assert await work.hub.session_exists("ada")
        await other.leave()
        assert not work.hub.sessions
        [ended] = work.heard(LiveEnded)
        assert (ended.reason, ended.sockets, ended.events, ended.channels) == ("left", 2, 1, 1)
        assert [event.reason for event in work.heard(LiveClosed)] == ["left", "left"]


async def test_who_is_lost_may_come_back_within_the_window() -> None:
    async with at_work(an_app(window=30.0)) as work:
        await (await work.open()).lose()
        work.time.passed += 29
        work.hub.look()
        assert "ada" in work.hub.sessions
        again = await work.open()
        work.time.passed += 2
        work.hub.look()
        await again.lose()
        work.time.passed += 31
        work.hub.look()
        assert not work.hub.sessions
        [ended] = work.heard(LiveEnded)
        assert (ended.reason, ended.sockets) == ("lost", 2)


async def test_silence_ends_a_socket_and_idleness_a_session() -> None:
    async with at_work(an_app(silence=60.0, idle=100.0)) as work:
        ada, bob = await work.open(seconds=3000), await work.open("bob", seconds=3000)
        for _ in range(4):
            work.time.passed += 25
            await ada.say(None, "1", "phoenix", "heartbeat", {})
            assert (await ada.frame())[3] == "phx_reply"
            work.hub.look()
        assert await bob.frame() is None
        assert bob.closed is not None
        assert (bob.closed["code"], bob.closed["reason"]) == (1001, "silent")
        assert await ada.until("session_ended") == {"reason": "idle"}
        assert await ada.frame() is None
        assert ada.closed is not None
        assert ada.closed["code"] == 1001


async def test_a_token_is_replaced_in_time_or_the_session_ends() -> None:
    async with at_work(an_app(grace=25.0, silence=1e6)) as work:
        ada, bob = await work.open(seconds=100), await work.open("bob", seconds=100)
        for one in (ada, bob):
            await one.ask("ask:a", "phx_join")
        work.time.passed += 50
        work.hub.look()
        assert await ada.until("token_expiring") == {"expires_in": 50}
        assert (await ada.ask("ask:a", "token", {"token": "x"}))["response"] == {"reason": "invalid token"}
        others = work.tokens.sign("bob", 500)
        assert (await ada.ask("ask:a", "token", {"token": others}))["response"] == {"reason": "invalid token"}
        own = work.tokens.sign("ada", 500)
        assert (await ada.ask("ask:a", "token", {"token": own}))["response"] == {"expires_in": 500}
        work.time.passed += 80
        work.hub.look()
        assert await bob.until("session_ended") == {"reason": "token_expired"}
        assert (await ada.ask("ask:a", "hi"))["status"] == "ok"


async def test_log_out_everywhere_and_nobody_comes_back_with_an_old_token() -> None:
    async with two_at_work(an_app()) as (one, other):
        here, there = await one.open(), await other.open()
        old = one.tokens.sign("ada", 600)
        await here.ask("ask:a", "phx_join")
        await one.hub.log_out("ada")
        assert await here.until("session_ended") == {"reason": "logged_out"}
        assert await there.until("session_ended") == {"reason": "logged_out"}
        assert await other.socket(token=old).open() == 403
        one.time.passed += 2
        assert await other.open()


async def test_a_session_is_stopped_from_anywhere() -> None:
    async with two_at_work(an_app()) as (one, other):
        ada = await one.open()
        await other.hub.stop_session("ada")
        assert await ada.until("session_ended") == {"reason": "stopped"}
        assert await one.open()


async def test_a_device_that_connects_elsewhere_leaves_no_half_of_a_socket_behind() -> None:
    bus, store, time = MemoryFanout(), MemoryLive(), Time()
    async with (
        at_work(an_app(), bus=bus, store=store, time=time) as one,
        at_work(an_app(), bus=bus, store=store, time=time) as other,
    ):
        tab = one.tokens.sign("ada", 600) + "&device=tab"
        before, second = one.socket(token=tab), await one.open()
        assert await before.open() == 101
        assert (await before.ask("room:1", "phx_join"))["status"] == "ok"

        assert await other.socket(token=tab).open() == 101

        assert await before.until("session_ended") == {"reason": "replaced"}
        while await before.frame() is not None:
            pass
        await before.over()
        assert before.closed is not None
        assert (before.closed["code"], before.closed["reason"]) == (1001, "replaced")
        assert second.is_open
        assert [event.reason for event in one.heard(LiveClosed)] == ["replaced"]
        assert one.heard(LiveEnded) == []


async def test_a_device_that_is_in_its_topics_elsewhere_before_it_left_them_here_is_there_once() -> None:
    class SlowToHold(MemoryLive):
        asked = False
        may = asyncio.Event()

        async def hold(self, topic: str, ref: str, seconds: float) -> bool:
            self.asked = True
            await self.may.wait()
            return await super().hold(topic, ref, seconds)

    live = an_app()

    @live.channel("hall:{name}", presence=True)
    async def hall(channel: Channel, payload: dict[str, Any]) -> None:
        await channel.track({"device": "tab"})

    bus, store, time = MemoryFanout(), SlowToHold(), Time()
    async with (
        at_work(live, bus=bus, store=store, time=time) as one,
        at_work(live, bus=bus, store=store, time=time) as other,
    ):
        tab = one.tokens.sign("ada", 600) + "&device=tab"
        before, after = one.socket(token=tab), other.socket(token=tab)
        assert await before.open() == 101
        assert (await before.ask("hall:1", "phx_join"))["status"] == "ok"
        assert await after.open() == 101
        await until(lambda: store.asked, "the old process to hold what it has")
        assert (await after.ask("hall:1", "phx_join"))["status"] == "ok"
        store.may.set()

        async def once() -> bool:
            listing = await store.listing("hall:1")
            return [entry.node for entry in listing.entries] == [other.hub.node]

        await until(once, "the one entry that is left")


async def test_heartbeats_that_come_too_fast_are_events_and_no_activity() -> None:
    async with at_work(an_app(events=1.0, burst=3, flood=4, heartbeat=10.0)) as work:
        ada = await work.open()

        async def beat() -> str:
            await ada.say(None, "1", "phoenix", "heartbeat", {})
            frame = await ada.frame()
            return str(frame[4]["status"]) if frame is not None else "closed"

        assert [await beat() for _ in range(7)] == ["ok"] * 4 + ["error"] * 3
        session = work.hub.sessions["ada"]
        assert (session.events, session.refused_ever) == (0, 3)
        work.time.passed += 10.0
        assert session.active_at == session.started_at
        assert [await beat() for _ in range(5)] == ["ok"] * 4 + ["error"]
        assert [await beat() for _ in range(3)] == ["error", "error", "closed"]
        assert ada.closed is not None
        assert ada.closed["reason"] == "flooding"


async def test_heartbeats_as_clients_send_them_cost_no_event() -> None:
    async with at_work(an_app(events=1.0, burst=1)) as work:
        ada = await work.open()
        for _ in range(5):
            work.time.passed += 1.0
            await ada.say(None, "1", "phoenix", "heartbeat", {})
            assert (await ada.frame())[4]["status"] == "ok"
            work.hub.sessions["ada"]._levelled_at = work.time.steady()  # nothing is refilled
        assert work.hub.sessions["ada"].refused_ever == 0
        assert (await ada.ask("ask:a", "phx_join"))["status"] == "ok"


async def test_too_many_events_are_refused_and_a_flood_ends_the_socket() -> None:
    async with at_work(an_app(events=1.0, burst=3, flood=4)) as work:
        ada = await work.open()
        assert (await ada.ask("ask:a", "phx_join"))["status"] == "ok"
        assert [(await ada.ask("ask:a", "hi"))["status"] for _ in range(3)] == ["ok", "ok", "error"]
        refused = await ada.ask("ask:a", "hi")
        assert refused["response"]["reason"] == "rate limited"
        await ada.say(None, "9", "phoenix", "heartbeat", {})
        assert (await ada.frame())[1] == "9"
        work.time.passed += 1
        assert (await ada.ask("ask:a", "hi"))["status"] == "ok"
        for _ in range(4):
            await ada.say("1", "60", "ask:a", "hi", {})
        while await ada.frame() is not None:
            pass
        assert ada.closed is not None
        assert ada.closed["reason"] == "flooding"


@pytest.mark.parametrize(
    ("frame", "reason", "code"),
    [
        ((b"\x07nonsense",), "malformed", 1007),
        (("1", "2", "t"), "malformed", 1007),
        ((b"\0" * 70_000,), "too_large", 1009),
    ],
)
async def test_what_is_no_frame_ends_its_socket_alone(frame: tuple[Any, ...], reason: str, code: int) -> None:
    async with at_work(an_app()) as work:
        ada, bob = await work.open(), await work.open("bob")
        await ada.say(*frame)
        assert await ada.frame() is None
        assert ada.closed == {"type": "websocket.close", "code": code, "reason": reason}
        assert (await bob.ask("ask:a", "phx_join"))["status"] == "ok"


async def test_no_more_channels_than_there_may_be() -> None:
    async with at_work(an_app(channels=2)) as work:
        ada = await work.open()
        answers = [await ada.ask(f"ask:{n}", "phx_join") for n in range(3)]
        assert [answer["status"] for answer in answers] == ["ok", "ok", "error"]
        assert answers[2]["response"] == {"reason": "too many channels joined"}
        assert (await ada.ask("ask:0", "phx_join"))["status"] == "ok"


async def test_who_does_not_read_is_closed_and_the_others_hear() -> None:
    async with at_work(an_app(queue=2000)) as work:
        aborted = asyncio.Event()
        slow, bob = work.socket("slow"), await work.open("bob")
        full = asyncio.Event()

        async def put(message: Any) -> None:
            if full.is_set():
                await asyncio.Event().wait()
            await slow.hear(message)

        slow.answers(put, abort=aborted.set)
        assert await slow.open() == 101
        for one in (slow, bob):
            await one.ask("ask:a", "phx_join")
        full.set()
        for n in range(30):
            await work.hub.broadcast("ask:a", "news", {"n": n, "text": "x" * 100})
        assert [(await bob.frame())[4]["n"] for _ in range(30)] == list(range(30))
        await asyncio.wait_for(aborted.wait(), 5)
        await slow.lose()
        assert [event.reason for event in work.heard(LiveClosed)] == ["slow"]


async def test_a_process_that_stops_closes_some_at_a_time() -> None:
    async with at_work(an_app(drained=2, drain_pause=0.001)) as work:
        sockets = [await work.open(f"u{n}") for n in range(5)]
        await work.hub.drain()
        for socket in sockets:
            while await socket.frame() is not None:
                pass
            assert socket.closed == {"type": "websocket.close", "code": 1012, "reason": "drained"}
        assert await work.socket("late").open() == 503


async def test_sockets_that_come_at_once_are_not_more_than_a_user_may_have() -> None:
    async with at_work(an_app(sockets=2)) as work:
        waits = asyncio.Event()

        async def send(message: Any) -> None:
            await waits.wait()

        async with asyncio.TaskGroup() as tasks:
            for _ in range(3):
                socket = work.socket()
                socket.answers(send, abort=lambda: None)
                tasks.create_task(connecting(socket))
            await until(lambda: work.heard(RequestRefused), "the third to be refused")
            waits.set()
        assert [event.status for event in work.heard(RequestRefused)] == [429]
        assert len(work.hub.sessions["ada"].sockets) == 2


async def test_who_is_logged_out_while_their_socket_is_opened_is_out() -> None:
    async with at_work(an_app()) as work:
        ada, waits, asked = work.socket(), asyncio.Event(), asyncio.Event()

        async def send(message: Any) -> None:
            if message["type"] == "websocket.accept":
                asked.set()
                await waits.wait()
            await ada.hear(message)

        ada.answers(send, abort=lambda: None)
        opening = asyncio.create_task(ada.open())
        await asked.wait()
        await work.hub.log_out("ada")
        waits.set()
        assert await opening == 101
        assert await ada.until("session_ended") == {"reason": "logged_out"}
        assert await ada.frame() is None
        await until(lambda: not work.hub.sockets, "the socket to end")
        assert not work.hub.sessions


async def test_who_leaves_and_comes_again_has_no_more_events_and_crashes_than_who_stays() -> None:
    async with at_work(an_app(events=1.0, burst=3, crashes=1)) as work:
        ada = await work.open()
        await ada.ask("ask:a", "phx_join")
        await ada.say("1", "9", "ask:a", "fail", {})
        await ada.until("phx_error")
        await ada.leave()
        assert not work.hub.sessions
        ada = await work.open()
        assert (await ada.ask("ask:a", "phx_join"))["response"]["reason"] == "crashed too often"
        assert (await ada.ask("ask:b", "phx_join"))["response"]["reason"] == "rate limited"
        await ada.leave()
        work.time.passed += 100
        work.hub.look()
        ada = await work.open()
        assert (await ada.ask("ask:a", "phx_join"))["status"] == "ok"


async def test_a_session_that_is_active_on_another_process_is_not_idle() -> None:
    async with two_at_work(an_app(idle=100.0, silence=1000.0)) as (one, other):
        here, there = await one.open(seconds=3000), await other.open(seconds=3000)
        one.time.passed += 90
        await there.ask("ask:a", "phx_join")
        await other.hub.registry.write()
        await other.hub.tracker.settled()
        one.time.passed += 20
        one.hub.look()
        await one.hub.settled()
        assert here.is_open
        one.time.passed += 90
        one.hub.look()
        assert await here.until("session_ended") == {"reason": "idle"}


async def test_what_a_device_left_behind_is_over_and_not_what_it_opened_since() -> None:
    async with two_at_work(an_app()) as (one, other):
        tab = one.tokens.sign("ada", 600) + "&device=tab"
        late = one.time.wall()
        one.time.passed += 1
        newest = other.socket(token=tab)
        assert await newest.open() == 101
        one.hub.wire.tell(Replaced("ada", "tab", late))  # the news was on its way
        bob = await other.open("bob")
        await one.hub.stop_session("bob")
        assert await bob.until("session_ended") == {"reason": "stopped"}
        assert newest.is_open


async def test_who_may_not_come_in_any_more_stays_no_longer_than_their_token() -> None:
    banned = set[str]()

    async def users(user_id: str, claims: Any) -> User | None:
        if user_id == "away":
            raise ConnectionError("the directory")
        return None if user_id in banned else User(user_id, frozenset({f"{len(banned)}"}))

    async with at_work(an_app(), users=users) as work:
        ada, bob = await work.open("ada"), await work.open("bob")
        for socket in (ada, bob):
            await socket.ask("ask:a", "phx_join")
        banned.add("ada")
        refreshed = [
            await socket.ask("ask:a", "token", {"token": work.tokens.sign(user, 600)})
            for user, socket in (("ada", ada), ("bob", bob))
        ]
        assert [each["status"] for each in refreshed] == ["error", "ok"]
        assert work.hub.sessions["bob"].user.groups == {"1"}


async def connecting(socket: InsideSocket) -> None:
    """Until it is refused, or the connection is lost."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.2):
            await socket.open()


async def test_who_lost_the_connection_and_is_logged_out_is_present_no_more() -> None:
    live = Live()
    room = live.channel("room:{name}", presence=True)

    @room.join
    async def join(channel: Channel, payload: dict[str, Any]) -> None:
        await channel.track({})

    async with two_at_work(live) as (one, other):
        ada, bob = await one.open("ada"), await other.open("bob")
        await ada.ask("room:1", "phx_join")
        await bob.ask("room:1", "phx_join")
        await ada.lose()
        await one.hub.tracker.settled()
        assert set(await one.hub.presence("room:1")) == {"ada", "bob"}, "she may come back"
        await other.hub.log_out("ada")
        while "ada" not in (await bob.until("presence_diff"))["leaves"]:
            pass
        assert set(await other.hub.presence("room:1")) == {"bob"}


async def test_who_has_too_many_sockets_and_tries_again_takes_nobody_elses_turn() -> None:
    async with at_work(an_app(sockets=1, connects=3, waits=0.01)) as work:
        ada = await work.open("ada")
        assert [await work.socket("ada").open() for _ in range(5)] == [429] * 5
        assert await work.socket("bob").open() == 101
        assert ada.is_open
