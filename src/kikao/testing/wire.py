"""Requests to an app in this process, as a gateway would make them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from kikao.channels.line import Posted, through
from kikao.channels.ussd.clients import Exchange
from kikao.server import Server

Send = Callable[[Exchange], Awaitable[tuple[int, bytes]]]
"""An exchange to status and body. Raises `OSError` when no complete reply came."""


def in_process(server: Server) -> Callable[[Exchange], Coroutine[Any, Any, tuple[int, bytes]]]:
    """Send to a server in this process."""
    line = through(server)

    async def send(exchange: Exchange) -> tuple[int, bytes]:
        response = await line(Posted(exchange.path, exchange.headers, exchange.body, "127.0.0.1"))
        return response.status, response.body

    return send
