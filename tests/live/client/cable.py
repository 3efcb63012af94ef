"""The network between a client and a server, which tests cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Cable:
    """Carries octets both ways from a port of its own to another one, which may be another one later."""

    def __init__(self, to: int) -> None:
        self.to = to
        self.port = 0
        self.plugged = True
        """Whether who comes is let through; else they find nobody."""
        self._closed = False
        self._ends: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def cut(self) -> None:
        """Both sides see their connections break, at once and without a word."""
        for end in self._ends:
            end.transport.abort()

    def hang(self) -> None:
        """What is open now stays open, and carries nothing any more: half-open, as after a change of networks."""
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Somebody who comes."""
        if not self.plugged:
            writer.transport.abort()
            return
        try:
            there = await asyncio.open_connection("127.0.0.1", self.to)
        except OSError:
            writer.transport.abort()
            return
        if self._closed:  # in the meantime
            writer.transport.abort()
            there[1].transport.abort()
            return
        self._ends |= {writer, there[1]}
        self._tasks |= {
            asyncio.create_task(_carry(reader, there[1])),
            asyncio.create_task(_carry(there[0], writer)),
        }

    async def close(self) -> None:
        self._closed = True
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def cable(to: int) -> AsyncIterator[Cable]:
    laid = Cable(to)
    server = await asyncio.start_server(laid.serve, "127.0.0.1", 0)
    laid.port = server.sockets[0].getsockname()[1]
    try:
        yield laid
    finally:
        server.close()
        await laid.close()
        await server.wait_closed()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while octets := await reader.read(65536):
            writer.write(octets)
            await writer.drain()
        writer.write_eof()
