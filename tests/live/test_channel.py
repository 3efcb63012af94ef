"""Channels as their client sees them: what is answered, in which order, and what ends what."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import msgspec
import pytest

from kikao.events import ErrorUncaught
from kikao.live import NO_REPLY, Channel, Kept, LaterReply, Live, LiveLimits, Refused, Reply, Stop
from kikao.live.stores.memory import MemoryLive
from tests.live.hubs import at_work
from tests.live.inside import InsideSocket

pytestmark = pytest.mark.virtual_time


class Enter(msgspec.Struct):
    name: str = ""
    age: int = 0


def rooms(**limits: Any) -> Live:
    live = Live(limits=LiveLimits(**limits))

    @live.channel("room:{name}", presence=True)
    async def room(channel: Channel, params: Enter) -> dict[str, Any] | None:
        if params.name == "nobody":
            raise Refused("denied", why="no name")
        if params.name == "broken":
            raise ValueError("of ours")
        await channel.push("welcome", {"to": channel.at["name"]})
        await channel.broadcast("came", {"who": channel.user.id})
        return {"room": channel.at["name"]}

    @room.on("echo")
    async def echo(channel: Channel, payload: dict[str, Any]) -> dict[str, Any]:
        return payload

    @room.on("any")
    async def whatever(channel: Channel, payload: Any) -> Any:
        return payload if isinstance(payload, bytes) else {"got": payload}

    @room.on("both")
    async def both(channel: Channel, payload: Enter | bytes) -> bytes:
        return payload if isinstance(payload, bytes) else payload.name.encode()

    @room.on("custom")
    async def custom(channel: Channel, payload: dict[str, Any]) -> Reply:
        return Reply("later", {"in": 5})

    @room.on("nothing")
    async def nothing(channel: Channel, payload: dict[str, Any]) -> None: ...

    @room.on("silent")
    async def silent(channel: Channel, payload: dict[str, Any]) -> Any:
        channel.state["reply"] = channel.later()
        return NO_REPLY

    @room.on("speak")
    async def speak(channel: Channel, payload: dict[str, Any]) -> Any:
        later: LaterReply = channel.state["reply"]
        later({"at": "last"})
        later({"never": True})
        return NO_REPLY

    @room.on("others")
    async def others(channel: Channel, payload: dict[str, Any]) -> None:
        await channel.broadcast_others("heard", payload)

    @room.on("wrong")
    async def wrong(channel: Channel, payload: dict[str, Any]) -> Any:
        return 7

    @room.on("refuse")
    async def refuse(channel: Channel, payload: dict[str, Any]) -> None:
        raise Refused("not now")

    @room.on("crash")
    async def crash(channel: Channel, payload: dict[str, Any]) -> None:
        raise RuntimeError("a secret is in here")

    @room.on("stop")
    async def stop(channel: Channel, payload: dict[str, Any]) -> Stop:
        return Stop({"bye": True})

    @live.channel("user:{user_id}")
    async def own(channel: Channel, params: dict[str, Any]) -> None: ...

    @live.channel("staff:{of}", allow=lambda channel: channel.user.id == "boss")
    async def staff(channel: Channel, params: dict[str, Any]) -> None: ...

    return live


async def test_a_join_is_answered_before_what_it_said() -> None:
    async with at_work(rooms()) as work:
        ada = await work.open()
        await ada.say("9", "11", "room:one", "phx_join", {"name": "Ada"})
        assert await ada.frame() == [
            "9",
            "11",
            "room:one",
            "phx_reply",
            {"status": "ok", "response": {"room": "one"}},
        ]
        assert await ada.frame() == ["9", None, "room:one", "welcome", {"to": "one"}]
        assert await ada.frame() == [None, None, "room:one", "came", {"who": "ada"}]
        assert await ada.frame() == ["9", None, "room:one", "presence_state", {}]


def test_an_id_of_a_user_may_have_a_colon_where_no_other_pattern_matches() -> None:
    live = rooms()
    assert live.routes.find("room:one:two") is None
    found = live.routes.find("user:tel:+255")
    assert found is not None
    assert (found[0].pattern, found[1]) == ("user:{user_id}", {"user_id": "tel:+255"})
    live.channel("user:{user_id}:{part}")
    found = live.routes.find("user:ada:posts")
    assert found is not None
    assert found[1] == {"user_id": "ada", "part": "posts"}


async def test_a_colon_in_a_topic_lets_nobody_in_but_the_user_of_that_id() -> None:
    async with at_work(rooms()) as work:
        ada = await work.open()
        await ada.say("1", "1", "user:ada:x", "phx_join", {})
        assert (await ada.frame())[4]["response"] == {"reason": "unauthorized"}
        other = await work.open(user="ada:x")
        await other.say("1", "1", "user:ada:x", "phx_join", {})
        assert (await other.frame())[4]["status"] == "ok"


async def test_replies_are_what_was_returned() -> None:
    async with at_work(rooms()) as work:
        ada = await work.open()
        await ada.ask("room:one", "phx_join")
        assert await ada.ask("room:one", "echo", {"x": [1]}) == {"status": "ok", "response": {"x": [1]}}
        assert await ada.ask("room:one", "nothing") == {"status": "ok", "response": {}}
        assert await ada.ask("room:one", "custom") == {"status": "later", "response": {"in": 5}}
        assert await ada.ask("room:one", "refuse") == {"status": "error", "response": {"reason": "not now"}}
        assert (await ada.ask("room:one", "unheard"))["response"] == {"reason": "unknown event"}
        assert (await ada.ask("room:one", "any", {"a": 1}))["response"] == {"got": {"a": 1}}


async def test_a_reply_may_come_later_and_once() -> None:
    async with at_work(rooms()) as work:
        ada = await work.open()
        await ada.ask("room:one", "phx_join")
        await ada.say("1", "77", "room:one", "silent", {})
        await ada.say("1", "78", "room:one", "speak", {})
        while (frame := await ada.frame())[3] != "phx_reply":
            pass
        assert frame == ["1", "77", "room:one", "phx_reply", {"status": "ok", "response": {"at": "last"}}]
        assert (await ada.ask("room:one", "nothing"))["status"] == "ok"


async def test_octets_are_taken_where_they_are_meant() -> None:
    async with at_work(rooms()) as work:
        ada = await work.open()
        await ada.ask("room:one", "phx_join")

        async def send(event: bytes) -> Any:
            await ada.say(bytes([0, 1, 2, 8, len(event)]) + b"1" + b"50" + b"room:one" + event + b"\0\xff")
            while not isinstance(frame := await ada.frame(), bytes) and frame[1] != "50":
                pass
            return frame

        assert await send(b"both") == bytes([1, 1, 2, 8, 2]) + b"150room:oneok" + b"\0\xff"
        assert await send(b"any") == bytes([1, 1, 2, 8, 2]) + b"150room:oneok" + b"\0\xff"
        refused = await send(b"echo")
        assert refused[4]["response"] == {"reason": "invalid payload", "detail": "binary is not taken here"}


@pytest.mark.parametrize(
    ("params", "detail"), [({"age": "old"}, "Expected `int`, got `str` - at `$.age`"), (7, "")]
)
async def test_what_does_not_fit_is_refused_without_its_value(params: Any, detail: str) -> None:
    async with at_work(rooms()) as work:
        ada = await work.open()
        answer = await ada.ask("room:one", "phx_join", params)
        assert answer["status"] == "error"
        assert answer["response"]["reason"] == "invalid payload"
        assert detail in answer["response"]["detail"]
        assert "old" not in answer["response"]["detail"]
        assert (await ada.ask("room:one", "echo"))["response"] == {"reason": "unmatched topic"}


async def test_a_join_that_is_refused_or_breaks_leaves_nothing() -> None:
    async with at_work(rooms()) as work:
        ada = await work.open()
        assert await ada.ask("room:one", "phx_join", {"name": "nobody"}) == {
            "status": "error",
            "response": {"reason": "denied", "why": "no name"},
        }
        broken = await ada.ask("room:one", "phx_join", {"name": "broken"})
        assert broken == {"status": "error", "response": {"reason": "join crashed"}}
        assert [event.error for event in work.heard(ErrorUncaught)] != []
        assert not work.hub.topics.counts()


async def test_who_may_not_join() -> None:
    async with at_work(rooms()) as work:
        ada, boss = await work.open(), await work.open("boss")
        assert (await ada.ask("user:ada", "phx_join"))["status"] == "ok"
        assert (await ada.ask("user:bob", "phx_join"))["response"] == {"reason": "unauthorized"}
        assert (await ada.ask("staff:x", "phx_join"))["response"] == {"reason": "unauthorized"}
        assert (await boss.ask("staff:x", "phx_join"))["status"] == "ok"


async def test_a_crash_ends_its_channel_and_nothing_else() -> None:
    async with at_work(rooms()) as work:
        ada = await work.open()
        await ada.ask("room:one", "phx_join")
        await ada.ask("room:two", "phx_join")
        await ada.say("1", "60", "room:one", "crash", {})
        assert await ada.until("phx_error") == {"reason": "channel_crash"}
        assert (await ada.ask("room:one", "echo"))["response"] == {"reason": "unmatched topic"}
        assert (await ada.ask("room:two", "echo"))["status"] == "ok"
        assert (await ada.ask("room:one", "phx_join"))["status"] == "ok"
        [told] = work.heard(ErrorUncaught)
        assert "secret" not in told.error


async def test_a_wrong_return_is_a_crash_that_lists_the_legal_ones() -> None:
    async with at_work(rooms()) as work:
        ada = await work.open()
        await ada.ask("room:one", "phx_join")
        await ada.say("1", "60", "room:one", "wrong", {})
        assert await ada.until("phx_error")
        assert work.heard(ErrorUncaught)


async def test_who_crashes_too_often_rests() -> None:
    async with at_work(rooms(crashes=2, crash_window=60.0)) as work:
        ada = await work.open()
        for _ in range(2):
            assert (await ada.ask("room:one", "phx_join"))["status"] == "ok"
            await ada.say(None, "60", "room:one", "crash", {})
            await ada.until("phx_error")
        refused = await ada.ask("room:one", "phx_join")
        assert refused["response"] == {"reason": "crashed too often", "retry_after": 60.0}
        assert (await ada.ask("room:two", "phx_join"))["status"] == "ok"
        work.time.passed += 61
        assert (await ada.ask("room:one", "phx_join"))["status"] == "ok"


async def test_a_stop_is_answered_and_closes() -> None:
    async with at_work(rooms()) as work:
        ada = await work.open()
        await ada.say("5", "5", "room:one", "phx_join", {})
        await ada.until("presence_state")
        await ada.say("5", "6", "room:one", "stop", {})
        assert await ada.frame() == [
            "5",
            "6",
            "room:one",
            "phx_reply",
            {"status": "ok", "response": {"bye": True}},
        ]
        assert await ada.frame() == ["5", "5", "room:one", "phx_close", {}]


async def test_a_leave_is_answered_twice_and_its_hook_is_heard_by_nobody() -> None:
    live, ended = rooms(), list[str]()
    [room] = [route for route in live.routes if route.pattern == "room:{name}"]

    @room.leave
    async def left(channel: Channel, reason: str) -> None:
        ended.append(reason)
        await channel.push("too late", {})

    async with at_work(live) as work:
        ada = await work.open()
        await ada.say("5", "5", "room:one", "phx_join", {})
        await ada.until("presence_state")
        await ada.say("5", "6", "room:one", "phx_leave", {})
        assert await ada.frame() == ["5", "6", "room:one", "phx_reply", {"status": "ok", "response": {}}]
        assert await ada.frame() == ["5", "5", "room:one", "phx_close", {}]
        again = await ada.ask("room:one", "phx_leave", join_ref="5")
        assert again == {"status": "ok", "response": {}}
        assert ended == ["left"]


async def test_joining_again_answers_the_new_join_first() -> None:
    async with at_work(rooms()) as work:
        ada = await work.open()
        await ada.say("5", "5", "room:one", "phx_join", {})
        await ada.until("presence_state")
        await ada.say("7", "8", "room:one", "phx_join", {})
        kinds = [(await ada.frame())[:4] for _ in range(5)]
        assert kinds[0] == ["7", "8", "room:one", "phx_reply"]
        assert kinds[1] == ["5", "5", "room:one", "phx_close"]
        assert (await ada.ask("room:one", "echo", join_ref="7"))["status"] == "ok"
        await ada.say("5", "90", "room:one", "echo", {})  # of the old join: nobody answers
        assert (await ada.ask("room:one", "echo", join_ref="7"))["status"] == "ok"


async def test_others_hear_and_the_speaker_does_not() -> None:
    async with at_work(rooms()) as work:
        ada, bob = await work.open(), await work.open("bob")
        await ada.ask("room:one", "phx_join")
        await bob.ask("room:one", "phx_join")
        assert (await ada.ask("room:one", "others", {"hi": 1}))["status"] == "ok"
        assert await bob.until("heard") == {"hi": 1}


async def test_events_of_a_channel_wait_for_each_other_and_channels_do_not() -> None:
    live, free = Live(), asyncio.Event()

    @live.channel("slow:{n}")
    async def slow(channel: Channel, params: dict[str, Any]) -> None: ...

    @slow.on("wait")
    async def wait(channel: Channel, payload: dict[str, Any]) -> None:
        await free.wait()

    @slow.on("next")
    async def following(channel: Channel, payload: dict[str, Any]) -> None: ...

    async with at_work(live) as work:
        ada = await work.open()
        await ada.ask("slow:1", "phx_join")
        await ada.ask("slow:2", "phx_join")
        await ada.say("1", "50", "slow:1", "wait", {})
        await ada.say("1", "51", "slow:1", "next", {})
        await ada.say(None, "52", "phoenix", "heartbeat", {})
        assert (await ada.frame())[1] == "52"
        assert (await ada.ask("slow:2", "next"))["status"] == "ok"
        free.set()
        assert [(await ada.frame())[1] for _ in range(2)] == ["50", "51"]


async def test_a_channel_that_does_not_end_is_busy() -> None:
    live, free = Live(limits=LiveLimits(pending=2)), asyncio.Event()

    @live.channel("slow")
    async def slow(channel: Channel, params: dict[str, Any]) -> None:
        await free.wait()

    async with at_work(live) as work:
        ada = await work.open()
        await ada.say("1", "1", "slow", "phx_join", {})
        await asyncio.sleep(0)
        for ref in ("2", "3", "4"):
            await ada.say("1", ref, "slow", "x", {})
        assert (await ada.frame())[4] == {"status": "error", "response": {"reason": "busy"}}
        free.set()
        assert [(await ada.frame())[1] for _ in range(3)] == ["1", "2", "3"]


async def test_many_events_in_one_piece_are_all_dealt_with_in_their_order() -> None:
    async with at_work(rooms()) as work:
        ada = await work.open()
        await ada.ask("room:one", "phx_join")
        for n in range(900):
            await ada.say("1", f"e{n}", "room:one", "echo", {"n": n})
        answers: list[dict[str, Any]] = []
        while len(answers) < 900:
            frame = await ada.frame()
            if frame[3] == "phx_reply":
                answers.append(frame[4]["response"])
        assert answers == [{"n": n} for n in range(900)]


class Gate(Live):
    """Topics whose functions wait until a test lets them go on."""

    def __init__(self, **limits: Any) -> None:
        super().__init__(limits=LiveLimits(**limits))
        self.entered, self.opens = asyncio.Event(), asyncio.Event()
        self.told: list[str] = []
        asked = self.channel("asked:{name}", allow=self.wait)
        asked.join(self.join)
        slow = self.channel("slow:{name}", presence=True, keeps=Kept())
        slow.join(self.join_slowly)
        slow.on("wait")(self.hear)
        slow.leave(self.leave)

    async def wait(self, channel: Channel) -> bool:
        self.entered.set()
        await self.opens.wait()
        return True

    async def join(self, channel: Channel, params: dict[str, Any]) -> None:
        self.told.append("joined")

    async def join_slowly(self, channel: Channel, params: dict[str, Any]) -> None:
        await channel.track({"device": "phone"})
        if params.get("wait"):
            await self.wait(channel)

    async def hear(self, channel: Channel, payload: dict[str, Any]) -> None:
        try:
            await self.wait(channel)
        except asyncio.CancelledError:
            self.told.append("cancelled")
            raise

    async def leave(self, channel: Channel, reason: str) -> None:
        self.told.append(reason)


async def test_nothing_is_left_of_a_socket_that_dies_while_it_is_asked_who_may_join() -> None:
    live = Gate()
    async with at_work(live) as work:
        ada = await work.open()
        await ada.say("1", "1", "asked:a", "phx_join", {})
        await live.entered.wait()
        await ada.lose()
        live.opens.set()
        await work.hub.settled()
        assert work.hub.topics.counts() == {}
        assert live.told == []


async def test_nothing_is_left_of_a_socket_that_dies_while_a_stream_is_read() -> None:
    asked, answers = asyncio.Event(), asyncio.Event()

    class Slow(MemoryLive):
        async def since(self, *of: Any, **more: Any) -> Any:
            asked.set()
            await answers.wait()
            return await super().since(*of, **more)

    async with at_work(Gate(), store=Slow()) as work:
        ada = await work.open()
        await ada.say("1", "1", "slow:a", "phx_join", {})
        await asked.wait()
        await ada.lose()
        answers.set()
        await work.hub.settled()
        asked.clear()
        work.hub.streams.missed()
        await work.hub.settled()
        assert not asked.is_set(), "nobody is in the topic"


async def test_who_was_let_in_is_told_to_have_left_though_its_socket_died_during_the_join() -> None:
    live = Gate()
    async with at_work(live) as work:
        ada = await work.open()
        await ada.say("1", "1", "slow:a", "phx_join", {"wait": True})
        await live.entered.wait()
        await ada.lose()
        live.opens.set()
        await work.hub.settled()
        assert live.told == ["lost"]


async def test_a_function_that_never_returns_keeps_nobody_present_and_is_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kikao.live.channel.LINGERS", 0.01)
    live = Gate()
    async with at_work(live) as work:
        ada = await work.open()
        joined = await ada.ask("slow:a", "phx_join")
        assert joined["status"] == "ok"
        await ada.say("1", "9", "slow:a", "wait", {})
        await live.entered.wait()
        await ada.leave()
        assert await work.hub.presence("slow:a") == {}
        await work.hub.settled()
        assert live.told == ["cancelled", "left"]


async def test_a_topic_that_says_too_much_during_a_join_has_it_begin_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kikao.live.channel.EARLY", 2)
    live = Gate()
    async with at_work(live) as work:
        ada = await work.open()
        await ada.say("1", "1", "slow:a", "phx_join", {"wait": True})
        await live.entered.wait()
        for n in range(4):
            await work.hub.broadcast("slow:a", "news", {"n": n})
        assert await ada.until("phx_error") == {"reason": "channel_crash"}
        assert work.hub.topics.counts() == {}
        live.opens.set()
        live.entered.clear()
        assert (await ada.ask("slow:a", "phx_join", {"wait": True}))["response"]["seq"] == 4


class Colour(msgspec.Struct):
    name: Literal["red", "blue"]


async def test_an_error_of_a_payload_repeats_no_value() -> None:
    live = Live()

    @live.channel("paint")
    async def paint(channel: Channel, params: Colour) -> None: ...

    async with at_work(live) as work:
        ada = await work.open()
        refused = await ada.ask("paint", "phx_join", {"name": "my' secret"})
        assert refused["response"] == {
            "reason": "invalid payload",
            "detail": "Invalid enum value - at `$.name`",
        }


async def test_a_token_that_a_header_shows_is_no_header_for_the_app() -> None:
    live, seen = Live(), list[dict[str, str]]()

    @live.channel("seen")
    async def join(channel: Channel, params: dict[str, Any]) -> None:
        seen.append(dict(channel.connection.headers))

    async with at_work(live) as work:
        token = work.tokens.sign("ada", 600)
        headers = ((b"x-phoenix-authtoken", token.encode()), (b"x-kept", b"yes"))
        ada = InsideSocket(work.endpoint, "/socket/websocket", token, headers)
        assert await ada.open() == 101
        await ada.ask("seen", "phx_join")
        assert seen == [{"x-kept": "yes"}]


async def test_octets_that_wait_in_all_channels_of_a_socket_are_bounded() -> None:
    live = Gate(backlog=1000)
    async with at_work(live) as work:
        ada = await work.open()
        for name in "ab":
            assert (await ada.ask(f"slow:{name}", "phx_join"))["status"] == "ok"
            await ada.say(None, f"0{name}", f"slow:{name}", "wait", {})
        await ada.say(None, "1", "slow:a", "wait", {"said": "x" * 600})
        assert (await ada.ask("slow:b", "wait", {"said": "x" * 600}))["response"] == {"reason": "busy"}
        await ada.say(None, "2", "slow:b", "wait", {"said": "x" * 100})
        live.opens.set()
        await work.hub.settled()
        assert (await ada.ask("slow:b", "wait", {"said": "x" * 900}))["status"] == "ok", "there is room again"
