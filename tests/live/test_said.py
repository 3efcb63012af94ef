"""What a hub says to whom: to topics, users and groups, what is kept, and who is present."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kikao.channels.socket.protocol import Json
from kikao.live import Channel, Kept, User
from kikao.live.stores.memory import MemoryLive
from kikao.live.stores.store import Entry, Listing, LiveAway
from tests.live.hubs import Time, an_app, at_work, two_at_work

pytestmark = pytest.mark.virtual_time


async def test_a_crowd_is_told_in_order_and_nobody_waits_for_it() -> None:
    async with at_work(an_app(connects=5000)) as work:
        crowd = [await work.open(f"u{n}") for n in range(600)]
        await asyncio.gather(*(one.ask("ask:a", "phx_join") for one in crowd))
        for n in range(3):
            await work.hub.broadcast("ask:a", "news", {"n": n})
        for one in crowd:
            assert [(await one.frame())[4]["n"] for _ in range(3)] == [0, 1, 2]


async def test_users_and_groups_hear_on_their_own_topic_wherever_they_are() -> None:
    async def users(user_id: str, claims: Any) -> User | None:
        return User(user_id, groups=frozenset({"agents"} if user_id.startswith("a") else ()))

    async with two_at_work(an_app(), users=users) as (one, other):
        ada, abe, bob = await one.open("ada"), await other.open("abe"), await other.open("bob")
        for name, socket in (("ada", ada), ("abe", abe), ("bob", bob)):
            await socket.ask(f"user:{name}", "phx_join")
        await one.hub.to_group("agents", "shift", {"n": 1})
        await one.hub.to_users(["bob", "ada"], "some", {"n": 2})
        await one.hub.to_user("abe", "own", {"n": 3})
        assert [(await ada.frame())[2:] for _ in range(2)] == [
            ["user:ada", "shift", {"n": 1}],
            ["user:ada", "some", {"n": 2}],
        ]
        assert [(await abe.frame())[3] for _ in range(2)] == ["shift", "own"]
        assert (await bob.frame())[2:] == ["user:bob", "some", {"n": 2}]


async def test_what_is_kept_is_had_again_in_order_or_not_at_all() -> None:
    async with two_at_work(an_app()) as (one, other):
        ada = await one.open()
        first = (await ada.ask("kept:a", "phx_join"))["response"]
        assert (first["seq"], first["recovered"], first["messages"]) == (0, False, [])
        await other.hub.broadcast("kept:a", "news", {"n": 1})
        assert await ada.until("news") == {"seq": 1, "n": 1}
        for _ in range(3):  # it works every time
            await ada.lose()
            at = (await one.store.since("kept:a", None)).top.seq
            await one.hub.broadcast("kept:a", "news", {"n": at + 1})
            await other.hub.broadcast("kept:a", "empty")
            ada = await other.open()
            back = (await ada.ask("kept:a", "phx_join", {"last_seq": at, "epoch": first["epoch"]}))[
                "response"
            ]
            assert back["recovered"]
            assert back["messages"] == [
                {"event": "news", "payload": {"seq": at + 1, "n": at + 1}},
                {"event": "empty", "payload": {"seq": at + 2}},
            ]
        far = (await ada.ask("kept:a", "phx_join", {"last_seq": 1, "epoch": first["epoch"]}))["response"]
        assert (far["recovered"], far["reason"], far["messages"]) == (False, "too far behind", [])
        strange = (await ada.ask("kept:a", "phx_join", {"last_seq": 7, "epoch": "another"}))["response"]
        assert (strange["recovered"], strange["reason"]) == (False, "unknown epoch")


async def test_what_a_process_missed_it_reads_from_the_store() -> None:
    async with two_at_work(an_app()) as (one, other):
        ada = await one.open()
        await ada.ask("kept:a", "phx_join")
        for n in range(3):  # stored, and never published: as by a process that died in between
            await other.hub.streams.append("kept:a", "news", Json(f'{{"n":{n}}}'), Kept())
        await other.hub.broadcast("kept:a", "news", {"n": 3})
        assert [(await ada.until("news"))["seq"] for _ in range(4)] == [1, 2, 3, 4]


async def test_a_stream_that_began_anew_has_its_clients_join_again() -> None:
    time = Time()
    store = MemoryLive(clock=time.steady, wall=time.wall)
    async with at_work(an_app(), time=time, store=store) as work:
        ada = await work.open()
        await ada.say("1", "1", "kept:a", "phx_join", {})
        await ada.until("phx_reply")
        time.passed += 30 * 86_400
        for n in range(400):
            await store.append("kept:a", b'{"event":"news","payload":{}}', keep=5, seconds=600)
            del n
        work.hub.streams.missed()
        assert await ada.until("phx_error")


async def test_a_store_that_is_away_is_told_as_unavailable() -> None:
    class Away(MemoryLive):
        """Keeps nothing."""

        async def append(self, *_: Any, **__: Any) -> Any:
            raise LiveAway("away")

    live = an_app()
    [kept] = [route for route in live.routes if route.pattern.startswith("kept")]

    @kept.on("say")
    async def say(channel: Channel, payload: dict[str, Any]) -> None:
        await channel.broadcast("news", payload)

    async with at_work(live, store=Away()) as work:
        ada = await work.open()
        await ada.ask("kept:a", "phx_join")
        assert (await ada.ask("kept:a", "say"))["response"] == {"reason": "unavailable"}


async def test_what_is_said_to_others_is_not_said_to_oneself_when_it_is_read_from_the_store() -> None:
    async with two_at_work(an_app()) as (one, other):
        ada, bob = await one.open("ada"), await one.open("bob")
        for socket in (ada, bob):
            await socket.ask("kept:a", "phx_join")
        (mine,) = one.hub.sessions["ada"].sockets
        await other.hub.streams.append("kept:a", "news", Json("{}"), Kept())  # of which no news comes
        await one.hub.broadcast("kept:a", "mine", {}, but=mine.id)
        await one.hub.broadcast("kept:a", "last")
        assert [(await bob.frame())[3:] for _ in range(3)] == [
            ["news", {"seq": 1}],
            ["mine", {"seq": 2}],
            ["last", {"seq": 3}],
        ]
        assert [(await ada.frame())[3:] for _ in range(2)] == [["news", {"seq": 1}], ["last", {"seq": 3}]]


async def test_who_is_present_is_shown_whole_or_late() -> None:
    class Away(MemoryLive):
        """Lists nothing while it is away."""

        is_away = True

        async def listing(self, topic: str) -> Listing:
            if self.is_away:
                raise LiveAway("away")
            return await super().listing(topic)

        async def beat(self, node: str) -> bool:
            if self.is_away:
                raise LiveAway("away")
            return await super().beat(node)

    store = Away()
    await store.put(Entry("room:a", "bob", "0", "another", b'{"n":1}'))
    async with at_work(an_app(), store=store) as work:
        ada = await work.open()
        assert (await ada.ask("room:a", "phx_join"))["status"] == "ok"
        assert (await ada.ask("room:a", "unheard"))["response"] == {"reason": "unknown event"}
        store.is_away = False
        assert [*await ada.until("presence_state")] == ["bob"]
