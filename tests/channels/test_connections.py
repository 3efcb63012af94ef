"""Connections are kept and used again, no more than allowed are open, and what the other side closed is not used."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpcore
import pytest

from kikao.channels.caller import Caller
from kikao.channels.calling import Answer, Call, Unanswered
from kikao.channels.connections import Connections
from kikao.channels.network import Guarded
from kikao.config import Hidden
from tests.waiting import until


class Host:
    """Answers each request, after `held` where that is set; counts its connections."""

    def __init__(self) -> None:
        self.port = 0
        self.opened = 0
        self.at_once = 0
        self.most = 0
        self.closes = False
        self.held: asyncio.Event | None = None
        self.seen: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        while head := await _head(reader):
            self.seen.append(head)
            self.at_once += 1
            self.most = max(self.most, self.at_once)
            if self.held is not None:
                await self.held.wait()
            self.at_once -= 1
            close = b"connection: close\r\n" if self.closes else b""
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n" + close + b"\r\nok")
            await writer.drain()
            if self.closes:
                break
        writer.close()

    def call(self) -> Call:
        return Call(Hidden(f"http://127.0.0.1:{self.port}/x".encode()), (), b"")


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    found = Host()
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    yield found
    server.close()


def caller(host: Host, connections: int = 4, timeout: float = 5.0) -> Caller:
    return Caller(Hidden(f"http://127.0.0.1:{host.port}".encode()), timeout=timeout, connections=connections)


async def test_calls_one_after_the_other_share_a_connection_and_say_how_long_they_are(host: Host) -> None:
    make = caller(host)
    for _ in range(3):
        assert (await make(host.call())).body == b"ok"
    assert host.opened == 1
    assert b"Content-Length: 0" in host.seen[0]
    await make.close()


async def test_no_more_are_open_than_allowed(host: Host) -> None:
    make = caller(host, connections=2)
    host.held = asyncio.Event()
    under_way = [asyncio.create_task(make(host.call())) for _ in range(6)]
    await until(lambda: host.most == 2, "two are under way")
    host.held.set()
    answers: list[Answer] = await asyncio.gather(*under_way)
    assert [answer.status for answer in answers] == [200] * 6
    assert (host.opened, host.most) == (2, 2)
    await make.close()


async def test_who_waits_too_long_for_one_is_told(host: Host) -> None:
    make = caller(host, connections=1, timeout=0.05)
    host.held = asyncio.Event()
    answers = await asyncio.gather(make(host.call()), make(host.call()), return_exceptions=True)
    assert all(isinstance(answer, Unanswered) for answer in answers)
    host.held.set()
    host.held = None
    assert (await make(host.call())).status == 200
    await make.close()


async def test_what_the_other_side_closed_is_not_used_again(host: Host) -> None:
    make = caller(host)
    host.closes = True
    assert (await make(host.call())).status == 200
    assert (await make(host.call())).status == 200
    assert host.opened == 2
    await make.close()


async def test_one_that_is_cancelled_in_the_middle_is_not_used_again(host: Host) -> None:
    make = caller(host)
    host.held = asyncio.Event()
    task = asyncio.create_task(make(host.call()))
    await until(lambda: host.at_once == 1, "one is under way")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    host.held.set()
    host.held = None
    assert (await make(host.call())).status == 200
    assert host.opened == 2
    await make.close()


async def test_connections_are_of_one_host_each(host: Host) -> None:
    connections = Connections(most=2, backend=Guarded(loopback=True))
    first = httpcore.URL(f"http://127.0.0.1:{host.port}/").origin
    other = httpcore.URL(f"http://localhost:{host.port}/").origin
    async with connections.one(first, 1.0) as one, connections.one(other, 1.0) as two:
        assert one is not two
    await connections.close()
