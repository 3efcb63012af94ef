"""A response that is read while it is sent: as much as there is room for, and no more once nobody listens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from kikao.channels.streamed import DISCONNECT, Streamed


class Reading:
    """Pieces that are read, and whether whoever reads them let go."""

    def __init__(self, *pieces: bytes) -> None:
        self.read = 0
        self.is_over = False
        self._pieces = pieces

    async def __call__(self) -> AsyncGenerator[bytes, None]:
        try:
            for piece in self._pieces:
                self.read += 1
                yield piece
        finally:
            self.is_over = True


class Wire:
    def __init__(self, *, leaves_after: int = 99) -> None:
        self.sent: list[Any] = []
        self._left = asyncio.Event()
        self._leaves_after = leaves_after

    async def receive(self) -> Any:
        await self._left.wait()
        return {"type": DISCONNECT}

    async def send(self, message: Any) -> None:
        self.sent.append(message)
        if len(self.sent) >= self._leaves_after:
            self._left.set()
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    @property
    def body(self) -> bytes:
        return b"".join(each.get("body", b"") for each in self.sent)


async def streamed(reading: Reading, size: int, status: int = 200) -> Streamed:
    rest = reading()
    return Streamed(status, (("content-type", "x/y"),), size, await anext(rest), rest)


async def test_all_of_it_goes_in_pieces() -> None:
    reading, wire = Reading(b"abc", b"def", b"g"), Wire()
    await (await streamed(reading, 7)).send("GET", wire.receive, wire.send)
    assert wire.sent[0]["headers"] == [(b"content-type", b"x/y"), (b"content-length", b"7")]
    assert [each.get("more_body") for each in wire.sent[1:]] == [True, True, None]
    assert (wire.body, reading.is_over) == (b"abcdefg", True)


@pytest.mark.parametrize("size", [1, 3, 4, 6])
async def test_no_more_is_read_than_goes(size: int) -> None:
    reading, wire = Reading(b"abc", b"def", b"ghi"), Wire()
    await (await streamed(reading, size)).send("GET", wire.receive, wire.send)
    assert (wire.body, reading.read) == (b"abcdef"[:size], -(-size // 3))
    assert reading.is_over


async def test_a_head_has_nothing_behind_it() -> None:
    reading, wire = Reading(b"abc", b"def"), Wire()
    await (await streamed(reading, 6)).send("HEAD", wire.receive, wire.send)
    assert (len(wire.sent), wire.body, reading.read, reading.is_over) == (2, b"", 1, True)
    assert (b"content-length", b"6") in wire.sent[0]["headers"]


async def test_nothing_is_read_for_who_left() -> None:
    reading, wire = Reading(*[b"abc"] * 50), Wire(leaves_after=3)
    await (await streamed(reading, 150)).send("GET", wire.receive, wire.send)
    assert reading.read < 5
    assert reading.is_over


async def test_a_server_that_says_so_by_an_error_is_believed_as_well() -> None:
    reading = Reading(b"abc", b"def")

    async def gone(message: Any) -> None:
        if message["type"] == "http.response.body":
            raise OSError("the client disconnected")

    await (await streamed(reading, 6)).send("GET", Wire().receive, gone)
    assert (reading.read, reading.is_over) == (1, True)
