"""A response that is read while it is sent: what is in it is never in memory as a whole."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Final

import msgspec

from kikao.channels.edge import Receive, Send

DISCONNECT: Final = "http.disconnect"


class Streamed(msgspec.Struct, frozen=True):
    """A response with a body of `size` octets, of which the first ones have been read."""

    status: int
    headers: tuple[tuple[str, str], ...]
    size: int
    begun: bytes
    rest: AsyncGenerator[bytes, None]
    """What follows. There may be more of it than fits into `size`."""

    async def send(self, method: str, receive: Receive, send: Send) -> None:
        """Answer a request. Nothing more is read once its client left, and of a `HEAD` nothing at all.

        Raises what the reading raises: the response is not whole then, and its connection is of no use any more.
        """
        async with contextlib.aclosing(self.rest) as rest:
            headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self.headers]
            headers.append((b"content-length", b"%d" % self.size))
            await send({"type": "http.response.start", "status": self.status, "headers": headers})
            if method == "HEAD":
                await send({"type": "http.response.body", "body": b""})
                return
            leaving = asyncio.create_task(_left(receive))
            try:
                left, piece = self.size, self.begun[: self.size]
                while left > len(piece):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                    left -= len(piece)
                    if leaving.done() and leaving.result():
                        return
                    piece = (await anext(rest))[:left]
                await send({"type": "http.response.body", "body": piece})
            except OSError:  # ASGI 2.4: the client disconnected
                return
            finally:
                leaving.cancel()
                await asyncio.gather(leaving, return_exceptions=True)


async def _left(receive: Receive) -> bool:
    """Waits until the client is gone."""
    return bool((await receive())["type"] == DISCONNECT)
