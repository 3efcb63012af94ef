"""Frames, one by one, as they have to be on the wire. The numbers are those of the table in the reference page."""

from __future__ import annotations

import contextlib
import itertools
import json

import pytest
from msgspec import structs
from websockets.exceptions import ConnectionClosed

from tests.live.client.house import GENEROUS, House, housed
from tests.live.frames import pushed, wired
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAMES = itertools.count(1)


def topic() -> str:
    """One that no other test knows."""
    return f"room:{next(NAMES)}"


# --- 2: join, event, leave ---


async def test_2_a_join_is_answered_with_its_own_refs(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        await wire.send("11", "1", where := topic(), "phx_join", {})

        assert await wire.take() == ("11", "1", where, "phx_reply", {"status": "ok", "response": {}})
        assert await wire.take(presence=True) == ("11", None, where, "presence_state", {})


async def test_2_a_push_has_the_join_ref_and_a_broadcast_has_none(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        await wire.send("11", "1", where := topic(), "phx_join", {})
        await wire.until("presence_state")

        await wire.send("11", "2", where, "push", {"n": 1})
        assert await wire.take() == ("11", None, where, "pushed", {"n": 1})
        assert await wire.take() == ("11", "2", where, "phx_reply", {"status": "ok", "response": {}})
        await wire.send("11", "3", where, "shout", {"n": 2})
        assert await wire.take() == (None, None, where, "shout", {"n": 2})
        assert await wire.take() == ("11", "3", where, "phx_reply", {"status": "ok", "response": {}})


async def test_2_a_leave_is_answered_and_closes_the_channel_and_then_nothing_reaches_it(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        await wire.send("11", "1", where := topic(), "phx_join", {})
        await wire.until("presence_state")

        await wire.send("11", "2", where, "phx_leave")
        assert await wire.take() == ("11", "2", where, "phx_reply", {"status": "ok", "response": {}})
        assert await wire.take() == ("11", "11", where, "phx_close", {})
        await house.left(where, "left")

        await wire.send("11", "3", where, "echo", {"n": 1})
        assert await wire.take() == (None, "3", where, "phx_reply", unmatched())
        assert await wire.heartbeat() == []


async def test_2_others_hear_what_somebody_who_leaves_has_to_say(house: House) -> None:
    async with wired(house.port, house.token("asha")) as asha, wired(house.port, house.token("ben")) as ben:
        ref, _ = await asha.join(where := topic())
        await ben.join(where)

        await asha.ask(ref, "9", where, "phx_leave")

        assert await ben.until("has_left") == (None, None, where, "has_left", {"reason": "left"})


async def test_2_elements_behind_the_fifth_are_ignored(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        await wire.raw(json.dumps(["1", "1", topic(), "phx_join", {}, "more", {"and": "more"}]))

        assert (await wire.take()).status == "ok"


async def test_2_a_join_without_a_join_ref_is_known_by_its_ref(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        await wire.send(None, "5", where := topic(), "phx_join", {})
        assert (await wire.until("phx_reply"))[:2] == ("5", "5")

        await wire.send("5", "6", where, "push", {"n": 1})
        assert (await wire.until("pushed")).join_ref == "5"


async def test_2_refs_are_opaque(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        join_ref, ref = 'j-"\\\u00e9\u0000', "-1.5e3 \U0001f600"
        await wire.send(join_ref, ref, where := topic(), "phx_join", {})
        assert (await wire.take())[:3] == (join_ref, ref, where)

        assert (await wire.ask(join_ref, "", where, "echo", {"n": 1})).response == {"n": 1}


async def test_2_what_is_pushed_without_a_ref_is_done_and_not_answered(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        ref, _ = await wire.join(where := topic())

        await wire.send(ref, None, where, "push", {"n": 1})
        assert (await wire.until("pushed")).payload == {"n": 1}
        assert (await wire.push(ref, where, "echo", {"n": 2})).response == {"n": 2}
        assert await wire.heartbeat() == []


async def test_2_a_null_join_ref_means_the_channel_there_is(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        ref, _ = await wire.join(where := topic())

        assert (await wire.ask(None, "7", where, "echo", {"n": 1}))[:2] == (ref, "7")
        await wire.send(None, "8", where, "phx_leave")
        assert await wire.take() == (ref, "8", where, "phx_reply", {"status": "ok", "response": {}})
        assert await wire.take() == (ref, ref, where, "phx_close", {})


async def test_2_a_leave_of_what_was_not_joined_is_answered(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        await wire.send("3", "4", where := topic(), "phx_leave")

        assert await wire.take() == ("3", "4", where, "phx_reply", {"status": "ok", "response": {}})


async def test_2_a_stale_leave_and_a_stale_event_get_no_answer_and_do_nothing(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        old, _ = await wire.join(where := topic())
        new, _ = await wire.join(where)
        await wire.until("phx_close", join_ref=old)

        await wire.send(old, "90", where, "phx_leave")
        await wire.send(old, "91", where, "shout", {"n": 1})
        await wire.send("no such", "92", where, "shout", {"n": 1})

        assert (await wire.push(new, where, "echo", {"n": 2})).response == {"n": 2}
        assert await wire.heartbeat() == []


# --- 3, 4: how many channels ---


async def test_3_a_hundred_and_first_channel_is_refused_and_the_socket_goes_on(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        for _ in range(99):
            await wire.join(topic())
        ref, _ = await wire.join(where := topic())

        await wire.send("900", "901", topic(), "phx_join", {})
        refused = await wire.until("phx_reply", ref="901")
        assert refused.join_ref == "900"
        assert refused.payload == {"status": "error", "response": {"reason": "too many channels joined"}}

        assert (await wire.push(ref, where, "echo", {"n": 1})).status == "ok"
        await wire.join(where)  # one that is joined may be joined again
        await wire.ask(None, "902", where, "phx_leave")
        await wire.join(topic())


async def test_4_an_app_may_say_how_many(tmp_path_factory: pytest.TempPathFactory) -> None:
    async with (
        housed(tmp_path_factory.mktemp("two"), structs.replace(GENEROUS, channels=2)) as two,
        wired(two.port, two.token("asha")) as wire,
    ):
        await wire.join(topic())
        await wire.join(topic())

        refused = await wire.ask("8", "8", topic(), "phx_join")

        assert refused.response == {"reason": "too many channels joined"}


# --- 16: crashes ---


async def test_16_a_crash_ends_that_channel_alone(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        broken, _ = await wire.join(one := topic())
        whole, _ = await wire.join(other := topic())

        await wire.send(broken, "50", one, "crash")

        crashed = await wire.until("phx_error")
        assert crashed == (broken, broken, one, "phx_error", {"reason": "channel_crash"})
        await house.left(one, "crashed")
        assert (await wire.push(whole, other, "echo", {"n": 1})).response == {"n": 1}
        assert (await wire.push(broken, one, "echo")).payload == unmatched()
        await wire.join(one)


async def test_16_what_is_no_payload_crashes_the_channel_and_says_what_is_legal(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        ref, _ = await wire.join(where := topic())
        await wire.send(ref, "50", where, "wrong")

        assert (await wire.until("phx_error")).topic == where


# --- 17: the client closes ---


async def test_17_who_closes_ends_all_channels(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        await wire.join(one := topic())
        await wire.join(other := topic())

    await house.left(one, "left")
    await house.left(other, "left")


async def test_17_who_is_cut_ends_all_channels_as_well(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        await wire.join(one := topic())
        wire.cut()

        await house.left(one, "lost")


@pytest.mark.parametrize(
    ("code", "why", "reason"),
    [(1000, "", "left"), (1001, "", "left"), (4000, "bye", "left"), (1000, "heartbeat timeout", "lost")],
)
async def test_17_who_closes_since_no_heartbeat_was_answered_comes_back(
    house: House, code: int, why: str, reason: str
) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        await wire.join(where := topic())
        await wire.socket.close(code, why)

        await house.left(where, reason)


# --- 18, 26: nobody there ---


async def test_18_an_event_without_a_join_is_unmatched(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        await wire.send("1", "2", where := topic(), "shout", {"n": 1})

        assert await wire.take() == (None, "2", where, "phx_reply", unmatched())


async def test_26_a_topic_without_a_channel_is_unmatched(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        await wire.send("1", "2", "unknown:topic", "phx_join", {})

        assert await wire.take() == (None, "2", "unknown:topic", "phx_reply", unmatched())
        assert "no channel has" in str(house.told[-1])


@pytest.mark.parametrize("name", ["phoenix", "", "room", "room:", "ROOM:1", "room:a:b", " room:1", "{name}"])
async def test_26_what_is_nearly_a_topic_is_none(house: House, name: str) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        assert (await wire.ask("1", "2", name, "phx_join")).payload == unmatched()


# --- 22, 32: all sockets of somebody are ended ---


async def test_22_32_a_user_can_be_ended_everywhere(house: House) -> None:
    async with (
        wired(house.port, house.token("uma")) as phone,
        wired(house.port, house.token("uma")) as laptop,
    ):
        await phone.join(one := topic())
        await phone.join(other := topic())
        await laptop.join(one)

        assert await house.hub.stop_session("uma")

        for wire, topics in ((phone, {one, other, "phoenix"}), (laptop, {one, "phoenix"})):
            frames, closed = await wire.ended()
            assert closed.code == 1001
            ended = [frame for frame in frames if frame.event == "session_ended"]
            assert {frame.topic for frame in ended} == topics
            assert all(frame[:2] == (None, None) for frame in ended)
            assert all(frame.payload == {"reason": "stopped"} for frame in ended)
        await house.left(one, "stopped")
        await house.left(other, "stopped")
    assert not await house.hub.stop_session("uma")


# --- 23: joined twice ---


async def test_23_a_second_join_is_answered_before_the_first_one_is_closed(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        await wire.send("11", "1", where := topic(), "phx_join", {})
        await wire.until("presence_state")

        await wire.send("12", "2", where, "phx_join", {})

        assert await wire.take() == ("12", "2", where, "phx_reply", {"status": "ok", "response": {}})
        assert await wire.take() == ("11", "11", where, "phx_close", {})
        await house.left(where, "replaced")
        await wire.send("12", "3", where, "shout", {"n": 1})
        assert (await wire.until("shout")).payload == {"n": 1}
        assert (await wire.until("phx_reply")).ref == "3"
        assert await wire.heartbeat() == []


async def test_23_nothing_of_the_first_one_reaches_the_second(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        old, _ = await wire.join(where := topic())
        await wire.send(old, "50", where, "later", {"gate": f"late {where}"})
        await wire.send(old, "51", where, "note", {"n": f"before {where}"})
        await wire.until("phx_reply", ref="51")
        new, _ = await wire.join(where)

        house.doings.gates[f"late {where}"].set()

        assert (await wire.push(new, where, "echo", {"n": 2})).response == {"n": 2}
        frames = [frame for frame in await wire.heartbeat() if frame.event != "phx_close"]
        assert frames == []


async def test_23_events_behind_the_second_join_are_the_second_ones(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        where = topic()
        await wire.send("1", "1", where, "phx_join", {})
        await wire.send("1", "2", where, "note", {"n": f"{where} one"})
        await wire.send("3", "3", where, "phx_join", {})
        await wire.send("1", "4", where, "note", {"n": f"{where} stale"})
        await wire.send("3", "5", where, "note", {"n": f"{where} two"})

        assert (await wire.until("phx_reply", ref="5")).join_ref == "3"
        noted = [n for n in house.doings.heard if str(n).startswith(where + " ")]
        assert noted[-1:] == [f"{where} two"]
        assert f"{where} stale" not in noted


# --- 25: silence ---


async def test_25_a_socket_on_which_nothing_comes_is_closed(tmp_path_factory: pytest.TempPathFactory) -> None:
    async with (
        housed(tmp_path_factory.mktemp("quiet")) as quiet,
        wired(quiet.port, quiet.token("asha")) as wire,
    ):
        await wire.join(where := topic())
        quiet.later(59)
        assert await wire.heartbeat() == []
        quiet.later(59)
        assert await wire.heartbeat() == []
        quiet.later(60)

        assert await wire.closed() == (1001, "silent")
        await quiet.left(where, "silent")


# --- 27: joins that fail, and channels that stop ---


async def test_27_a_refused_join_keeps_its_payload_and_nobody_is_in(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        await wire.send("11", "1", where := topic(), "phx_join", {"deny": True})

        response = {"reason": "denied", "why": {"deep": [1, None]}}
        assert await wire.take() == (
            "11",
            "1",
            where,
            "phx_reply",
            {"status": "error", "response": response},
        )
        assert (await wire.push("11", where, "echo")).payload == unmatched()
        await house.hub.broadcast(where, "shout", {})
        assert await wire.heartbeat() == []


async def test_27_a_join_that_crashes_says_so_and_nothing_else(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        await wire.send("11", "1", where := topic(), "phx_join", {"breaks": True})

        reply = await wire.take()
        assert reply == (
            "11",
            "1",
            where,
            "phx_reply",
            {"status": "error", "response": {"reason": "join crashed"}},
        )
        assert (await wire.push("11", where, "echo")).payload == unmatched()
        assert "4711" not in str(house.told[-1])


async def test_27_a_join_with_what_cannot_be_read_is_refused(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        refused = await wire.ask("1", "1", topic(), "phx_join", {"device": ["no", "text"]})

        assert refused.status == "error"
        assert refused.response["reason"] == "invalid payload"


@pytest.mark.parametrize("event", ["stop", "stop_with"])
async def test_27_a_channel_that_stops_is_closed(house: House, event: str) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        ref, _ = await wire.join(where := topic())
        await wire.send(ref, "50", where, event)

        frames = [await wire.take() for _ in range(2 if event == "stop_with" else 1)]
        assert frames[-1] == (ref, ref, where, "phx_close", {})
        if event == "stop_with":
            assert frames[0] == (
                ref,
                "50",
                where,
                "phx_reply",
                {"status": "ok", "response": {"last": "word"}},
            )
        await house.left(where, "stopped")
        assert (await wire.push(ref, where, "echo")).payload == unmatched()


# --- 28: octets ---


async def test_28_octets_are_answered_pushed_and_broadcast(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        ref, _ = await wire.join(where := topic())
        data = bytes(range(256)) * 4

        await wire.send_binary(ref, "123", where, "bins", data)

        assert await wire.take() == (ref, None, where, "pushed", data)
        assert await wire.take() == (None, None, where, "told", data)
        assert await wire.take() == (ref, "123", where, "phx_reply", {"status": "ok", "response": data})


async def test_28_octets_may_be_answered_with_text(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        ref, _ = await wire.join(where := topic())

        await wire.send_binary(ref, "123", where, "any", b"four")

        assert (await wire.until("phx_reply", ref="123")).response == {"got": 4}


async def test_28_no_octets_are_octets_as_well(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        ref, _ = await wire.join(where := topic())
        await wire.send_binary(ref, "123", where, "bin", b"")

        assert (await wire.until("phx_reply", ref="123")).response == b""


async def test_28_the_vectors_of_phoenix_are_ours() -> None:
    assert pushed("12", "123", "topic", "event", b"efg") == b"\x00\x02\x03\x05\x0512123topiceventefg"


async def test_28_names_in_binary_frames_are_utf_8_of_255_octets(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        where = "room:" + "é" * 125  # 255 octets
        ref = "ß" * 127 + "x"
        await wire.send(ref, ref, where, "phx_join")
        assert (await wire.until("phx_reply")).status == "ok"

        await wire.send_binary(ref, ref, where, "bin", b"1")

        assert await wire.until("phx_reply") == (
            ref,
            ref,
            where,
            "phx_reply",
            {"status": "ok", "response": b"1"},
        )


@pytest.mark.parametrize(("event", "payload"), [("bin", {"no": "octets"}), ("echo", b"no object")])
async def test_28_what_a_function_does_not_take_is_refused(
    house: House, event: str, payload: dict[str, str] | bytes
) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        ref, _ = await wire.join(where := topic())
        if isinstance(payload, bytes):
            await wire.send_binary(ref, "50", where, event, payload)
        else:
            await wire.send(ref, "50", where, event, payload)

        refused = await wire.until("phx_reply", ref="50")
        assert (refused.status, refused.response["reason"]) == ("error", "invalid payload")


# --- 31: topics with variables ---


async def test_31_the_variables_of_a_topic_are_known(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        assert (await wire.join("two:a b:c%20/{d}"))[1] == {"first": "a b", "second": "c%20/{d}"}
        assert (await wire.join("user:asha"))[1] == {"at": {"user_id": "asha"}}
        assert (await wire.ask("8", "8", "user:ben", "phx_join")).response == {"reason": "unauthorized"}


# --- replies ---


REPLIES: dict[str, tuple[str, object]] = {
    "custom": ("custom", {"my": "status"}),
    "refuse": ("error", {"reason": "no", "more": 1}),
    "no such event": ("error", {"reason": "unknown event"}),
    "phx_reply": ("error", {"reason": "unknown event"}),
    "phx_close": ("error", {"reason": "unknown event"}),
    "phx_error": ("error", {"reason": "unknown event"}),
    "phx_": ("error", {"reason": "unknown event"}),
    "presence_diff": ("error", {"reason": "unknown event"}),
    "chan_reply_1": ("error", {"reason": "unknown event"}),
    "heartbeat": ("error", {"reason": "unknown event"}),
    "": ("error", {"reason": "unknown event"}),
}


@pytest.mark.parametrize("event", REPLIES)
async def test_an_event_gets_the_reply_that_is_its_own(house: House, event: str) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        ref, _ = await wire.join(where := topic())

        reply = await wire.push(ref, where, event)

        assert (reply.status, reply.response) == REPLIES[event]
        assert (await wire.push(ref, where, "echo", {"n": 1})).status == "ok"


async def test_a_reply_may_come_later_and_once(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        ref, _ = await wire.join(where := topic())
        await wire.send(ref, "50", where, "later", {"gate": f"gate {where}"})
        assert (await wire.push(ref, where, "echo", {"n": 1})).response == {"n": 1}

        house.doings.gates[f"gate {where}"].set()

        assert (await wire.until("phx_reply", ref="50")).response == {"late": True}
        assert (await wire.push(ref, where, "silent_not", {})).status == "error"
        assert await wire.heartbeat() == []


async def test_others_are_all_but_the_socket_that_said_it(house: House) -> None:
    async with (
        wired(house.port, house.token("asha")) as phone,
        wired(house.port, house.token("asha")) as laptop,
    ):
        ref, _ = await phone.join(where := topic())
        await laptop.join(where)

        assert (await phone.push(ref, where, "others", {"n": 1})).status == "ok"

        assert await laptop.until("others") == (None, None, where, "others", {"n": 1})
        assert await phone.heartbeat() == []


# --- order ---


async def test_events_of_a_channel_are_dealt_with_in_their_order(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        where = topic()
        await wire.send("1", "1", where, "phx_join")
        for n in range(200):
            await wire.send("1", f"r{n}", where, "note", {"n": f"{where}/{n}"})

        pushes: list[str] = []
        replies: list[str | None] = []
        while len(replies) < 200:
            frame = await wire.take()
            if frame.event == "noted":
                pushes.append(frame.payload["n"])
            elif str(frame.ref).startswith("r"):
                replies.append(frame.ref)
        expected = [f"{where}/{n}" for n in range(200)]
        assert pushes == expected
        assert [n for n in house.doings.heard if str(n).startswith(f"{where}/")] == expected
        assert replies == [f"r{n}" for n in range(200)]


async def test_a_slow_function_holds_up_its_own_channel_alone(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        slow, _ = await wire.join(one := topic())
        quick, _ = await wire.join(other := topic())
        await wire.send(slow, "50", one, "slow", {"gate": one})
        await wire.send(slow, "51", one, "echo", {"n": 1})

        assert (await wire.push(quick, other, "echo", {"n": 2})).response == {"n": 2}
        assert await wire.heartbeat() == []

        house.doings.gates[one].set()
        assert (await wire.take())[:2] == (slow, "50")
        assert (await wire.take())[:2] == (slow, "51")


async def test_more_than_wait_for_a_slow_function_are_told_that_it_is_busy(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        ref, _ = await wire.join(where := topic())
        await wire.send(ref, "50", where, "slow", {"gate": where})
        await until(lambda: where in house.doings.waiting, "the slow one to begin")
        for n in range(GENEROUS.pending + 1):
            await wire.send(ref, f"r{n}", where, "echo", {"n": n})

        busy = await wire.take()
        assert (busy.ref, busy.response) == (f"r{GENEROUS.pending}", {"reason": "busy"})
        house.doings.gates[where].set()
        assert (await wire.take()).ref == "50"
        assert [(await wire.take()).response["n"] for _ in range(GENEROUS.pending)] == list(
            range(GENEROUS.pending)
        )


# --- slow joins ---


async def test_a_heartbeat_is_answered_while_a_join_is_slow(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        await wire.send("1", "1", where := f"gated:{topic()[5:]}", "phx_join")
        await wire.join(topic())

        assert await wire.heartbeat() == []

        house.doings.gates[where[6:]].set()
        assert await wire.take() == (
            "1",
            "1",
            where,
            "phx_reply",
            {"status": "ok", "response": {"was": "slow"}},
        )
        assert await wire.take() == ("1", None, where, "early", {})


async def test_who_gave_up_a_slow_join_is_out_when_it_is_over(house: House) -> None:
    """The client waits 10 s, leaves with the same join ref, and joins anew later: a late ok is no harm."""
    async with wired(house.port, house.token("asha")) as wire:
        await wire.send("1", "1", where := f"gated:{topic()[5:]}", "phx_join")
        await wire.send("1", "2", where, "phx_leave")
        assert await wire.heartbeat() == []

        house.doings.gates[where[6:]].set()
        assert (await wire.until("phx_reply", ref="2")).status == "ok"
        await wire.until("phx_close", join_ref="1")
        await house.left(where, "left")
        assert (await wire.push("1", where, "echo")).payload == unmatched()

        await wire.send("3", "3", where, "phx_join")
        assert (await wire.take())[:2] == ("3", "3")


async def test_who_goes_during_a_join_that_lets_them_in_has_left(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        await wire.send("1", "1", where := f"gated:{topic()[5:]}", "phx_join")
        assert await wire.heartbeat() == []
    house.doings.gates[where[6:]].set()

    await house.left(where, "left")
    assert where not in house.hub.topics
    async with wired(house.port, house.token("asha")) as wire:
        await wire.join(where)
        assert [reason for topic, reason in house.doings.left if topic == where] == ["left"]


async def test_who_goes_while_the_join_before_is_ended_is_not_left_in_the_topic(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        ref, _ = await wire.join(where := topic())
        await wire.send(ref, "50", where, "slow", {"gate": where})
        await until(lambda: where in house.doings.waiting, "the slow one to begin")
        await wire.send("9", "9", where, "phx_join")
        assert await wire.heartbeat() == []
        await until(lambda: where not in house.hub.topics, "the join before to be over")
        wire.cut()
        await until(lambda: not house.hub.sockets, "the socket to be gone")

        house.doings.gates[where].set()

        await house.left(where, "replaced")
        await until(lambda: where not in house.doings.waiting, "the slow one to end")
        async with wired(house.port, house.token("ben")) as other:
            await other.join(topic())
        assert where not in house.hub.topics


async def test_who_joins_anew_and_is_gone_at_once_leaves_nothing_behind(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        await wire.join(where := topic())
        socket = next(iter(house.hub.sockets.values()))
        for ref in ("8", "9"):
            await wire.send(ref, ref, where, "phx_join")
        await wire.raw("no frame")

        assert (await wire.closed()).code == 1007
        await until(lambda: not house.hub.sockets, "the socket to be gone")
        assert not socket.topics
        await until(lambda: where not in house.hub.topics, "its topic to be empty")


# --- what stands in the way ---


async def test_heartbeats_need_no_join_and_any_ref_comes_back(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        await wire.send("whatever", "x y", "phoenix", "heartbeat", {"any": "thing"})
        assert await wire.take() == (None, "x y", "phoenix", "phx_reply", {"status": "ok", "response": {}})
        await wire.send(None, None, "phoenix", "heartbeat")
        assert await wire.take() == (None, None, "phoenix", "phx_reply", {"status": "ok", "response": {}})
        assert (await wire.ask("1", "2", "phoenix", "echo")).payload == unmatched()


# --- limits ---


async def test_a_frame_over_the_limit_closes_the_socket(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        ref, _ = await wire.join(where := topic())
        most = GENEROUS.frame - len(json.dumps([ref, "50", where, "echo", {"x": ""}]))
        assert (await wire.ask(ref, "50", where, "echo", {"x": "y" * most})).status == "ok"

        await wire.send(ref, "51", where, "echo", {"x": "y" * (most + 1)})

        assert (await wire.closed()).code == 1009
        await house.left(where, "too_large")


async def test_a_frame_in_pieces_may_not_be_larger_either(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        with contextlib.suppress(ConnectionClosed):  # while it is sent, or behind it
            await wire.socket.send(["x" * 10_000] * 20)

        assert (await wire.closed()).code == 1009


async def test_who_does_not_read_is_closed_and_nobody_waits_for_them(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    async with (
        housed(tmp_path_factory.mktemp("slow")) as place,
        wired(place.port, place.token("asha")) as reader,
        wired(place.port, place.token("ben")) as dozer,
    ):
        await reader.join(where := topic())
        await dozer.join(where)
        dozer.socket.transport.pause_reading()
        said = {"x": "y" * 40_000}

        for n in range(400):
            await place.hub.broadcast(where, "shout", {"n": n, **said})
            assert (await reader.until("shout")).payload["n"] == n
            if (where, "slow") in place.doings.left:
                break

        assert (await reader.until("has_left")).payload == {"reason": "slow"}
        dozer.cut()
        assert await reader.heartbeat() == []


def unmatched() -> dict[str, object]:
    return {"status": "error", "response": {"reason": "unmatched topic"}}


# --- a device that connects again ---


async def test_a_device_that_connects_again_has_one_socket_and_its_presence_stays(house: House) -> None:
    tab = {"device": "tab-1"}
    async with wired(house.port, house.token("watcher")) as watcher:
        where = topic()
        await watcher.join(where)
        async with (
            wired(house.port, house.token("ines"), params=tab) as before,
            wired(house.port, house.token("ines"), params={"device": "tab-2"}) as other,
            wired(house.port, house.token("zoe"), params=tab) as namesake,
        ):
            await before.join(where, {"device": "phone"})
            for wire in (other, namesake):
                await wire.join(where)
            await watcher.until("presence_diff")

            async with wired(house.port, house.token("ines"), params=tab) as again:
                frames, closed = await before.ended()
                assert closed == (1001, "replaced")
                ended = [frame for frame in frames if frame.event == "session_ended"]
                assert {frame.topic for frame in ended} == {"phoenix", where}
                assert {frame.payload["reason"] for frame in ended} == {"replaced"}
                await house.left(where, "replaced")

                await again.join(where, {"device": "phone"})
                state = (await again.until("presence_state")).payload
                assert [meta["device"] for meta in state["ines"]["metas"]] == ["phone"]
                for wire in (other, namesake):
                    assert [frame.event for frame in await wire.heartbeat()] == ["has_left"]
                ref, number = watcher.ref(), 0
                await watcher.send(None, ref, "phoenix", "heartbeat")
                while (frame := await watcher.take(presence=True)).ref != ref:
                    number += frame.event == "presence_diff"
                assert number == 0  # nobody saw anything
