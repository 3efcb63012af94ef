"""Who writes to whom: the numbers of a business, and persons."""

from __future__ import annotations

from typing import Any, NamedTuple

from kikao.channels.emulating.chats import Chat


class Number(NamedTuple):
    """A number of the business."""

    id: str
    """`phone_number_id`, which calls name."""
    display: str
    """Digits."""
    account: str
    """The WhatsApp Business Account it belongs to."""


class Person:
    """Somebody as the business may know them, and their chats with its numbers.

    `phone` is in digits, and empty for one who hides it: then `user_id` (`UG.1349120865`) is all that the business
    gets.
    """

    def __init__(self, name: str, phone: str, user_id: str, username: str) -> None:
        self.name = name
        self.phone = phone
        self.user_id = user_id
        self.username = username
        self.blocked = False
        self.marketing = True
        """Whether they want that."""
        self.typing = 0
        """How often the business was seen typing."""
        self.wrote: dict[str, float] = {}
        """When they wrote last, by the number they wrote to."""
        self._chats: dict[str, Chat] = {}

    def chat_with(self, number: Number) -> Chat:
        """That with a number."""
        return self._chats.setdefault(number.id, Chat(self.name))

    @property
    def contact(self) -> dict[str, Any]:
        """As `contacts` of a webhook has it."""
        profile = {"name": self.name} | ({"username": self.username} if self.username else {})
        found: dict[str, Any] = {"profile": profile}
        found |= {"wa_id": self.phone} if self.phone else {}
        return found | ({"user_id": self.user_id} if self.user_id else {})
