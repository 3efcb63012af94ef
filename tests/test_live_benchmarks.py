"""The benchmarks of live sockets run, a little. How fast is for `make bench ARGS=live` to say."""

from __future__ import annotations

import asyncio
import contextlib
import math
from pathlib import Path

import pytest

from benchmarks.live import costs, harm, wire
from benchmarks.live.callers import Caller, callers
from benchmarks.live.kernel import Kept
from benchmarks.live.server import serving
from benchmarks.live.sockets import PATIENCE
from benchmarks.live.storm import storm
from benchmarks.live.witness import witnesses
from tests.waiting import until


@pytest.mark.parametrize("name", ["kikao", "bare"])
async def test_a_server_of_sockets_is_measured(name: str, tmp_path: Path) -> None:
    async with serving(name, tmp_path) as server:
        came = await costs.arrivals(server, 3, rate=1000)
        assert came.cpu > 0
        assert len(came.waits) == 3
        assert await costs.echoes(server, 2, 0.05) > 0
        async with costs.crowd(server, 3) as crowd:
            assert await costs.deliveries(server, crowd, 5, 62) > 0
            assert [each.messages for each in crowd] == [5, 5, 5]
        (alone, _) = await costs.idle(server, [2, 4], settling=0)
        assert alone.sockets == 2
        found = await storm(server, 5, calm=0.1)
        assert found.wall > 0
        assert found.waits
        if name == "bare":
            assert found.turns == found.calm_turns == []


async def test_trouble_is_made_and_counted(tmp_path: Path) -> None:
    async with (
        serving("kikao", tmp_path) as server,
        witnesses(server.port) as others,
        callers(server.port) as members,
    ):
        for trouble in (harm.crashing, harm.garbage):
            found = await trouble(server, others, 0.6)
            assert found.troubles > 0
            assert found.waits == sorted(found.waits)
        turns: list[float] = []
        async with asyncio.timeout(PATIENCE):
            while len(turns) < 100:  # each member was answered, and then again
                await asyncio.sleep(0.05)
                turns += await members.waits()
        assert min(turns) > 0


async def test_who_is_turned_away_waits_for_ever_and_dials_again() -> None:
    dialled, ended = 0, asyncio.Event()

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal dialled
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                size = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
                dialled += b"text=&" in await reader.readexactly(size) + b"&"
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\nEND Not now.")
        writer.close()
        ended.set()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        caller, port = Caller("+256770000001"), server.sockets[0].getsockname()[1]
        await asyncio.get_running_loop().create_connection(lambda: caller, "127.0.0.1", port)
        talking = asyncio.create_task(caller.go_on(1000.0, 0.0))
        await until(lambda: len(caller.waits) >= 2, "two turns")
        assert caller.taken()[:2] == [math.inf, math.inf]
        assert dialled >= 2
        talking.cancel()
        caller.hang_up()
        await ended.wait()


def test_what_the_kernel_keeps_is_shared_by_both_ends() -> None:
    assert Kept(9.0, 16.0).each(Kept(1.0, 8.0), 4) == Kept(2.0, 2.0)
    assert Kept(9.0, None).each(Kept(1.0, None), 4) == Kept(2.0, None)
    now = Kept.now()
    assert now.queues >= 0
    assert now.structures is None or now.structures > 0


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_a_frame_is_as_the_standard_has_it(size: int) -> None:
    """RFC 6455, 5.2: a client's are masked, a server's are not; lengths take 7, 16 or 64 bits."""
    payload = bytes(range(256)) * (size // 256) + bytes(size % 256)
    masked = wire.frame(payload)
    head = len(masked) - size - 4
    assert masked[1] & 0x80
    unmasked = bytes((masked[0], masked[1] & 0x7F)) + masked[2:head] + payload
    assert wire.frames(unmasked + unmasked + unmasked[: len(unmasked) - 1]) == (
        [(wire.TEXT, payload)] * 2,
        unmasked[:-1],
    )
