"""HTTP as uvicorn speaks it, with limits that it lacks: what stands beside a body, and how long a head may take."""

from __future__ import annotations

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD: Final = 64 * 1024
"""Octets of a request beside its body (line, headers, trailers, the lengths of chunks); a little more may be read
before it is noticed."""

HEAD_PATIENCE: Final = 10.0
"""Seconds a connection may take to bring a whole head, from when it was opened or the head began."""


class _Complete(list[tuple[bytes, bytes]]):
    """The headers of a head that came. What comes behind it is none, whatever it is called."""

    def append(self, header: tuple[bytes, bytes]) -> None:
        """Dropped."""


class BoundedHead(HttpToolsProtocol):
    """Gives up a head that does not end or does not come: it would be kept in memory, or hold its connection, for ever.

    What follows a body (trailers) is part of no head, and dropped.
    """

    patience = HEAD_PATIENCE

    _beside = 0
    """Octets of this message so far that are not of its body."""
    _in_head = False
    _in_message = False
    _giving_up: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_came()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self._in_head = self._in_message = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._head_came()
        super().on_headers_complete()
        self.headers = _Complete(self.headers)
        if getattr(self.server_state, "closing", False) and self.cycle is not None:
            self.cycle.keep_alive = False  # its reply says so

    def on_body(self, body: bytes) -> None:
        self._beside -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_message = False
        self._beside = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._in_message:  # answered before its body came; the wait for the rest has an end, too
            self._expect_head()

    def data_received(self, data: bytes) -> None:
        self._beside += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._beside > MAX_HEAD:
            if self._in_head:
                self.send_400_response("The request's head is too long.")
            else:
                self.transport.close()
        elif self._in_head:
            self._expect_head()

    def _expect_head(self) -> None:
        if self._giving_up is None:
            self._giving_up = self.loop.call_later(self.patience, self.transport.close)

    def _head_came(self) -> None:
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None
