"""Frames that no client sends, by the thousand: each harms its own socket at most, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import random
import struct
import sys
from collections.abc import Callable
from typing import Any, Final

import pytest
from websockets.exceptions import ConnectionClosed

from tests.live.client.house import House
from tests.live.frames import Frame, Wire, pushed, wired
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

SEED: Final = 20
FRAMES: Final = 3000

GOOD: Final = '["1","7","room:garbage","echo",{"n":1}]'

NO_FRAMES: Final[dict[str, str | bytes]] = {
    "nothing": "",
    "no JSON": "hello",
    "half": GOOD[:-3],
    "more behind it": GOOD + "x",
    "twice": GOOD + GOOD,
    "an object": '{"topic":"room:1"}',
    "a number": "17",
    "null": "null",
    "a text": '"room:1"',
    "empty": "[]",
    "too short": '["1","7","room:1","echo"]',
    "a number for a join ref": '[1,"7","room:1","echo",{}]',
    "a number for a ref": '["1",7,"room:1","echo",{}]',
    "no topic": '["1","7",null,"echo",{}]',
    "a topic that is a list": '["1","7",["room:1"],"echo",{}]',
    "no event": '["1","7","room:1",null,{}]',
    "a number for an event": '["1","7","room:1",1,{}]',
    "nested": "[" * 60_000,
    "nested and closed": '["1","7","room:1","echo",' + "[" * 30_000 + "]" * 30_000 + "]",
    "a byte order mark": "\ufeff" + GOOD,
    "a control character": '["1","7","room:\x01","echo",{}]',
    "no octets": b"",
    "an octet": b"\0",
    "a reply": b"\1" + pushed("1", "7", "room:1", "echo", b"x")[1:],
    "a broadcast": b"\2" + pushed("1", "7", "room:1", "echo", b"x")[1:],
    "another kind": b"\xff" + pushed("1", "7", "room:1", "echo", b"x")[1:],
    "names that are cut": b"\0\xff\xff\xff\xffroom",
    "no UTF-8": struct.pack("5B", 0, 1, 1, 2, 1) + b"11\xff\xfee",
    "a surrogate in UTF-8": struct.pack("5B", 0, 1, 1, 3, 1) + b"11\xed\xa0\x80e",
    "lengths alone": b"\0\1\1\1\1",
}
"""Frames that are none of the protocol: the socket is closed with 1007, and the client connects anew."""


@pytest.mark.parametrize("kind", NO_FRAMES)
async def test_what_is_no_frame_closes_its_socket_alone(house: House, kind: str) -> None:
    async with wired(house.port, house.token("eve")) as eve, wired(house.port, house.token("asha")) as asha:
        ref, _ = await asha.join("room:garbage")
        await eve.join("room:garbage")

        await eve.raw(NO_FRAMES[kind])

        assert await eve.closed() == (1007, "malformed")
        assert (await asha.push(ref, "room:garbage", "echo", {"n": 1})).response == {"n": 1}


@pytest.mark.parametrize("octets", [b"\xff\xfe", b'["1","1","room:\xed\xa0\x80","phx_join",{}]', b"\xc0\x80"])
async def test_a_text_that_is_no_utf_8_closes_its_socket(
    house: House, octets: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with wired(house.port, house.token("eve")) as eve:
        await eve.raw(octets, text=True)

        assert (await eve.closed()).code == 1007
    assert caplog.text == ""


LONG: Final = "x" * 10_000
ODD: Final[dict[str, tuple[str, str]]] = {
    "NaN": ('["1","7","room:odd","echo",NaN]', "invalid payload"),
    "half a surrogate in an event": ('["1","7","room:odd","\\ud83d",{}]', "unknown event"),
    "half a surrogate in a topic": ('["1","7","room:\\ud83d","phx_join",{}]', "unmatched topic"),
    "a number out of range": ('["1","7","room:odd","any",{"n":1e999}]', "invalid payload"),
    "a whole number without end": ('["1","7","room:odd","echo",{"n":' + "9" * 5000 + "}]", "invalid payload"),
    "half a surrogate": ('["1","7","room:odd","echo",{"n":"\\ud83d"}]', "invalid payload"),
    "the other half": ('["1","7","room:odd","echo",{"n":"\\udc00"}]', "invalid payload"),
    "half a surrogate in a key": ('["1","7","room:odd","echo",{"\\ud83d":1}]', "invalid payload"),
    "a payload that is a list": ('["1","7","room:odd","echo",[1]]', "invalid payload"),
    "a payload that is a text": ('["1","7","room:odd","echo","x"]', "invalid payload"),
    "a payload that is null": ('["1","7","room:odd","echo",null]', "invalid payload"),
    "a payload that is a number": ('["1","7","room:odd","echo",1]', "invalid payload"),
    "a long event": (f'["1","7","room:odd","{LONG}",{{}}]', "unknown event"),
    "a long topic": (f'["1","7","room:{LONG}","echo",{{}}]', "unmatched topic"),
    "a join to a long topic": (f'["9","7","nobody:{LONG}","phx_join",{{}}]', "unmatched topic"),
    "NUL in an event": ('["1","7","room:odd","ec\\u0000ho",{}]', "unknown event"),
    "NUL in a topic": ('["1","7","room\\u0000:odd","echo",{}]', "unmatched topic"),
    "an event of the server": (
        '["1","7","room:odd","phx_reply",{"status":"ok","response":{}}]',
        "unknown event",
    ),
    "a heartbeat elsewhere": ('["1","7","room:odd","heartbeat",{}]', "unknown event"),
}
"""Frames of the protocol that make no sense: they get an error for a reply, and nothing else happens."""


@pytest.mark.parametrize("kind", ODD)
async def test_what_makes_no_sense_is_answered_with_an_error(house: House, kind: str) -> None:
    frame, reason = ODD[kind]
    async with wired(house.port, house.token("eve")) as eve:
        await eve.send("1", "1", "room:odd", "phx_join")
        await eve.until("presence_state")

        await eve.raw(frame)

        reply = await eve.until("phx_reply", ref="7")
        assert (reply.status, reply.response["reason"]) == ("error", reason)
        assert (await eve.ask("1", "8", "room:odd", "echo", {"n": 1})).response == {"n": 1}


async def test_the_same_ref_again_and_again_is_answered_each_time(house: House) -> None:
    async with wired(house.port, house.token("eve")) as eve:
        await eve.send("1", "1", "room:odd", "phx_join")
        for _ in range(20):
            await eve.send("1", "1", "room:odd", "echo", {})
            assert (await eve.until("phx_reply", ref="1")).status == "ok"


async def test_a_join_again_and_again_leaves_one(house: House) -> None:
    async with wired(house.port, house.token("eve")) as eve:
        for n in range(300):
            await eve.send(f"j{n}", f"r{n}", "room:again", "phx_join")
        assert (await eve.until("phx_reply", ref="r299")).join_ref == "j299"

        assert (await eve.ask("j299", "2", "room:again", "shout", {})).status == "ok"
        assert [frame for frame in await eve.heartbeat() if frame.event != "phx_close"] == []
        assert house.hub.sessions["eve"].sockets[0].topics == ("room:again",)


# --- by the thousand ---


def noise(draw: random.Random) -> str | bytes:
    octets = draw.randbytes(draw.randrange(80))
    return octets if draw.random() < 0.5 else octets.decode("latin-1")


def mutated(draw: random.Random) -> str | bytes:
    frame = sensible(draw)
    octets = bytearray(frame.encode() if isinstance(frame, str) else frame)
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(octets))
        match draw.randrange(4):
            case 0:
                octets[at] = draw.randrange(256)
            case 1:
                del octets[at : at + draw.randint(1, 9)]
            case 2:
                octets[at:at] = octets[: draw.randrange(len(octets))]
            case _:
                octets[at:at] = bytes([draw.choice(b'[]{}",:\\u0\xff')])
        if not octets:
            break
    if isinstance(frame, bytes):
        return bytes(octets)
    return octets.decode("utf-8", "replace")


def sensible(draw: random.Random) -> str | bytes:
    join_ref, ref = draw.choice(["1", "2", "", "no"]), draw.choice(["1", "5", "", "x" * 255])
    topic = draw.choice(["room:noise", "kept:noise", "gated:noise", "user:eve", "phoenix", "nobody", "where"])
    event = draw.choice(
        [
            "phx_join",
            "phx_join",
            "phx_leave",
            "echo",
            "any",
            "bin",
            "crash",
            "stop",
            "say",
            "heartbeat",
            "token",
            "x",
        ]
    )
    if draw.random() < 0.3:
        return pushed(join_ref, ref, topic, event, draw.randbytes(draw.randrange(40)))
    return json.dumps([join_ref or None, ref or None, topic, event, value(draw)])


def value(draw: random.Random, depth: int = 0) -> Any:
    if depth < 3 and draw.random() < 0.5:
        return {
            draw.choice(["n", "device", "deny", "last_seq", "epoch", "token", "é"]): value(draw, depth + 1)
            for _ in range(3)
        }
    if depth < 3 and draw.random() < 0.3:
        return [value(draw, depth + 1) for _ in range(3)]
    return draw.choice([None, True, 0, -1, 2**63, 2**64, 10**400, 1e308, 0.1, "", "\0", "é😀", "x" * 300, {}])


MAKERS: Final[list[Callable[[random.Random], str | bytes]]] = [noise, mutated, mutated, sensible, sensible]
"""Noise, good frames that were changed, and good frames that make no sense."""


async def test_garbage_by_the_thousand_harms_one_socket_only(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    draw, frames = random.Random(SEED), 0
    async with wired(house.port, house.token("asha")) as asha:
        ref, _ = await asha.join("room:noise")
        await pelted(house, draw, 600)  # until caches are full
        before = await at_rest(house)
        told = len(house.told)
        while frames < FRAMES:
            frames += await pelted(house, draw, 100)
            assert (await answered(asha, ref, frames)).response == {"n": frames}
        after = await at_rest(house, before.tasks)

    assert (after.sockets, after.channels) == (before.sockets, before.channels)
    assert after.blocks - before.blocks < 2 * FRAMES  # one that is kept takes five and more
    crashes = [event for event in house.told[told:] if type(event).__name__ == "ErrorUncaught"]
    assert {event.where for event in crashes} <= {"channel"}  # type: ignore[attr-defined]
    assert "4711" not in str(crashes)
    assert caplog.text == ""


async def pelted(house: House, draw: random.Random, count: int) -> int:
    """So many frames, on as many sockets as it takes: some are closed soon, some live on with what makes no sense."""
    sent = 0
    while sent < count:
        makers = MAKERS if draw.random() < 0.7 else [sensible]
        async with wired(house.port, house.token("eve")) as eve:
            for topic in ("room:noise", "kept:noise"):
                await eve.send("1", "1", topic, "phx_join", {"device": "x"})
            reading = asyncio.create_task(eve.ended())
            with contextlib.suppress(ConnectionClosed):
                for _ in range(min(60, count - sent)):
                    if reading.done():
                        break
                    await eve.raw(draw.choice(makers)(draw))
                    sent += 1
                    if sent % 10 == 0:
                        await asyncio.sleep(0)
            if reading.done():
                assert (await reading)[1].code in (1007, 1009)
            else:
                await eve.socket.close()
                await reading
    return sent


async def answered(wire: Wire, ref: str, number: int) -> Frame:
    return await wire.push(ref, "room:noise", "echo", {"n": number})


class AtRest:
    """What a server has when nobody but one socket is there."""

    def __init__(self, house: House) -> None:
        gc.collect()
        self.tasks = len(asyncio.all_tasks())
        self.sockets = len(house.hub.sockets)
        self.channels = sum(house.hub.topics.counts().values())
        self.blocks = sys.getallocatedblocks()


async def at_rest(house: House, tasks: int = 1000) -> AtRest:
    for gate in list(house.doings.gates.values()):
        gate.set()
    await until(lambda: len(house.hub.sockets) == 1, "all others to be gone")
    await until(lambda: len(asyncio.all_tasks()) <= tasks, "what they began to end")
    house.told.clear()
    house.doings.left.clear()
    return AtRest(house)
