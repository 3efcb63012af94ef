"""The bus over PostgreSQL: `LISTEN` and `NOTIFY`.

A notification has less than 8,000 octets of text. A longer message travels in several, which one statement sends: they
come one after the other. Behind a pooler, LISTEN needs a connection of its own (session pooling).
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Collection
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import asyncpg

from kikao.bus.networked import Dial, Link

PART: Final = 5_700
"""Octets of a part: 7,600 characters of base64, beside its head."""

WAITING: Final = 10_000
"""Notifications that wait to be heard here; more are lost, and told as a gap."""

_NOTIFY: Final = "SELECT pg_notify($1, part) FROM unnest($2::text[]) WITH ORDINALITY AS t(part, n) ORDER BY n"


def dialer(url: str) -> Dial:
    """Connects to the database of a URL."""
    dsn = url[:]
    asked = parse_qs(urlsplit(dsn).query)

    async def dial() -> Link:
        connection = await asyncpg.connect(
            dsn,
            server_settings={} if "application_name" in asked else {"application_name": "kikao bus"},
            # A standby has no notifications.
            target_session_attrs=None if "target_session_attrs" in asked else "read-write",
        )
        return _Connection(connection)

    return dial


class _Connection:
    def __init__(self, connection: asyncpg.Connection[Any]) -> None:
        self._connection = connection
        self._waiting: asyncio.Queue[tuple[str, str] | None] = asyncio.Queue(WAITING)
        self._turn = asyncio.Lock()
        """A connection does one thing at a time."""
        self._lost = False
        self._parts: dict[str, list[bytes]] = {}
        """By topic, those of a message that is not whole."""
        connection.add_termination_listener(self._ended)

    async def listen(self, topics: Collection[str]) -> None:
        for topic in topics:
            async with self._turn:
                await self._connection.add_listener(_channel(topic), self._notified)

    async def send(self, topic: str, octets: bytes) -> None:
        chunks = [octets[at : at + PART] for at in range(0, len(octets), PART)] or [b""]
        # A number in front: PostgreSQL tells equal notifications of one transaction once.
        parts = [
            f"{n}/{len(chunks)}:{base64.b64encode(chunk).decode()}" for n, chunk in enumerate(chunks, start=1)
        ]
        async with self._turn:
            await self._connection.execute(_NOTIFY, _channel(topic), parts)

    async def receive(self) -> tuple[str, bytes] | None:
        while True:
            if self._lost:
                self._lost = False
                return None
            found = await self._waiting.get()
            if found is None:
                raise ConnectionError("PostgreSQL ended the connection")
            topic, text = found
            whole = self._joined(topic, text)
            if whole is not None:
                return topic, whole

    async def close(self) -> None:
        self._connection.remove_termination_listener(self._ended)
        self._connection.terminate()

    def _joined(self, topic: str, text: str) -> bytes | None:
        """The message that is whole with this part, if it is."""
        head, _, body = text.partition(":")
        number, _, count = head.partition("/")
        try:
            n, of, chunk = int(number), int(count), base64.b64decode(body, validate=True)
        except ValueError:  # of somebody else who uses this name
            return None
        parts = self._parts.setdefault(topic, [])
        if n == 1:
            parts.clear()
        if n != len(parts) + 1:
            return None
        parts.append(chunk)
        if n < of:
            return None
        del self._parts[topic]
        return b"".join(parts)

    def _notified(self, _connection: Any, _pid: int, channel: str, text: Any) -> None:
        try:
            self._waiting.put_nowait((channel.removeprefix(_PREFIX), text))
        except asyncio.QueueFull:
            self._lost = True

    def _ended(self, _connection: Any) -> None:
        if self._waiting.full():
            self._waiting.get_nowait()
        self._waiting.put_nowait(None)


def _channel(topic: str) -> str:
    return _PREFIX + topic


_PREFIX: Final = "kikao."
