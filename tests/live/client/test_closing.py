"""How channels and sockets end, frame by frame, as it has to be on the wire.

The numbers are those of the table in the reference page.
"""

from __future__ import annotations

import contextlib
import json

import pytest
from websockets.exceptions import ConnectionClosed

from tests.live.client.house import GENEROUS, House, housed, topic
from tests.live.frames import unmatched, wired

pytestmark = pytest.mark.asyncio(loop_scope="module")


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


# --- 27: channels that stop ---


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
