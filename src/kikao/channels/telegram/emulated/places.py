"""Chats as the Bot API tells of them."""

from __future__ import annotations

from typing import Any

from kikao.channels.emulating.chats import Chat


class Place:
    """A private chat, a group, or a supergroup."""

    def __init__(self, number: int, kind: str, title: str) -> None:
        self.id = number
        self.kind = kind
        self.chat = Chat(title)
        self.bot_is_in = True
        self.moved_to: int | None = None
        self._messages = 0

    def wire(self) -> dict[str, Any]:
        """As `Chat` of the Bot API."""
        return {"id": self.id, "type": self.kind, "title": self.chat.title}

    def next_message_id(self) -> int:
        """Unique within this chat only, as they are on Telegram."""
        self._messages += 1
        return self._messages
