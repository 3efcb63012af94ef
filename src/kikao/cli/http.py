"""HTTP as uvicorn speaks it, with a limit that httptools lacks."""

from __future__ import annotations

from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD: Final = 64 * 1024
"""Octets of a request's line and headers; a little more may be read before it is noticed."""


class BoundedHead(HttpToolsProtocol):
    """Refuses a head that does not end: httptools would keep all of it in memory."""

    _head = 0
    _in_head = False

    def on_message_begin(self) -> None:
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._head = self._head + len(data) if self._in_head else 0
        if self._head > MAX_HEAD and not self.transport.is_closing():
            self.send_400_response("The request's head is too long.")
