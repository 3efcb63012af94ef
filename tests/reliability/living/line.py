"""A socket of a client: pushes with their replies, and whatever else comes, in its order."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

CONNECT: Final = 6.0
"""Seconds to connect."""

PATIENCE: Final = 10.0
"""Seconds that a push waits for its reply, as with the official client."""

Frame = tuple[str | None, str | None, str, str, Any]
"""`[join_ref, ref, topic, event, payload]`."""


class Lost(Exception):
    """The socket went before the reply came, or the reply did not come."""


class Line:
    """`heard` gets each frame that is no reply to `ask`, and replies to joins, in order."""

    def __init__(self, socket: ClientConnection, heard: Callable[[Frame], None]) -> None:
        self._socket = socket
        self._heard = heard
        self._refs = itertools.count(1)
        self._asked: dict[str, asyncio.Future[tuple[str, Any]]] = {}
        self.joins: dict[str, str] = {}
        """Join refs, by topic."""

    async def read(self) -> None:
        """Until the socket ends."""
        try:
            async for message in self._socket:
                frame = _DECODER.decode(message)
                asked = self._asked.pop(frame[1] or "", None)
                if asked is None:
                    self._heard(frame)
                elif not asked.done():
                    asked.set_result((frame[4]["status"], frame[4]["response"]))
        except ConnectionClosed:
            pass
        finally:
            for asked in self._asked.values():
                asked.cancel("the socket ended")

    async def join(self, topic: str, params: dict[str, Any]) -> None:
        """Its reply is heard as all else, so that nothing comes between."""
        ref = self.joins[topic] = str(next(self._refs))
        await self._send((ref, ref, topic, "phx_join", params))

    async def ask(self, topic: str, event: str, payload: Any, patience: float = PATIENCE) -> tuple[str, Any]:
        """Status and response. Raises `Lost`."""
        ref = str(next(self._refs))
        found: asyncio.Future[tuple[str, Any]] = asyncio.get_running_loop().create_future()
        self._asked[ref] = found
        try:
            await self._send((self.joins.get(topic), ref, topic, event, payload))
            async with asyncio.timeout(patience):
                return await found
        except TimeoutError:
            raise Lost("no reply in time") from None
        except asyncio.CancelledError:
            if found.cancelled() and not asyncio.current_task().cancelling():  # type: ignore[union-attr]
                raise Lost("the socket ended") from None
            raise
        finally:
            self._asked.pop(ref, None)

    def cut(self) -> None:
        """As a network does."""
        self._socket.transport.abort()

    async def close(self) -> None:
        await self._socket.close()

    @property
    def code(self) -> int | None:
        """How it was closed."""
        return self._socket.close_code

    async def _send(self, frame: Frame) -> None:
        try:
            await self._socket.send(_ENCODER.encode(frame).decode())
        except ConnectionClosed:
            raise Lost("the socket ended") from None


@contextlib.asynccontextmanager
async def opened(port: int, token: str, heard: Callable[[Frame], None]) -> AsyncIterator[Line]:
    """A socket. Raises `OSError`, `TimeoutError`, `websockets.InvalidHandshake`."""
    query = urlencode({"token": token, "vsn": "2.0.0"})
    async with connect(
        f"ws://127.0.0.1:{port}/socket/websocket?{query}",
        compression=None,
        open_timeout=CONNECT,
        ping_interval=None,
        close_timeout=1.0,
        max_size=None,
        proxy=None,
    ) as socket:
        yield Line(socket, heard)


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final[msgspec.json.Decoder[Frame]] = msgspec.json.Decoder(Frame)
