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

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        scope = getattr(self, "scope", None)
        if scope is not None:  # its task has not begun
            scope["extensions"][ABORT] = self.transport.abort
