"""Octets below the protocol: frames that are none of WebSocket, on a connection that was let in."""

from __future__ import annotations

import asyncio
import random
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import pytest

from kikao.events import LiveClosed
from tests.live.client.house import House
from tests.live.frames import PATIENCE, UPGRADE, wired
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

TEXT: Final = 0x81


def frame(first: int, payload: bytes, *, masked: bool = True, length: int | None = None) -> bytes:
    """A frame of a client (RFC 6455, 5.2), right but for what is asked for. `length` is what it says of itself."""
    size = len(payload) if length is None else length
    mask = 0x80 if masked else 0
    if size < 126:
        head = bytes((first, mask | size))
    elif size < 1 << 16:
        head = bytes((first, mask | 126)) + struct.pack(">H", size)
    else:
        head = bytes((first, mask | 127)) + struct.pack(">Q", size)
    return head + (b"\0\0\0\0" if masked else b"") + payload


WRONG: Final = {
    "not masked": (frame(TEXT, b"[]", masked=False), 1002),
    "a kind that there is not": (frame(0x83, b""), 1002),
    "a reserved bit": (frame(0xC1, b"[]"), 1002),
    "a piece of nothing": (frame(0x80, b"[]"), 1002),
    "a message within a message": (frame(0x01, b"[") + frame(TEXT, b"]"), 1002),
    "a ping in pieces": (frame(0x09, b"x"), 1002),
    "a ping of 126 octets": (frame(0x89, b"x" * 126), 1002),
    "a close of one octet": (frame(0x88, b"x"), 1002),
    "a close with a code that there is not": (frame(0x88, struct.pack(">H", 1005)), 1002),
    "a close that is no UTF-8": (frame(0x88, struct.pack(">H", 1000) + b"\xff"), 1007),
    "16 EiB": (frame(TEXT, b"", length=(1 << 64) - 1), 1009),
    "2 GiB": (frame(TEXT, b"x", length=1 << 31), 1009),
    "a frame over the limit": (frame(0x82, b"", length=65 * 1024), 1009),
    "HTTP": (b"GET / HTTP/1.1\r\n\r\n", 1002),
}


@pytest.mark.parametrize("kind", WRONG)
async def test_what_is_no_frame_of_websocket_ends_its_connection(
    house: House, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    octets, code = WRONG[kind]
    async with let_in(house) as (reader, writer):
        writer.write(octets)

        assert close_code(await everything(reader)) == code
        await until(lambda: not house.hub.sockets, "it to be gone")
    reason = "too_large" if code == 1009 else "malformed"
    assert [event.reason for event in house.told if isinstance(event, LiveClosed)][-1] == reason
    assert caplog.text == ""


async def test_noise_by_the_thousand_harms_nobody(house: House, caplog: pytest.LogCaptureFixture) -> None:
    draw = random.Random(7)
    async with wired(house.port, house.token("asha")) as asha:
        ref, _ = await asha.join("room:octets")
        for n in range(150):
            async with let_in(house) as (reader, writer):
                for _ in range(20):
                    noise = draw.randbytes(draw.randrange(40))
                    writer.write(noise if draw.random() < 0.3 else frame(draw.randrange(256), noise))
                if n % 2:
                    writer.write_eof()
                    await everything(reader)
            if n % 10 == 0:
                assert (await asha.push(ref, "room:octets", "echo", {"n": n})).response == {"n": n}
        await until(lambda: len(house.hub.sockets) == 1, "all others to be gone")
    assert caplog.text == ""


async def test_pings_are_answered_and_are_no_sign_of_a_member(house: House) -> None:
    async with let_in(house) as (reader, writer):
        writer.write(frame(0x89, b"still there?"))

        assert await reader.readexactly(14) == b"\x8a\x0cstill there?"


@asynccontextmanager
async def let_in(house: House) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection after its handshake, by hand."""
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    try:
        lines = [f"GET /socket/websocket?vsn=2.0.0&token={house.token('eve')} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in UPGRADE.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        async with asyncio.timeout(PATIENCE):
            assert b" 101 " in (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0]
        yield reader, writer
    finally:
        writer.transport.abort()


async def everything(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(PATIENCE):
        try:
            return await reader.read()
        except ConnectionError:
            return b""


def close_code(octets: bytes) -> int:
    """Of the close frame that is all that came."""
    assert octets[0] == 0x88, octets
    return int(struct.unpack(">H", octets[2:4])[0])
