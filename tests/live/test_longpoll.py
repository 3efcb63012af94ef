"""Long polling: the same sockets over plain requests, for who gets through no other way."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from kikao.bus import MemoryFanout
from kikao.channels.edge import Denied
from kikao.events import LiveClosed, RequestRefused
from kikao.live import Channel, Live, LiveLimits, anyone
from kikao.live.longpoll import LongPoll
from kikao.metrics.snapshot import Snapshot
from kikao.sessions.sealing import KeyRing
from tests.live.frames import pushed
from tests.live.hubs import AtWork, at_work
from tests.live.polling import Poller
from tests.waiting import until

pytestmark = pytest.mark.virtual_time

RING = KeyRing({"k1": bytes(range(32))})
MUCH = "x" * 30_000


@pytest.fixture(autouse=True)
def heeded_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kikao.live.polled.HEEDED", 0.05)


def an_app(**limits: Any) -> Live:
    live = Live(users=anyone, limits=LiveLimits(**limits))
    room = live.channel("room:{name}", presence=True)

    @room.on("echo")
    async def echo(channel: Channel, payload: dict[str, Any]) -> dict[str, Any]:
        return payload

    @room.on("bin")
    async def binary(channel: Channel, payload: bytes) -> bytes:
        await channel.push("length", {"octets": len(payload)})
        await channel.push("octets", payload)
        return payload

    @room.on("shout")
    async def shout(channel: Channel, payload: dict[str, Any]) -> None:
        await channel.broadcast("shout", payload)

    @room.on("much")
    async def much(channel: Channel, payload: dict[str, Any]) -> None:
        for _ in range(payload["times"]):
            await channel.push("much", {"text": MUCH})

    @room.on("out")
    async def out(channel: Channel, payload: Any) -> None:
        await channel.log_out()

    return live


async def nothing() -> Any:
    raise AssertionError("nothing is read")


class Polls:
    """A hub at work, and where its clients poll."""

    def __init__(self, work: AtWork, window: float, ring: KeyRing | None) -> None:
        self.work = work
        seal = None if ring is None else lambda: ring
        self.page = LongPoll(work.hub, ("https://app.example",), seal, window=window)

    def poller(self, user: str = "ada", **headers: str) -> Poller:
        return Poller(self.page, self.work.tokens.sign(user, 600), **headers)

    async def open(self, user: str = "ada") -> Poller:
        poller = self.poller(user)
        assert (await poller.open())["status"] == 410
        return poller


@contextlib.asynccontextmanager
async def polls(
    *, window: float = 10.0, ring: KeyRing | None = None, bus: Any = None, **limits: Any
) -> AsyncIterator[Polls]:
    async with at_work(an_app(**limits), bus=bus) as work:
        yield Polls(work, window, ring)


# --- as the official client does it ---


async def test_a_socket_over_requests() -> None:
    async with polls() as at:
        poller = at.poller()
        opened = await poller.open()
        assert opened == {"status": 410, "token": poller.token, "messages": []}
        assert (
            await poller.post(["1", "1", "room:1", "phx_join", {}], ["1", "2", "room:1", "echo", {"n": 1}])
            == 200
        )
        answer = await poller.get()
        assert (answer["status"], answer["token"]) == (200, poller.token)
        frames = [frame for frame in await _all(poller, answer) if frame[3] == "phx_reply"]
        assert frames == [
            ["1", "1", "room:1", "phx_reply", {"status": "ok", "response": {}}],
            ["1", "2", "room:1", "phx_reply", {"status": "ok", "response": {"n": 1}}],
        ]


async def _all(poller: Poller, answer: Any) -> list[Any]:
    """Of this answer, and of the polls after it until two replies have come."""
    import json

    frames = [json.loads(each) for each in answer["messages"]]
    while sum(frame[3] == "phx_reply" for frame in frames) < 2:
        frames += await poller.frames()
    return frames


async def test_a_poll_waits_for_what_comes_and_ends_with_nothing_when_nothing_does() -> None:
    async with polls(window=0.05) as at:
        poller = await at.open()
        assert await poller.get() == {"status": 204, "token": poller.token, "messages": []}
        await poller.post(["1", "1", "room:1", "phx_join", {}])
        await poller.until("presence_state")
    async with polls() as at:
        ada, bob = await at.open(), await at.open("bob")
        for each in (ada, bob):
            await each.post(["1", "1", "room:1", "phx_join", {}])
            await each.until("presence_state")
        waiting = asyncio.create_task(bob.until("shout"))
        await asyncio.sleep(0)
        await ada.post(["1", "2", "room:1", "shout", {"text": "hello"}])
        assert await waiting == {"text": "hello"}


@pytest.mark.parametrize("names", ["x_phoenix_authtoken", "query"])
async def test_the_token_may_be_shown_in_a_header_and_that_of_the_socket_too(names: str) -> None:
    async with polls() as at:
        shown = at.work.tokens.sign("ada", 600)
        poller = Poller(at.page, shown) if names == "query" else Poller(at.page, **{names: shown})
        assert (await poller.open())["status"] == 410
        token, poller.token = poller.token, None
        assert token is not None
        poller.headers = {"x_phoenix_longpoll_token": token}
        assert await poller.post([None, "1", "phoenix", "heartbeat", {}]) == 200
        assert (await poller.get())["status"] == 200
        assert list(at.work.hub.sessions) == ["ada"]


async def test_octets_go_up_as_base64_and_only_text_comes_down() -> None:
    async with polls() as at:
        poller = await at.open()
        octets = base64.b64encode(pushed("1", "2", "room:1", "bin", b"\x00\x01\xff")).decode()
        assert await poller.post(["1", "1", "room:1", "phx_join", {}], octets) == 200
        frames: list[Any] = []
        while not any(frame[1] == "2" for frame in frames):
            frames += await poller.frames()
        said = [frame for frame in frames if frame[3] not in ("presence_state", "presence_diff")]
        assert said == [
            ["1", "1", "room:1", "phx_reply", {"status": "ok", "response": {}}],
            ["1", None, "room:1", "length", {"octets": 3}],
            ["1", "2", "room:1", "phx_reply", {"status": "error", "response": {"reason": "binary"}}],
        ]


async def test_answers_are_kept_by_nobody_and_pages_of_other_sites_may_ask() -> None:
    async with polls() as at:
        poller = at.poller(origin="https://app.example")
        answer = await poller.ask("GET")
        headers = dict(answer.headers)
        assert headers["cache-control"] == "no-store"
        assert headers["access-control-allow-origin"] == "*"
        poller.headers = {
            "origin": "https://app.example",
            "access_control_request_headers": "content-type,x-phoenix-authtoken",
        }
        preflight = await poller.ask("OPTIONS")
        allowed = dict(preflight.headers)
        assert preflight.status == 204
        assert allowed["access-control-allow-headers"] == "content-type,x-phoenix-authtoken"
        assert allowed["access-control-allow-methods"] == "GET, POST, OPTIONS"


# --- who comes in ---


async def test_who_may_not_come_in_hears_no_more_than_that() -> None:
    async with polls(sockets=1, polls=2) as at:
        elsewhere = at.poller(origin="https://evil.example")
        assert await elsewhere.open() == {"status": 403}
        assert await Poller(at.page).open() == {"status": 403}
        assert await Poller(at.page, "none").open() == {"status": 403}
        await at.open()
        assert await at.poller().open() == {"status": 500}, "the client knows no 429 here: it tries again"
        await at.open("bob")
        assert await at.poller("eve").open() == {"status": 500}
        at.work.hub.leaving = True
        assert await at.poller("dan").open() == {"status": 500}
        assert [(event.status, event.reason) for event in at.work.heard(RequestRefused)] == [
            (403, "the origin is not allowed. See KIKAO_LIVE_ORIGINS"),
            (403, "no token"),
            (403, "token: malformed"),
            (429, "too many sockets of one user"),
            (503, "too many clients that poll"),
            (503, "this process is stopping"),
        ]
        snapshot = Snapshot()
        at.work.hub.measure(snapshot)
        counted = {each.labels: each.value for each in snapshot.counters["kikao_live_connects"]}
        assert counted == {
            ("longpoll", "101"): 2,
            ("longpoll", "403"): 3,
            ("longpoll", "429"): 1,
            ("longpoll", "503"): 2,
        }
        gauges = {each.labels: each.value for each in snapshot.gauges["kikao_live_sockets"]}
        assert gauges == {("websocket",): 0, ("longpoll",): 2}


async def test_no_more_requests_wait_than_may() -> None:
    async with polls(polls=1) as at:
        poller = await at.open()
        first = asyncio.create_task(poller.get())
        await until(lambda: at.page._waiting, "a poll that waits")
        assert await poller.get() == {"status": 500}
        await poller.post([None, "1", "phoenix", "heartbeat", {}])
        assert (await first)["status"] == 200
        assert not at.page._waiting


@pytest.mark.parametrize("token", ["lp.", "lp.none", "lp." + "A" * 400, "lp.ä"])
@pytest.mark.parametrize("ring", [None, RING])
async def test_a_token_that_is_none_of_a_socket_opens_nothing(token: str, ring: KeyRing | None) -> None:
    async with polls(ring=ring) as at:
        poller = at.poller()
        poller.token = token
        assert await poller.get() == {"status": 410, "token": None, "messages": []}
        assert await poller.post([None, "1", "phoenix", "heartbeat", {}]) == 410
        assert b'"status":410' in (await poller.ask("POST", b"x" * 2_000_000)).body, "nobody reads that"
        assert not at.work.hub.sockets


@pytest.mark.parametrize(("method", "status"), [("PUT", 405), ("DELETE", 405)])
async def test_other_methods_and_paths_are_none(method: str, status: int) -> None:
    async with polls() as at:
        with pytest.raises(Denied) as denied:
            await at.poller().ask(method)
        assert denied.value.status == status
        with pytest.raises(Denied, match="nothing is here"):
            await at.page({"path": "/socket/longpolls"}, nothing)


# --- what is posted ---


async def test_lines_beyond_the_hundredth_are_left_out() -> None:
    async with polls() as at:
        poller = await at.open()
        assert await poller.post(*([None, str(n), "phoenix", "heartbeat", {}] for n in range(120))) == 200
        refs = [frame[1] for frame in await poller.frames()]
        assert refs == [str(n) for n in range(100)]


async def test_a_stale_join_ref_is_ignored_and_none_is_accepted_at_a_leave() -> None:
    async with polls() as at:
        poller = await at.open()
        await poller.post(["1", "1", "room:1", "phx_join", {}])
        await poller.until("presence_state")
        await poller.post(
            ["0", "2", "room:1", "phx_leave", {}],
            ["0", "3", "room:1", "echo", {}],
            [None, "4", "room:1", "phx_leave", {}],
        )
        frames: list[Any] = []
        while not any(frame[3] == "phx_close" for frame in frames):
            frames += await poller.frames()
        assert [frame[1] for frame in frames if frame[3] == "phx_reply"] == ["4"]


@pytest.mark.parametrize("line", ["nonsense", "%%%", '["1"]', "AAAA"])
async def test_a_line_that_is_no_frame_ends_the_socket(line: str) -> None:
    async with polls() as at:
        poller = await at.open()
        assert await poller.post(line) == 200
        assert (await poller.get())["status"] == 410
        await until(lambda: at.work.heard(LiveClosed), "the socket to end")
        assert at.work.heard(LiveClosed)[0].reason == "malformed"
        assert not at.page._open


async def test_bodies_that_are_no_text_or_too_large() -> None:
    async with polls(frame=100) as at:
        poller = await at.open()
        assert b'"status":400' in (await poller.ask("POST", b"\xff[]")).body
        with pytest.raises(Denied) as denied:
            await poller.ask("POST", b"x" * 1601)
        assert denied.value.status == 413
        assert await poller.post(["1", "1", "room:1", "phx_join", {"text": "x" * 100}]) == 200
        await until(lambda: at.work.heard(LiveClosed), "the socket to end")
        assert at.work.heard(LiveClosed)[0].reason == "too_large"


# --- its end ---


async def test_who_polls_no_more_is_gone() -> None:
    async with polls(window=0.02) as at:
        poller = await at.open()
        await until(lambda: at.work.hub.sockets, "the socket")
        assert (await poller.get())["status"] == 204
        await until(lambda: not at.work.hub.sockets, "its client to be given up")
        assert at.work.heard(LiveClosed)[0].reason == "lost"
        assert (await poller.get())["status"] == 410
        assert await poller.post([None, "1", "phoenix", "heartbeat", {}]) == 410
        assert not at.page._open


async def test_who_polls_is_not_silent_though_it_sends_no_heartbeats() -> None:
    async with polls(window=0.02) as at:
        poller = await at.open()
        for _ in range(4):
            at.work.time.passed += 40
            assert (await poller.get())["status"] == 204
            at.work.hub.look()
        assert len(at.work.hub.sockets) == 1


async def test_a_client_that_leaves_while_it_waits_loses_nothing() -> None:
    async with polls() as at:
        poller = await at.open()
        waiting = asyncio.create_task(poller.get())
        await until(lambda: at.page._waiting, "a poll that waits")
        poller.gone.set()
        assert (await waiting)["status"] == 204
        poller.gone = asyncio.Event()
        await poller.post([None, "1", "phoenix", "heartbeat", {}])
        assert [frame[1] for frame in await poller.frames()] == ["1"]


async def test_a_second_poll_takes_the_place_of_the_first() -> None:
    async with polls() as at:
        poller = await at.open()
        first = asyncio.create_task(poller.get())
        await until(lambda: at.page._waiting, "a poll that waits")
        second = asyncio.create_task(poller.get())
        assert (await first)["status"] == 204
        await poller.post([None, "1", "phoenix", "heartbeat", {}])
        assert (await second)["status"] == 200


async def test_who_is_logged_out_hears_so_and_is_not_let_in_again() -> None:
    async with polls() as at:
        poller = await at.open()
        await poller.post(["1", "1", "room:1", "phx_join", {}])
        await poller.until("presence_state")
        await poller.post(["1", "2", "room:1", "out", {}])
        assert await poller.until("session_ended") == {"reason": "logged_out"}
        await until(lambda: not at.work.hub.sockets, "the socket to end")
        assert (await poller.get())["status"] == 410
        poller.token = None
        assert await poller.open() == {"status": 403}


async def test_what_a_client_does_not_fetch_is_bounded() -> None:
    async with polls(queue=200_000) as at:
        poller = await at.open()
        await poller.post(["1", "1", "room:1", "phx_join", {}])
        await poller.until("presence_state")
        await poller.post(["1", "2", "room:1", "much", {"times": 7}])
        seen = 0
        while seen < 7:
            seen += sum(frame[3] == "much" for frame in await poller.frames())
        await poller.post(["1", "3", "room:1", "much", {"times": 20}])
        await until(lambda: at.work.heard(LiveClosed), "the slow one to be closed")
        assert at.work.heard(LiveClosed)[0].reason == "slow"
        assert (await poller.get())["status"] == 410
        assert not at.page._open


async def test_a_process_that_stops_lets_no_poll_wait() -> None:
    async with polls() as at:
        poller = await at.open()
        waiting = asyncio.create_task(poller.get())
        await until(lambda: at.page._waiting, "a poll that waits")
        await at.work.hub.drain()
        assert (await waiting)["status"] == 410


# --- several processes ---


@contextlib.asynccontextmanager
async def two(**more: Any) -> AsyncIterator[tuple[Polls, Polls]]:
    bus = MemoryFanout()
    async with polls(ring=RING, bus=bus, **more) as one, polls(ring=RING, bus=bus, **more) as other:
        yield one, other


async def test_a_request_may_reach_any_process() -> None:
    async with two() as (one, other):
        poller = await one.open()
        poller.page = other.page
        assert await poller.post(["1", "1", "room:1", "phx_join", {}]) == 200
        await poller.until("presence_state")
        waiting = asyncio.create_task(poller.until("shout"))
        await until(lambda: other.page._waiting, "a poll that waits")
        for n in range(3):
            await one.work.hub.broadcast("room:1", "shout", {"n": n, "text": MUCH})
        assert (await waiting)["n"] == 0
        octets = base64.b64encode(pushed("1", "2", "room:1", "bin", b"\x00\x01")).decode()
        assert await poller.post(octets) == 200
        assert await poller.until("length") == {"octets": 2}
        assert not other.work.hub.sockets


async def test_a_socket_of_a_process_that_is_gone_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kikao.live.relay.HEARD_OF", 0.02)
    async with polls(ring=RING) as gone:
        poller = await gone.open()
    async with two() as (one, other):
        poller.page = one.page
        assert (await poller.get())["status"] == 410
        assert await poller.post([None, "1", "phoenix", "heartbeat", {}]) == 410
        there = await one.open()
        await until(lambda: one.work.hub.sockets, "the socket")
        there.page = other.page
        await one.work.hub.stop_session("ada")
        await until(lambda: not one.work.hub.sockets, "the socket to end")
        assert [frame[3] for frame in await there.frames()] == ["session_ended"]
        assert (await there.get())["status"] == 410
        assert await there.post([None, "1", "phoenix", "heartbeat", {}]) == 410


async def test_what_is_posted_travels_sealed() -> None:
    class Tapped(MemoryFanout):
        said = b""

        async def publish(self, topic: str, payload: bytes) -> None:
            self.said += payload
            await super().publish(topic, payload)

    bus = Tapped()
    async with polls(ring=RING, bus=bus) as one, polls(ring=RING, bus=bus) as other:
        poller = await one.open()
        poller.page = other.page
        assert await poller.post(["1", "1", "room:1", "phx_join", {"pin": "4821"}]) == 200
        assert b"4821" not in bus.said
        assert b"phx_join" not in bus.said
        assert len(bus.said) > 100
