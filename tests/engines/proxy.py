"""A relay before a server that breaks the connections on demand: to the client, the network or the server fails.

    async with Proxy("127.0.0.1:5432") as proxy:
        store = PostgreSQLStore(f"postgresql://postgres@{proxy.address}/kikao")
        proxy.fault = CutBeforeAnswer()
        ...
        proxy.fault = None

A fault may be changed at any time, and holds for connections that are open already. What it did is in `hits`.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, cast

import msgspec

CHUNK: Final = 64 * 1024
"""Most octets that are passed on at once."""

Side = Literal["server", "client"]
"""Whom octets are on their way to."""


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """What goes wrong. `times` is how often, over all connections; None is until another fault is set."""

    times: int | None = None
    holding: bytes = b""
    """Only from the moment that a request which holds these octets has come: a command's name, a key."""


class CutAfter(Fault, frozen=True, kw_only=True):
    """The connection is reset once so many more octets have passed to a side: a message is cut in its middle."""

    octets: int
    to: Side = "server"


class CutBeforeAnswer(Fault, frozen=True):
    """The request reaches the server; the connection is reset at the first octet of the answer."""


class Latency(Fault, frozen=True, kw_only=True):
    """Everything arrives so many seconds later."""

    seconds: float


class HalfOpen(Fault, frozen=True):
    """The server is gone, and nobody says so: requests go nowhere. A connection it struck stays dead afterwards."""


class Mute(Fault, frozen=True):
    """Requests reach the server, answers get lost. A connection it struck stays mute afterwards."""


class BlackHole(Fault, frozen=True):
    """Nothing gets through, and what is sent piles up; it arrives when the fault is over. Connecting still works."""


class Garbage(Fault, frozen=True):
    """The request reaches the server; random octets come back in place of the answer."""


class Refuse(Fault, frozen=True):
    """Open connections are reset, and new ones at once."""


