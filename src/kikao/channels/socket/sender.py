"""Puts messages of conversations into the streams of users, from where all of their devices have them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from kikao.channels.chat.message import Message, Parcel
from kikao.channels.chat.sender import ChatSender, Sending
from kikao.channels.outbox.sender import Delivered, Letter
from kikao.channels.socket.showing import Showing

EVENT: Final = "message"

Deliver = Callable[[str, str, Mapping[str, Any]], Awaitable[object]]
"""Keeps an event for a user and tells it to all of their sockets, on every process: user id, event, payload. What it
raises means that nobody knows whether it was kept."""


class SocketSender(ChatSender):
    """Sends to whom holds a socket, now or later. Nobody connected is no failure: they see it when they come."""

    def __init__(
        self, line: str, deliver: Deliver, clock: Callable[[], float], showing: Showing | None = None
    ) -> None:
        super().__init__(line, clock)
        self._deliver = deliver
        self._showing = showing

    async def deliver(self, parcel: Parcel, letter: Letter, *, template: bool) -> Sending:
        """Into the stream. One of which nobody knows is put there again under the same id, by which clients know it."""
        await self._deliver(parcel.to, EVENT, self._written(parcel, letter))
        return Delivered()

    def _written(self, parcel: Parcel, letter: Letter) -> dict[str, Any]:
        """A message as clients have it; what is not there has nothing to say."""
        message = parcel.message
        found: dict[str, Any] = {
            "id": parcel.said or letter.id.hex(),
            "text": message.text,
            "choices": [{"key": choice.key, "label": choice.label} for choice in message.choices],
            "layout": message.layout,
            "mark": parcel.mark,
            "secret": message.secret,
            "at": round(self.clock(), 3),
        }
        found |= {"opens": message.opens} if message.opens else {}
        found |= {"wants": message.wants} if message.wants else {}
        found |= {"mine": True} if parcel.said else {}
        found |= {"aside": True} if parcel.kind != "reply" else {}
        if message.link is not None:
            found["link"] = {"label": message.link.label, "url": message.link.url}
        if message.shows:
            found["shows"] = self._shows(parcel.to, message)
        return found

    def _shows(self, user: str, message: Message) -> list[dict[str, Any]]:
        showing = self._showing
        return [] if showing is None else [showing.described(user, each) for each in message.shows]
