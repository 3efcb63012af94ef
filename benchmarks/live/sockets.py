"""Clients: sockets that cost this process little, so that one can hold as many as a server."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Final, cast

from benchmarks.live import wire
from benchmarks.live.tokens import token

PATIENCE: Final = 120.0
"""Seconds that anything here may take."""

HEARTBEAT: Final = 25.0
"""Seconds; the official client has 30."""

ADDRESSES: Final = 8
"""Loopback addresses that connections come from, since each has only so many ports."""

SPARE: Final = 120
"""Files that a process has open beside its sockets."""

_HEARTBEAT: Final = wire.said(None, "0", "phoenix", "heartbeat", {})
_JOINED: Final = b'["1","1",'
_ERROR: Final = b'"status":"error"'
_addresses = count()


def most() -> int:
    """How many sockets this process, and one that it starts, may have open at once."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard - SPARE


class Socket(asyncio.Protocol):
    """One connection at a time. What it does with it is a subclass's to say."""

    def __init__(self, port: int, user: str) -> None:
        self._port = port
        self._user = user
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self._open = self._answered = False

    async def dial(self) -> None:
        """Connect, and ask for the upgrade. Raises `OSError`."""
        self._rest, self._open, self._answered = b"", False, False
        source = f"127.0.0.{2 + next(_addresses) % ADDRESSES}"
        await asyncio.get_running_loop().create_connection(
            lambda: self, "127.0.0.1", self._port, local_addr=(source, 0)
        )

    def opened(self) -> None:
        """The server accepted it."""

    def refused(self, status: int) -> None:
        """The server answered with another status; the connection is closed."""
        raise NotImplementedError

    def heard(self, text: bytes) -> None:
        """A message came."""

    def lost(self) -> None:
        """A connection that was open, or not answered yet, is gone."""

    def write(self, octets: bytes) -> None:
        """Frames, if there is still somebody to read them."""
        if self._transport is not None:
            self._transport.write(octets)

    def beat(self) -> None:
        """A heartbeat."""
        if self._open:
            self.write(_HEARTBEAT)

    def cut(self) -> None:
        """Break the connection, without a word."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class
        self._transport.write(wire.upgrade(token(self._user)))

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        if not self._open:
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self._rest = head
                return
            self._answered, status = True, int(head[9:12])
            if status != 101:
                self.cut()
                self.refused(status)
                return
            self._open = True
            self.opened()
        found, self._rest = wire.frames(data)
        for kind, payload in found:
            if kind == wire.TEXT:
                self.heard(payload)
            elif kind == wire.PING:
                self.write(wire.frame(payload, wire.PONG))
            elif kind == wire.CLOSE:
                self.write(wire.frame(payload, wire.CLOSE))

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if self._open or not self._answered:
            self._open, self._answered = False, True
            self.lost()


class Member(Socket):
    """Joins one topic and stays. `joined` has the seconds from the dial to the reply."""

    def __init__(self, port: int, user: str, topic: str) -> None:
        super().__init__(port, user)
        self.topic = topic
        self.messages = 0
        """That came after the reply to the join."""
        self.joined: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    async def dial(self) -> None:
        self._dialled = time.perf_counter()
        await super().dial()

    def opened(self) -> None:
        self.write(wire.said("1", "1", self.topic, "phx_join", {}))

    def heard(self, text: bytes) -> None:
        if self.joined.done():
            self.messages += 1
        elif text.startswith(_JOINED):
            if _ERROR in text:
                self._fail(f"a join was refused: {text.decode()}")
            else:
                self.joined.set_result(time.perf_counter() - self._dialled)

    def refused(self, status: int) -> None:
        self._fail(f"a socket was refused with {status}")

    def lost(self) -> None:
        self._fail("the server closed a socket")

    def _fail(self, why: str) -> None:
        if not self.joined.done():
            self.joined.set_exception(ConnectionError(why))


def users(prefix: str) -> Iterator[str]:
    """Names of users, each another."""
    return (f"{prefix}{number}" for number in count(1))


async def come(members: Sequence[Member], *, rate: float = 0.0, at_once: int = 64) -> list[float]:
    """Dial and join: so many a second, or so many at once. The seconds that each took, sorted."""
    gate = asyncio.Semaphore(at_once)
    begun = time.perf_counter()

    async def one(number: int, member: Member) -> float:
        if rate:
            await asyncio.sleep(max(0.0, begun + number / rate - time.perf_counter()))
        async with gate:
            await member.dial()
            return await member.joined

    async with asyncio.timeout(PATIENCE):
        return sorted(await asyncio.gather(*(one(*each) for each in enumerate(members))))


async def leave(sockets: Sequence[Socket]) -> None:
    """Break all connections, and give the server a moment to see it."""
    for socket in sockets:
        socket.cut()
    await asyncio.sleep(0.5)


async def beating(sockets: Sequence[Socket]) -> None:
    """Heartbeats of all, spread over their interval, for ever."""
    parts = 50
    while True:
        for part in range(parts):
            for socket in sockets[part::parts]:
                socket.beat()
            await asyncio.sleep(HEARTBEAT / parts)


async def until(holds: Callable[[], bool]) -> None:
    """Wait, in steps of 2 ms, until something is so."""
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - it is looked at, so that those who are waited for need not tell
            await asyncio.sleep(0.002)
