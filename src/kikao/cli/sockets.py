"""WebSocket as uvicorn speaks it, apart from requests: open sockets count against no limit of theirs."""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from kikao.live.socket import ABORT


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