class Proxy:
    """A relay to `target`, "host:port" or the path of a socket. Use it as an async context manager.

    It listens on a free port of the loopback, or at the path `listen`. With `recording`, every octet that passes is
    kept in `to_server` and `to_client`.
    """

    def __init__(
        self, target: str | Path, *, listen: Path | None = None, recording: bool = False, seed: int = 0
    ) -> None:
        self.target = str(target)
        self.hits: Counter[str] = Counter()
        """How often each kind of fault struck, by its class's name."""
        self.connections = 0
        """How many were accepted."""
        self.to_server = bytearray()
        self.to_client = bytearray()
        self._recording = recording
        self._listen = listen
        self._random = random.Random(seed)
        self._server: asyncio.Server | None = None
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._fault: Fault | None = None
        self._left: int | None = None
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Proxy:
        if self._listen is not None:
            self._server = await asyncio.start_unix_server(self._accept, self._listen)
        else:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def port(self) -> int:
        """Where it listens on the loopback."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def address(self) -> str:
        """host:port, or the path of the socket."""
        return str(self._listen) if self._listen is not None else f"127.0.0.1:{self.port}"

    @property
    def fault(self) -> Fault | None:
        """What goes wrong at present; None when all is well."""
        return self._fault

    @fault.setter
    def fault(self, fault: Fault | None) -> None:
        self._fault, self._left = fault, fault.times if fault is not None else None
        for link in list(self._links):
            link.begin(fault)
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        if isinstance(fault, Refuse):
            self.cut()

    @property
    def open(self) -> int:
        """Connections that are open now."""
        return len(self._links)

    def cut(self) -> int:
        """Reset all connections; how many there were."""
        links = list(self._links)
        for link in links:
            link.reset()
        return len(links)

    def strikes(self, fault: Fault) -> bool:
        """Count one more hit of `fault`, unless it is over by now."""
        if self._fault is not fault:
            return False
        self.hits[type(fault).__name__] += 1
        if self._left is not None:
            self._left -= 1
            if self._left <= 0:
                self.fault = None
        return True

    def garbage(self, octets: int) -> bytes:
        """As many random octets."""
        return self._random.randbytes(octets)

    async def until_changed(self) -> None:
        """Wait until another fault is set, or the proxy ends."""
        await self._changed.wait()

    def record(self, octets: bytes, to: Side) -> None:
        if self._recording:
            (self.to_server if to == "server" else self.to_client).extend(octets)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = cast(asyncio.Task[None], asyncio.current_task())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.connections += 1
        fault = self._fault
        if isinstance(fault, Refuse) and self.strikes(fault):
            _reset(writer)
            return
        try:
            if self.target.startswith("/"):
                far = await asyncio.open_unix_connection(self.target)
            else:
                host, _, port = self.target.rpartition(":")
                far = await asyncio.open_connection(host, int(port))
        except OSError:  # the server is away: so are we
            _reset(writer)
            return
        link = _Link(self, (reader, writer), far)
        self._links.add(link)
        try:
            await link.relay()
        except asyncio.CancelledError:
            return  # by the end of the proxy; asyncio's streams would complain of a task that was cancelled
        finally:
            self._links.discard(link)


class _Link:
    """One connection and its other half."""

    def __init__(
        self,
        proxy: Proxy,
        near: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        far: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self._proxy = proxy
        self._near = near
        self._far = far
        self._armed = False
        self._asked = False
        """A request was passed on since the fault came into force."""
        self._passed = {"server": 0, "client": 0}
        self._dead: set[Side] = set()
        """Sides that nothing reaches any more."""
        self.begin(proxy.fault)

    def begin(self, fault: Fault | None) -> None:
        """Another fault is in force."""
        self._armed = fault is not None and not fault.holding
        self._asked = False
        self._passed = {"server": 0, "client": 0}

    def reset(self) -> None:
        """End both halves, without a goodbye."""
        _reset(self._near[1])
        _reset(self._far[1])

    async def relay(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pump(self._near[0], self._far[1], "server"))
                tasks.create_task(self._pump(self._far[0], self._near[1], "client"))
        except* (OSError, _Over):
            pass
        finally:
            self.reset()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, to: Side) -> None:
        while True:
            octets = await reader.read(CHUNK)
            if not octets:
                with contextlib.suppress(OSError, RuntimeError):
                    writer.write_eof()
                if to == "client":
                    raise _Over
                return
            octets = await self._spoiled(octets, to)
            if octets:
                self._proxy.record(octets, to)
                writer.write(octets)
                await writer.drain()
            if to == "server":
                self._asked = True

    async def _spoiled(self, octets: bytes, to: Side) -> bytes:
        """What arrives in place of these octets. Raises `_Over` when the connection ends here."""
        proxy, fault = self._proxy, self._proxy.fault
        if to in self._dead:
            return b""
        if fault is None:
            return octets
        if to == "server" and not self._armed and fault.holding in octets:
            self._armed = True
        if not self._armed:
            return octets
        match fault:
            case CutAfter(octets=most) if fault.to == to:
                room = most - self._passed[to]
                self._passed[to] += len(octets)
                if len(octets) >= room and proxy.strikes(fault):
                    self._last_words(octets[:room], to)
                    raise _Over
            case CutBeforeAnswer() if to == "client" and self._asked and proxy.strikes(fault):
                raise _Over
            case Latency(seconds=seconds) if proxy.strikes(fault):
                await asyncio.sleep(seconds)
            case BlackHole() if proxy.strikes(fault):
                await proxy.until_changed()
                return await self._spoiled(octets, to)
            case HalfOpen() if to == "server" and proxy.strikes(fault):
                self._dead = {"server", "client"}
                return b""
            case Mute() if to == "client" and self._asked and proxy.strikes(fault):
                self._dead = {"client"}
                return b""
            case Garbage() if to == "client" and self._asked and proxy.strikes(fault):
                return proxy.garbage(len(octets))
        return octets

    def _last_words(self, octets: bytes, to: Side) -> None:
        """Pass on what comes before a cut."""
        self._proxy.record(octets, to)
        (self._far[1] if to == "server" else self._near[1]).write(octets)


class _Over(Exception):
    """The connection ends."""


_AT_ONCE: Final = b"\x01\x00\x00\x00\x00\x00\x00\x00"
"""SO_LINGER with no time: closing resets."""


def _reset(writer: asyncio.StreamWriter) -> None:
    found: socket.socket | None = writer.get_extra_info("socket")
    if found is not None and found.family != socket.AF_UNIX and found.fileno() >= 0:
        with contextlib.suppress(OSError):
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    writer.transport.abort()
