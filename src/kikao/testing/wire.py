"""Requests to an app in this process, as a gateway would make them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from kikao.channels.channel import Response
from kikao.channels.line import Application, through
from kikao.channels.ussd.clients.client import Exchange

Send = Callable[[Exchange], Awaitable[Response]]
"""An exchange to its response. Raises `OSError` when no complete reply came."""


def in_process(server: Application) -> Callable[[Exchange], Coroutine[Any, Any, Response]]:
    """Send to a server in this process."""
    line = through(server)

    async def send(exchange: Exchange) -> Response:
        return await line(exchange.posted("127.0.0.1"))

    return send
