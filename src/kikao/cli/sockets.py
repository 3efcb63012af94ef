"""WebSocket as uvicorn speaks it, apart from requests: open sockets count against no limit of theirs."""

from __future__ import annotations

import functools
from typing import Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from kikao.live.socket import ABORT, WRITE


class LiveSockets(WebSocketsSansIOProtocol):
    """A connection that became a socket. It can be ended though its other side reads nothing."""

    def __init__(self, config: Any, server_state: Any, app_state: dict[str, Any], _loop: Any = None) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.connections = getattr(server_state, "sockets", self.connections)
        self.tasks = getattr(server_state, "socket_tasks", self.tasks)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self.handshake_complete and self.conn.handshake_exc is not None:
            # A head that `websockets` does not read (a line over 8 KiB, more than 128 headers). It has an answer, which
            # uvicorn never sends: the connection would stay open for ever.
            self.handshake_complete = self.close_sent = True
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        scope = getattr(self, "scope", None)
        if scope is not None:  # its task has not begun
            scope["extensions"][ABORT] = self.transport.abort
            scope["extensions"][WRITE] = self.write

    async def send(self, message: Any) -> None:
        """As uvicorn does; a refusal by a response is an answer, and no mistake to be logged."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and self.close_sent:
            self.handshake_complete = True

    def start_keepalive(self) -> None:
        """The handshake is done: what it took is not kept for as long as the socket lives."""
        super().start_keepalive()
        del self.request, self.response

    def write(self, *messages: str | bytes) -> bool:
        """Send messages at once and in one piece, if there is room: whether there was.

        The same message to one socket after the other is put into a frame once, where ASGI does it for each.
        """
        if not self.writable.is_set() or self.close_sent or self.disconnected or self.transport.is_closing():
            return False
        self.transport.write(b"".join(map(_framed, messages)))
        return True


@functools.lru_cache(maxsize=1)
def _framed(message: str | bytes) -> bytes:
    """A whole message as a server sends it: neither masked nor compressed (RFC 6455, 5.2)."""
    first, payload = (_TEXT, message.encode()) if isinstance(message, str) else (_BINARY, message)
    size = len(payload)
    if size < 126:
        return bytes((first, size)) + payload
    if size < 1 << 16:
        return bytes((first, 126, size >> 8, size & 255)) + payload
    return bytes((first, 127)) + size.to_bytes(8, "big") + payload


_TEXT: Final = 0x81
_BINARY: Final = 0x82
