"""Each fault does what it says, to real connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.engines import proxy as faults
from tests.engines.proxy import Proxy


class Echo:
    """A server that answers each line with the line, and remembers what it got."""

    def __init__(self) -> None:
        self.got = bytearray()
        self.came = asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while octets := await reader.read(1000):
            self.got += octets
            self.came.set()
            writer.write(octets)
        writer.close()


@asynccontextmanager
async def between(recording: bool = False) -> AsyncIterator[tuple[Echo, Proxy]]:
    echo = Echo()
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    target = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, Proxy(target, recording=recording) as proxy:
        yield echo, proxy


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def ask(self, octets: bytes) -> bytes:
        """What comes back; nothing if the connection ends."""
        try:
            self.writer.write(octets)
            return await self.reader.read(1000)
        except ConnectionError:
            return b""

    async def silent(self, octets: bytes) -> bool:
        try:
            async with asyncio.timeout(0.05):
                await self.ask(octets)
        except TimeoutError:
            return True
        return False


@asynccontextmanager
async def client(proxy: Proxy) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()


async def test_without_a_fault_everything_passes_and_is_recorded() -> None:
    async with between(recording=True) as (_, proxy), client(proxy) as phone:
        assert await phone.ask(b"hello") == b"hello"
        assert bytes(proxy.to_server) == bytes(proxy.to_client) == b"hello"
        assert (proxy.connections, proxy.open) == (1, 1)


async def test_who_hangs_up_is_passed_on() -> None:
    async with between() as (_, proxy), client(proxy) as phone:
        assert await phone.ask(b"a") == b"a"
        phone.writer.write_eof()
        assert await phone.reader.read() == b""


async def test_cut_after_some_octets_lets_these_through_and_no_more() -> None:
    async with between() as (echo, proxy), client(proxy) as phone:
        assert await phone.ask(b"before") == b"before"
        proxy.fault = faults.CutAfter(octets=3, times=1)
        assert (await phone.ask(b"abcdef")) in (b"", b"abc")
        async with client(proxy) as again:
            assert await again.ask(b"x") == b"x"
        assert bytes(echo.got) == b"beforeabcx"
        assert proxy.hits == {"CutAfter": 1}


async def test_an_answer_is_cut_in_its_middle() -> None:
    async with between() as (_, proxy), client(proxy) as phone:
        proxy.fault = faults.CutAfter(octets=3, to="client")
        assert await phone.ask(b"abcdef") == b"abc"
        assert await phone.ask(b"g") == b""


async def test_cut_before_the_answer_lets_the_request_through() -> None:
    async with between() as (echo, proxy), client(proxy) as phone:
        proxy.fault = faults.CutBeforeAnswer(times=1)
        assert await phone.ask(b"pay") == b""
        assert bytes(echo.got) == b"pay"
        assert proxy.fault is None


async def test_a_fault_waits_for_the_request_that_it_is_meant_for() -> None:
    async with between() as (_, proxy), client(proxy) as phone, client(proxy) as other:
        proxy.fault = faults.CutBeforeAnswer(holding=b"commit")
        assert await phone.ask(b"claim") == b"claim"
        assert await phone.ask(b"... commit ...") == b""
        assert await other.ask(b"claim") == b"claim"
        assert proxy.hits == {"CutBeforeAnswer": 1}


async def test_latency_delays_what_passes() -> None:
    async with between() as (_, proxy), client(proxy) as phone:
        proxy.fault = faults.Latency(seconds=0.02)
        began = asyncio.get_running_loop().time()
        assert await phone.ask(b"slow") == b"slow"
        assert asyncio.get_running_loop().time() - began >= 0.04


@pytest.mark.parametrize(("fault", "arrives"), [(faults.HalfOpen(), False), (faults.Mute(), True)])
async def test_a_connection_that_lost_something_stays_silent(fault: faults.Fault, arrives: bool) -> None:
    async with between() as (echo, proxy), client(proxy) as phone:
        proxy.fault = fault
        assert await phone.silent(b"pay")
        assert bytes(echo.got) == (b"pay" if arrives else b"")
        proxy.fault = None
        assert await phone.silent(b"pay")
        async with client(proxy) as again:
            assert await again.ask(b"x") == b"x"


async def test_what_fell_into_a_black_hole_arrives_when_it_closes() -> None:
    async with between() as (echo, proxy), client(proxy) as phone:
        proxy.fault = faults.BlackHole()
        assert await phone.silent(b"pay")
        assert bytes(echo.got) == b""
        proxy.fault = None
        assert await phone.reader.read(1000) == b"pay"


async def test_garbage_comes_in_place_of_the_answer() -> None:
    async with between() as (echo, proxy), client(proxy) as phone:
        proxy.fault = faults.Garbage(times=1)
        answer = await phone.ask(b"a question of some length")
        assert len(answer) == 25
        assert answer != bytes(echo.got)
        assert await phone.ask(b"another") == b"another"


async def test_refused_are_connections_old_and_new() -> None:
    async with between() as (_, proxy), client(proxy) as phone:
        assert await phone.ask(b"a") == b"a"
        proxy.fault = faults.Refuse()
        assert await phone.ask(b"b") == b""
        async with client(proxy) as again:
            assert await again.ask(b"c") == b""
        proxy.fault = None
        async with client(proxy) as later:
            assert await later.ask(b"d") == b"d"


async def test_where_the_server_is_away_connections_end() -> None:
    async with Proxy("127.0.0.1:1") as proxy, client(proxy) as phone:
        assert await phone.ask(b"a") == b""


async def test_sockets_with_a_path_on_both_sides(tmp_path: Path) -> None:
    echo = Echo()
    server = await asyncio.start_unix_server(echo, tmp_path / "far")
    async with server, Proxy(tmp_path / "far", listen=tmp_path / "near") as proxy:
        phone = Client(*await asyncio.open_unix_connection(proxy.address))
        assert await phone.ask(b"a") == b"a"
        proxy.fault = faults.CutBeforeAnswer()
        assert await phone.ask(b"b") == b""
        assert bytes(echo.got) == b"ab"
        phone.writer.close()
