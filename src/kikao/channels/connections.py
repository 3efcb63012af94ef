"""Connections, kept for the next call to the same host.

httpcore has a pool of its own, which looks at every connection before and after each call, the kernel asked about each:
with thirty calls under way that is most of what a call costs. Here the one that is taken is looked at.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from typing import Final

import httpcore

from kikao.channels.network import Guarded

IDLE: Final = 60.0
"""Seconds that a connection is kept that nothing is sent on."""


class Connections:
    """At most `most` at a time, all hosts together. For one event loop."""

    def __init__(self, *, most: int, backend: Guarded) -> None:
        self._backend = backend
        self._room = asyncio.Semaphore(most)
        self._idle: dict[str, list[httpcore.AsyncHTTPConnection]] = {}
        """By scheme, host and port."""
        self._ssl: ssl.SSLContext | None = None

    @contextlib.asynccontextmanager
    async def one(
        self, origin: httpcore.Origin, patience: float
    ) -> AsyncIterator[httpcore.AsyncHTTPConnection]:
        """A connection, the one that was used last, or a new one; kept afterwards if it can be used again.

        Raises `httpcore.PoolTimeout` when none is free for so many seconds.
        """
        try:
            async with asyncio.timeout(patience):
                await self._room.acquire()
        except TimeoutError:
            raise httpcore.PoolTimeout("every connection is in use") from None
        try:
            idle = self._idle.setdefault(str(origin), [])
            connection = await self._taken(origin, idle)
            try:
                yield connection
            finally:
                if connection.is_idle() and not connection.has_expired():
                    idle.append(connection)
                else:
                    await _closed(connection)
        finally:
            self._room.release()

    async def close(self) -> None:
        """Let those go that wait; those in use go after their call."""
        idle = [connection for kept in self._idle.values() for connection in kept]
        self._idle.clear()
        for connection in idle:
            await _closed(connection)

    async def _taken(
        self, origin: httpcore.Origin, idle: list[httpcore.AsyncHTTPConnection]
    ) -> httpcore.AsyncHTTPConnection:
        while idle:
            connection = idle.pop()
            if not connection.has_expired():
                return connection
            await _closed(connection)
        if origin.scheme == b"https" and self._ssl is None:
            self._ssl = ssl.create_default_context()
        return httpcore.AsyncHTTPConnection(
            origin=origin, ssl_context=self._ssl, keepalive_expiry=IDLE, network_backend=self._backend
        )


async def _closed(connection: httpcore.AsyncHTTPConnection) -> None:
    """Gone, also when the call is being cancelled."""
    with contextlib.suppress(Exception):
        await asyncio.shield(connection.aclose())
