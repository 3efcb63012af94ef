"""Where chats' webhooks come in: `/whatsapp`, `/telegram`, `/telegram/{bot}`, `/sms/{gateway}`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from kikao.channels.channel import Request, Response
from kikao.channels.chat.gateway import Entrance, Received

MAX_BODY: Final = 3 * 1024 * 1024
"""Octets of a webhook: a batch of messages, none of which holds a file."""

Take = Callable[[Received], Awaitable[Response]]


class ChatRoute:
    """One path: all numbers of an app share `/whatsapp`."""

    def __init__(self, entrance: Entrance, take: Take) -> None:
        self.entrance = entrance
        self._take = take

    async def answer(self, request: Request) -> Response:
        """The answer to a request that the edge let in. Raises `Denied` and `BadRequest`."""
        greeting = self.entrance.greet(request)
        if greeting is not None:
            return greeting
        self.entrance.verify(request)
        return await self._take(self.entrance.receive(request))


def chat_path(path: str) -> tuple[str, str] | None:
    """The path of an entrance and what is behind it; None for what is no path of a chat."""
    if path in ("/whatsapp", "/telegram"):
        return path, ""
    for start in ("/telegram/", "/sms/"):
        if path.startswith(start):
            name, _, rest = path[len(start) :].partition("/")
            return f"{start}{name}", rest
    return None
