"""Who joins and who leaves a topic, frame by frame, as it has to be on the wire: once, twice, slowly, and in vain.

The numbers are those of the table in the reference page.
"""

from __future__ import annotations

import json

import pytest
from msgspec import structs

from tests.live.client.house import GENEROUS, House, housed, topic
from tests.live.frames import unmatched, wired
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


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


# --- 27: joins that fail ---


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


# --- 31: topics with variables ---


async def test_31_the_variables_of_a_topic_are_known(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        assert (await wire.join("two:a b:c%20/{d}"))[1] == {"first": "a b", "second": "c%20/{d}"}
        assert (await wire.join("user:asha"))[1] == {"at": {"user_id": "asha"}}
        assert (await wire.ask("8", "8", "user:ben", "phx_join")).response == {"reason": "unauthorized"}


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
