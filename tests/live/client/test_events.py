"""What is said in a topic that was joined, frame by frame, as it has to be on the wire: replies, order, octets.

The numbers are those of the table in the reference page.
"""

from __future__ import annotations

import pytest

from tests.live.client.house import GENEROUS, House, topic
from tests.live.frames import pushed, unmatched, wired
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


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


# --- heartbeats ---


async def test_heartbeats_need_no_join_and_any_ref_comes_back(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        await wire.send("whatever", "x y", "phoenix", "heartbeat", {"any": "thing"})
        assert await wire.take() == (None, "x y", "phoenix", "phx_reply", {"status": "ok", "response": {}})
        await wire.send(None, None, "phoenix", "heartbeat")
        assert await wire.take() == (None, None, "phoenix", "phx_reply", {"status": "ok", "response": {}})
        assert (await wire.ask("1", "2", "phoenix", "echo")).payload == unmatched()
