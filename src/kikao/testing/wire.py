"""Requests to an app in this process, through its ASGI door and without a network."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from typing import Any

from kikao.channels.ussd.clients import Exchange
from kikao.server import Server

Send = Callable[[Exchange], Awaitable[tuple[int, bytes]]]
"""An exchange to status and body. Raises `OSError` when no complete reply came."""


def in_process(server: Server) -> Callable[[Exchange], Coroutine[Any, Any, tuple[int, bytes]]]:
    """Send to a server in this process."""

    async def send(exchange: Exchange) -> tuple[int, bytes]:
        scope = {
            "type": "http",
            "method": "POST",
            "path": exchange.path,
            "raw_path": exchange.path.encode(),
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in exchange.headers],
            "client": ("127.0.0.1", 0),
        }
        received: list[MutableMapping[str, Any]] = []

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": exchange.body, "more_body": False}

        async def collect(message: MutableMapping[str, Any]) -> None:
            received.append(message)

        await server(scope, receive, collect)
        return received[0]["status"], b"".join(message.get("body", b"") for message in received[1:])

    return send
